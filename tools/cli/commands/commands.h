#pragma once

#include <span>
#include <string>
#include <vector>

namespace cli {

/// One command of the program: a row of the table in main.cpp. `run` gets the arguments behind the command's
/// name and prints the result; it throws an Error when it fails.
using Arguments = std::span<const std::string>;
struct Command {
  const char *name, *summary;
  void (*run)(Arguments arguments);
};

void run_tune(Arguments arguments);
void run_select(Arguments arguments);
void run_compare(Arguments arguments);
void run_eval(Arguments arguments);
void run_predict(Arguments arguments);
void run_merge(Arguments arguments);
void run_export(Arguments arguments);
void run_count(Arguments arguments);
void run_inspect(Arguments arguments);
void run_report(Arguments arguments);
void run_methods(Arguments arguments);
void run_models(Arguments arguments);
void run_bench(Arguments arguments);

}  // namespace cli
