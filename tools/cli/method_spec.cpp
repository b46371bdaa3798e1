#include "tools/cli/method_spec.h"

#include <algorithm>
#include <set>

#include "engine/base/text.h"
#include "peft/methods.h"
#include "tools/experiments/comparison.h"
#include "tools/training/json_text.h"
#include "tools/training/usage_error.h"

namespace cli {
namespace {

/// What the comparison decides, and how it is given.
constexpr std::pair<const char*, const char*> kDecided[] = {
    {"lr", "lrs=1e-3/1e-2 gives the learning rates to try"},
    {"seed", "--seeds N gives their number"},
    {"recipe", "--recipe papers is given once, for all methods that have one"},
    {"method", "the method stands first"},
    {"model", "all methods have one --model"},
    {"arch", "all methods have one --arch"},
    {"data", "--task NAME=FOLDER gives the images"},
    {"train-list", "--task NAME=FOLDER gives the images"},
    {"val-list", "--task NAME=FOLDER gives the images"},
    {"test-list", "--task NAME=FOLDER gives the images"},
    {"data-root", "--task NAME=FOLDER gives the images"},
    {"val-split", "a task has its splits"},
    {"test-split", "a task has its splits"},
    {"group", "a task has its splits"},
    {"class-order", "the classes of a task have one order, sorted"},
    {"features", "they are kept below --out"},
    {"scores", "they are kept below --out"},
    {"on", "it is train for a search and train+val for the final runs"},
    {"no-test", "no search is evaluated on the test split"},
    {"keep", "the last weights are kept"},
    {"out", "every run has its folder below --out"},
    {"tensorboard", "its runs write no event files"},
    {"resume", "runs are resumed where they can be"},
    {"pause-after-epoch", "--search halving pauses the runs of a search"},
    {"overwrite", "runs with other options are started over"},
    {"json", "it is given once, for the comparison"},
    {"instruction-set", "all runs have one --instruction-set"},
    {"prefix-cache", "all runs have one --prefix-cache"},
    {"dry-run", "it is given once, for the comparison"},
    {"strict", "it is given once, for the comparison"},
    {"help", "see espalier tune --help"},
    {"help-all", "see espalier tune --help-all"}};

/// The pieces of `text` between separators, with "\" still before what it takes into a value.
std::vector<std::string> pieces(std::string_view text, char separator) {
  std::vector<std::string> all(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == separator) {
      all.emplace_back();
      continue;
    }
    all.back() += text[i];
    if (text[i] == '\\' && i + 1 < text.size()) all.back() += text[++i];
  }
  return all;
}

/// Without the "\" before commas, semicolons and itself.
std::string plain(std::string_view text) {
  std::string all;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool takes = text[i] == '\\' && i + 1 < text.size() &&
                       std::string_view("\\,;").find(text[i + 1]) != std::string_view::npos;
    all += takes ? text[++i] : text[i];
  }
  return all;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

bool is_option_name(std::string_view name) {
  return !name.empty() && name.front() != '-' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// "option=value" or "switch".
std::pair<std::string, std::string> read_option(const std::string& piece) {
  const auto equals = piece.find('=');
  const std::string name = trimmed(piece.substr(0, equals));
  engine::check(is_option_name(name), "option '" + name + "':",
                "a name is needed as of tune without dashes, as in k=2 or no-shuffle");
  for (const auto& [decided, how] : kDecided)
    engine::check(name != decided, name, "is decided by the comparison:", how);
  if (equals == std::string::npos) return {name, ""};
  const std::string value = plain(trimmed(piece.substr(equals + 1)));
  engine::check(!value.empty(), name, "needs a value behind =");
  return {name, value};
}

MethodSpec read_spec(const std::string& text) {
  const std::vector<std::string> parts = pieces(text, ',');
  const auto equals = parts.front().find('=');
  MethodSpec spec;
  spec.label = plain(equals == std::string::npos ? text : trimmed(parts.front().substr(0, equals)));
  spec.method = trimmed(equals == std::string::npos ? parts.front() : parts.front().substr(equals + 1));
  check_label(spec.label, "the label");
  peft::find_method(spec.method);
  std::set<std::string> seen;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto [name, value] = read_option(parts[i]);
    engine::check(seen.insert(name).second, name, "is given twice");
    if (name == "lrs")
      spec.lrs = parse_rates(value, '/', "lrs");
    else
      spec.options.emplace_back(name, value);
  }
  return spec;
}

}  // namespace

std::vector<std::string> MethodSpec::words(const GivenOptions& common) const {
  std::vector<std::string> all = words_of(peft::find_method(method), merged(common, options));
  all.insert(all.begin(), "--method=" + method);
  return all;
}

std::vector<MethodSpec> parse_method_specs(std::string_view text) {
  std::vector<MethodSpec> specs;
  for (const std::string& piece : pieces(text, ';')) {
    const std::string one = trimmed(piece);
    if (one.empty()) continue;
    try {
      specs.push_back(read_spec(one));
    } catch (const engine::Error& e) {
      throw training::UsageError("method '" + one + "': " + e.what());
    }
    const std::string& label = specs.back().label;
    if (std::ranges::count(specs, label, &MethodSpec::label) > 1)
      throw training::UsageError("two methods are called '" + label +
                                 "'; LABEL=METHOD,... gives one of them another name");
  }
  return specs;
}

std::vector<double> parse_rates(std::string_view text, char separator, std::string_view what) {
  std::vector<double> rates;
  for (const std::string& piece : engine::split(text, separator)) {
    const double rate = engine::parse_number(piece, what);
    engine::check(rate > 0, what, "takes numbers above 0, not", piece);
    engine::check(std::ranges::find(rates, rate) == rates.end(), what, "has", piece, "twice");
    rates.push_back(rate);
  }
  engine::check(!rates.empty(), what, "takes one learning rate or more");
  return rates;
}

void check_label(const std::string& text, std::string_view what) {
  constexpr std::size_t kLongest = 255;  // that file systems take
  engine::check(!text.empty(), what, "is empty");
  engine::check(experiments::folder_name(text).size() <= kLongest, what,
                "is too long for the name of a folder");
  engine::check(training::is_utf8(text) && engine::one_line(text) == text, what, "must be one line of UTF-8");
  engine::check(text.front() != ' ' && text.back() != ' ', what, "must not begin or end with a space");
}

}  // namespace cli
