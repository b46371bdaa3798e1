#include "tools/experiments/comparison_folder.h"

#include <string>
#include <vector>

#include "engine/io/atomic_file.h"
#include "engine/io/folder.h"
#include "tools/experiments/comparison_tables.h"
#include "tools/experiments/report/write.h"
#include "tools/training/json_text.h"
#include "tools/training/usage_error.h"

namespace experiments {

namespace fs = std::filesystem;

namespace {

constexpr const char *kLock = "compare.lock", *kJson = "compare.json", *kMarkdown = "table.md",
                     *kCsv = "table.csv", *kReport = "report.html";

/// The folder, which is there from now on and may be worked in.
const fs::path& checked(const fs::path& folder) {
  check_may_be_comparison(folder);
  engine::make_folders(folder);
  return folder;
}

/// Files that a crash left behind while they were written. Who is `alone` in the folder needs no further
/// proof.
std::vector<fs::path> leftovers(const fs::path& folder, bool alone) {
  auto& judge = alone ? engine::AtomicFile::is_temporary : engine::AtomicFile::is_abandoned;
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    for (const char* name : {kJson, kMarkdown, kCsv, kReport})
      if (judge(entry.path().filename().string(), name)) found.push_back(entry.path());
  }
  return found;
}

}  // namespace

void check_may_be_comparison(const fs::path& folder) {
  const std::string shown = folder.string();
  if (fs::exists(folder) && !fs::is_directory(folder))
    throw training::UsageError(shown + " is a file; --out needs a folder");
  if (fs::exists(folder) && !fs::is_empty(folder) && !fs::exists(folder / kLock))
    throw training::UsageError(shown + " is not the folder of a comparison (it has no " + kLock +
                               "), so it is left alone; give another --out");
}

ComparisonFolder::ComparisonFolder(fs::path path) : path_(std::move(path)), lock_(checked(path_) / kLock) {
  engine::check(lock_.held() || !lock_.supported(), path_.string() + ":",
                engine::FileLock::holder(path_ / kLock),
                "is at work on this comparison; wait until it ends, or give another --out");
  for (const fs::path& leftover : leftovers(path_, lock_.held())) engine::remove_file(leftover);
}

bool ComparisonFolder::has_tables() const {
  return fs::exists(path_ / kJson);
}

void ComparisonFolder::write(const engine::Json& comparison) const {
  engine::write_file(path_ / kJson, training::json_text(comparison, 2) + '\n');
  engine::write_file(path_ / kMarkdown, markdown_tables(comparison));
  engine::write_file(path_ / kCsv, csv_table(comparison));
  write_comparison_report(path_);
}

}  // namespace experiments
