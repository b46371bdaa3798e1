#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <new>

#include "engine/base/flush_denormals.h"
#include "engine/base/text.h"
#include "engine/kernels/processors.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/follow.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/model_options.h"
#include "tools/cli/option_help.h"
#include "tools/cli/safe_output.h"
#include "tools/training/usage_error.h"

namespace cli {
namespace {

constexpr Command kCommands[] = {
    {"tune", "fine-tune a checkpoint on a folder of images with one method", run_tune},
    {"select", "score and select only, and print what that cost", run_select},
    {"compare", "methods x tasks x seeds under one protocol, and the table", run_compare},
    {"eval", "accuracy of a checkpoint, with a delta, on one split", run_eval},
    {"predict", "classes and probabilities of single images", run_predict},
    {"merge", "base + delta to a stand-alone checkpoint", run_merge},
    {"export", "a model, with a delta, in a form that other software reads", run_export},
    {"count", "number of trainable parameters of a method (needs no checkpoint or data)", run_count},
    {"inspect", "what is in a checkpoint, delta, selection or run folder", run_inspect},
    {"report", "HTML report of a run or a comparison", run_report},
    {"methods", "the methods and their options", run_methods},
    {"models", "the families of models, their names and where checkpoints are published", run_models},
    {"bench", "time and memory of inference, a training step or scoring, on random weights", run_bench},
};

void print_help() {
  std::cout << "espalier fine-tunes Vision Transformers on a CPU by gradient-based parameter selection.\n\n"
               "Usage: espalier COMMAND [options]\n       espalier COMMAND --help\n       espalier "
               "--version\n\nCommands:\n";
  for (const Command& command : kCommands) {
    std::cout << "  " << command.name << std::string(10 - std::string(command.name).size(), ' ')
              << command.summary << '\n';
  }
}

/// Behind the commands, the options that several of them share.
void print_all_help() {
  print_help();
  training::ModelSource model;
  training::DataSource data;
  Checks checks;
  OptionTable table;
  declare_model(table, model);
  declare_data(table, data);
  declare_checks(table, checks);
  std::cout << "\nOptions that most commands share (COMMAND --help-all has all of a command):\n"
            << options_help(table, true, nullptr, text_width());
}

void run(const Command& command, Arguments arguments) {
  try {
    command.run(arguments);
  } catch (const training::Stopped& stopped) {
    throw_interrupted(stopped);
    throw;
  }
}

void run(const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  for (const Command& command : kCommands) names.emplace_back(command.name);
  if (arguments.empty())
    throw training::UsageError("a command is needed: " + engine::join(names, ", ") + "; see espalier --help");
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") return print_help();
  if (name == "--help-all") return print_all_help();
  if (name == "--version") {
    std::cout << "espalier " ESPALIER_VERSION "\n";
    return;
  }
  for (const Command& command : kCommands) {
    if (name == command.name) return run(command, Arguments(arguments).subspan(1));
  }
  throw training::UsageError("unknown command '" + name + "'" + engine::did_you_mean(name, names));
}

/// OpenMP's threads spin for milliseconds while they wait unless the environment is set otherwise, and then
/// starve the threads that decode images and every other program; asleep at once, they wake too late for
/// the next loop. Some ten microseconds lie between. The setting is read before main(), so the program starts
/// itself once more, on the processors that it was started on.
void spin_briefly(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  if (engine::kernels::Processors::of_loops().release_thread() && setenv("GOMP_SPINCOUNT", "2000", 1) == 0)
    execv("/proc/self/exe", argv);  // failing, it goes on as it is
}

/// Opens standard streams that the caller has closed: a file opened later would get the number of one, and
/// what is printed would go into it. They are only opened for reading, so that printing fails as it should.
void keep_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) < 0) open("/dev/null", O_RDONLY);
  }
}

/// An error is one line, whatever it quotes.
void print_error(const std::string& text) {
  std::cerr << "espalier: " << engine::one_line(text) << std::endl;
}

}  // namespace
}  // namespace cli

int main(int argc, char** argv) {
  const engine::FlushDenormals flush;  // for what no loop computes
  cli::keep_standard_streams();
  const cli::SafeOutput safe(std::cout);
  cli::spin_briefly(argv);
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone, and
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files, are errors of writing as others are
  try {
    cli::run({argv + 1, argv + argc});
    std::cout.flush();
    if (!std::cout) throw engine::Error("the result could not be written to standard output");
    return 0;
  } catch (const training::UsageError& e) {
    cli::print_error(e.what());
    return 2;
  } catch (const cli::Interrupted& e) {
    cli::print_error(e.what());
    return 128 + e.signal;
  } catch (const std::bad_alloc&) {
    cli::print_error("out of memory; a smaller --batch-size or --image-size needs less");
  } catch (const std::exception& e) {
    cli::print_error(e.what());
  }
  return 1;
}
