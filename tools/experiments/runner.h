#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/io/json.h"
#include "tools/experiments/child.h"
#include "tools/experiments/comparison.h"
#include "tools/experiments/halving.h"
#include "tools/experiments/part.h"
#include "tools/experiments/task.h"
#include "tools/training/identity.h"

namespace experiments {

/// A method as it is compared.
struct ComparedMethod {
  std::string label;          ///< what it is called in tables
  std::string method;         ///< its name
  engine::Json options;       ///< an object: what it is given besides the settings of all
  std::vector<double> rates;  ///< learning rates to choose among, one at least
};

/// How a learning rate is searched for. grid: every rate's run goes to its end. halving: the worse half stops
/// on the way, as halve() has it.
enum class Search { grid, halving };

/// What is compared, and where the results go.
struct ComparisonConfig {
  std::filesystem::path out;
  std::vector<ComparedMethod> methods;
  std::vector<Task> tasks;
  Index seeds = 1;
  Search search = Search::grid;
  std::optional<Part> part = std::nullopt;  ///< what of it is made; nothing: all of it
  bool overwrite = false;  ///< runs that are there with other options or data are made again, not refused
  engine::Json settings;   ///< of all runs, as compare.json has them
};

/// All runs of it or of its part, in the order in which they are made.
std::vector<PlannedRun> plan_of(const ComparisonConfig& config);

/// "search, flowers, linear, lr 0.003 seed 0": a run in a line of text.
std::string describe(const ComparisonConfig& config, const PlannedRun& run);

/// The folder of a run with this learning rate.
std::filesystem::path run_folder(const ComparisonConfig& config, const PlannedRun& run, double lr);

/// What a comparison needs of the program around it. `arguments` and `identity` are of the run with that
/// learning rate.
struct RunnerHooks {
  /// The arguments that make the run, the name of the command first. `--resume` or `--overwrite` is added
  /// where the run's folder holds one already, and `--pause-after-epoch` where halving has it pause.
  std::function<std::vector<std::string>(const PlannedRun&, double lr)> arguments;
  /// The epochs of the run, of which the last may be a part.
  std::function<Index(const PlannedRun&, double lr)> epochs;
  /// What config.json of the run must hold for a run in its folder to be this one.
  std::function<training::RunIdentity(const PlannedRun&, double lr)> identity;
  /// Of the images that the run in a folder has read, those that are not what they were, in words.
  std::function<std::vector<std::string>(const PlannedRun&, const std::filesystem::path& folder)> changed =
      [](const PlannedRun&, const std::filesystem::path&) { return std::vector<std::string>(); };
  /// Shows a line to the user.
  std::function<void(const std::string&)> note;
  /// The signal that asks to stop; 0 while there is none. The run in progress gets it once.
  std::function<int()> stop_signal;
  /// What run_child() is to do when the user suspends this process.
  std::function<bool()> suspension = [] { return false; };
  std::function<void()> suspend = [] {};
  /// Makes a run and waits for its end.
  std::function<ChildEnd(const std::vector<std::string>& arguments, const ChildHooks&)> start = run_child;
};

/// Makes the runs of a comparison one by one, each in a process of its own, and keeps their records.
class Runner {
 public:
  /// `hooks` must all be set.
  Runner(ComparisonConfig config, RunnerHooks hooks);

  /// Makes every run that is missing: one whose folder holds the result of a run with its identity counts as
  /// made, one that was interrupted is resumed. The folder's tables, or the file of the part, are written
  /// after each, those of an earlier call stay until the first. Returns the title
  /// of the run that a signal stopped, nothing when all were made. Throws a UsageError before anything is
  /// written, when runs are there that differ, naming each difference; an Error that names the runs which
  /// failed, after the others. A search that diverged has not failed: it is the worst of its kind.
  std::optional<std::string> make_runs();

  /// Throws the same UsageError, and changes nothing.
  void check();

  /// compare.json of the runs that are made.
  engine::Json json() const;

 private:
  /// What is to be done next: a planned run, to its end or to a pause.
  struct Next {
    std::size_t run = 0;
    Index pause_after = 0;  ///< epochs; 0: to its end
  };
  std::optional<Next> next() const;
  std::string title_of(const Next& next) const;
  bool is_halved(const PlannedRun& run) const;
  std::vector<std::size_t> searches_with(std::size_t i) const;
  Halving halving_of(const std::vector<std::size_t>& searches) const;
  std::vector<std::size_t> settle(const std::vector<std::size_t>& searches);
  void settle_searches();
  RunRecord blank_record(const PlannedRun& run, double lr) const;
  bool decides(const PlannedRun& search, const PlannedRun& run) const;
  std::optional<double> rate_of(const PlannedRun& run) const;
  bool take_record(std::size_t i);
  bool look_for(std::size_t i);
  std::optional<std::vector<std::string>> differences_of(const PlannedRun& run, double lr) const;
  void refuse_other_runs() const;
  void make(const Next& next, const std::string& title);
  ChildEnd start(const Next& next, double lr);
  void fail(std::size_t i, const std::string& why);
  void pass_on(const std::string& line);

  ComparisonConfig config_;
  RunnerHooks hooks_;
  std::vector<PlannedRun> plan_;
  std::vector<std::optional<RunRecord>> records_;  ///< as plan_
  std::vector<char> failed_;                       ///< as plan_, in this process
  std::vector<char> diverged_;                     ///< of those, final runs that would fail again
  std::set<std::string> shown_;                    ///< notes of runs
};

}  // namespace experiments
