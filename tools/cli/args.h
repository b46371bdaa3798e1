#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "peft/options.h"
#include "tools/training/usage_error.h"

namespace CLI {
class App;
}

namespace cli {

using engine::Index;

/// More threads than any machine has cores to run.
constexpr Index kMostThreads = 1024, kMostWorkers = 256;

/// The options of one command. Targets keep their value when the option is not given.
class Args {
 public:
  Args(const std::string& command, const std::string& summary);
  ~Args();

  /// Options of every kind; `values` says in the help what the option takes.
  void text(const std::string& name, std::string& target, const std::string& values, const std::string& help);
  void texts(const std::string& name, std::vector<std::string>& target,
             const std::string& help);  ///< positional
  void list(const std::string& name, std::vector<std::string>& target, const std::string& values,
            const std::string& help);
  void many(const std::string& name, std::vector<std::string>& target, const std::string& values,
            const std::string& help);  ///< may be given many times
  void integer(const std::string& name, Index& target, Index lowest, const std::string& help,
               Index highest = 1'000'000'000);  ///< a standard value below `lowest` is told by the help
  void number(const std::string& name, double& target, bool (*ok)(double), const std::string& range,
              const std::string& help);
  void choice(const std::string& name, std::string& target, const std::vector<std::string>& choices,
              const std::string& help);
  void flag(const std::string& name, bool& target, const std::string& help);
  /// The options of all methods; those that were given land in `target` under their names without dashes.
  void method_options(std::map<std::string, std::string>& target);
  /// A heading for the options that follow.
  void group(const std::string& title) { group_ = title; }

  /// Reads the arguments. False when --help was asked for and printed. Throws a UsageError that names the
  /// option, with the nearest ones when there is none of that name.
  bool parse(std::span<const std::string> arguments);
  /// True when the option was on the command line.
  bool given(const std::string& name) const;
  /// What was on the command line: names without dashes, and values; "" for a switch.
  std::vector<std::pair<std::string, std::string>> all_given() const;

 private:
  void add(const std::string& name, const std::string& values, const std::string& help,
           const std::string& standard, const std::function<void(const std::string&)>& take);
  std::vector<std::string> option_names() const;

  std::string command_, group_ = "Options";
  std::unique_ptr<CLI::App> app_;
};

}  // namespace cli
