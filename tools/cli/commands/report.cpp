#include <filesystem>
#include <iostream>

#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/model_options.h"
#include "tools/experiments/report/write.h"
#include "tools/training/usage_error.h"

namespace cli {

namespace fs = std::filesystem;

void run_report(Arguments arguments) {
  std::vector<std::string> folders;
  Index threads = 0;
  CommandLine line("report", "Writes report.html into the folder of a run or of a comparison.",
                   "espalier report runs/flowers");
  line.table.words("FOLDER", folders, "folder of a run or of a comparison");
  declare_ignored_threads(line.table, threads);
  if (!line.parse(arguments)) return;
  if (folders.empty()) throw training::UsageError("report: the folder of a run or of a comparison is needed");
  for (const fs::path folder : folders) {
    engine::check(fs::is_directory(folder), folder.string() + ": no such folder");
    const bool comparison = fs::exists(folder / "compare.json");
    engine::check(comparison || fs::exists(folder / "metrics.jsonl"),
                  folder.string() + ": is not the folder of a run or a comparison: it has neither",
                  "metrics.jsonl nor compare.json");
    if (comparison)
      experiments::write_comparison_report(folder);
    else
      experiments::write_run_report(folder, {.note = note});
    std::cout << (folder / "report.html").string() << '\n';
  }
}

}  // namespace cli
