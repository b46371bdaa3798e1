#pragma once

#include <span>
#include <string>

#include "tools/cli/option_parser.h"

namespace cli {

/// How a command is called: its options, its help, and what was given.
class CommandLine {
 public:
  /// `example` is a command that stands at the end of the help. Errors begin with the command, unless it is
  /// empty.
  CommandLine(std::string command, std::string summary, std::string example);

  OptionTable table;

  /// Whether parse() ends with check_relations().
  enum class Relations { check, leave };
  /// Reads the words behind the command's name into the fields of the table. False when help was asked for
  /// and printed. Throws a UsageError that names the command and the option.
  bool parse(std::span<const std::string> words, Relations relations = Relations::check);

  /// Throws a UsageError when given options exclude each other, or one lacks another that it needs.
  void check_relations() const;

  /// True when the option was given.
  bool given(const std::string& name) const;
  /// What was given, in order.
  const GivenOptions& given() const { return given_; }

  /// The help in lines of at most `width` characters, with all shared options or the common ones, and those
  /// of `method`, unless its name is empty. Throws an Error for an unknown one.
  std::string help(bool all, const std::string& method, std::size_t width) const;

 private:
  [[noreturn]] void complain(const std::string& what) const;

  std::string command_, summary_, example_;
  GivenOptions given_;
};

}  // namespace cli
