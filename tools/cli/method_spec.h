#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/given_options.h"

namespace cli {

/// A method as a comparison runs it.
struct MethodSpec {
  std::string label;        ///< what it is called in tables
  std::string method;       ///< its name
  GivenOptions options;     ///< in the order given, without lrs
  std::vector<double> lrs;  ///< learning rates to choose among; empty for those of the comparison

  /// The words of `tune` that give all this over `common` options: --method, and the options but those of
  /// `common` that the method's own replace.
  std::vector<std::string> words(const GivenOptions& common) const;
};

/// Reads "LABEL=METHOD,option=value,switch,lrs=1e-3/1e-2;METHOD,..." of which LABEL= and the options may be
/// missing; a label that is missing is the text of its method. "\" takes a comma or semicolon behind it into
/// the value. Throws a UsageError that quotes a method and names what is wrong with it: an unknown name, an
/// option given twice or that the comparison decides, two methods of one label. The values of options
/// are checked by parse_tune().
std::vector<MethodSpec> parse_method_specs(std::string_view text);

/// Numbers above 0 between separators, none of them twice. Throws an Error naming `what`.
std::vector<double> parse_rates(std::string_view text, char separator, std::string_view what);

/// Throws an Error naming `what` unless `text` can be the name of a task or a method: one line of UTF-8,
/// without a space at either end, whose folder_name() has 1 to 255 bytes.
void check_label(const std::string& text, std::string_view what);

}  // namespace cli
