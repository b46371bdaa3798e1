#include "tools/experiments/comparison_folder.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/io/append_file.h"
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
                     *kCsv = "table.csv", *kReport = "report.html", *kParts = "parts";

/// A file of a part, below the comparison's folder.
std::string part_file(const Part& part, const char* ending) {
  return kParts + ('/' + part.text("-of-")) + ending;
}

/// The file by which who is at work on the folder, or on the part, is known. The folder is there from now on
/// and may be worked in.
fs::path lock_in(const fs::path& folder, const std::optional<Part>& part) {
  check_may_be_comparison(folder);
  engine::make_folders(folder);
  if (!part) return folder / kLock;
  const engine::AppendFile mark(folder /
                                kLock);  // the first file there: it marks the folder as a comparison's
  engine::make_folders(folder / kParts);
  return folder / part_file(*part, ".lock");
}

[[noreturn]] void complain_of(const fs::path& folder, const std::string& holder, const std::string& what) {
  throw engine::Error(folder.string() + ": " + (holder.empty() ? "another process" : holder) +
                      " is at work on " + what + "; wait until it ends, or give another --out");
}

/// Throws an Error that names a process which is at work on what this one must have for itself.
void check_others(const fs::path& folder, const std::optional<Part>& part) {
  if (part) {
    const std::string holder = engine::FileLock::holder(folder / kLock);
    if (!holder.empty()) complain_of(folder, holder, "this comparison");
  }
  if (!fs::exists(folder / kParts)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / kParts)) {
    const std::string name = entry.path().stem().string();
    // Parts of the same number have no run in common.
    if (entry.path().extension() != ".lock" || (part && name.ends_with("-of-" + std::to_string(part->of))))
      continue;
    const std::string holder = engine::FileLock::holder(entry.path());
    if (!holder.empty()) complain_of(folder, holder, "part " + name + " of this comparison");
  }
}

/// Files that a crash left behind while they were written. Who is `alone` in the folder needs no further
/// proof.
std::vector<fs::path> leftovers(const fs::path& folder, const std::vector<std::string>& names, bool alone) {
  auto& judge = alone ? engine::AtomicFile::is_temporary : engine::AtomicFile::is_abandoned;
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    for (const std::string& name : names)
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

engine::Json earlier_comparison(const fs::path& folder) {
  if (fs::exists(folder / kJson)) return engine::read_json(folder / kJson);
  if (!fs::exists(folder / kParts)) return {};
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / kParts))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  return files.empty() ? engine::Json() : engine::read_json(*std::ranges::min_element(files));
}

ComparisonFolder::ComparisonFolder(fs::path path, std::optional<Part> part)
    : path_(std::move(path)), part_(part), lock_(lock_in(path_, part_)) {
  if (!lock_.held() && lock_.supported())
    complain_of(path_, engine::FileLock::holder(lock_in(path_, part_)),
                part_ ? "part " + part_->text() + " of this comparison" : "this comparison");
  check_others(path_, part_);
  const fs::path folder = part_ ? path_ / kParts : path_;
  const std::vector<std::string> names = part_ ? std::vector<std::string>{part_->text("-of-") + ".json"}
                                               : std::vector<std::string>{kJson, kMarkdown, kCsv, kReport};
  for (const fs::path& leftover : leftovers(folder, names, lock_.held())) engine::remove_file(leftover);
}

bool ComparisonFolder::has_tables() const {
  return fs::exists(path_ / (part_ ? part_file(*part_, ".json") : kJson));
}

void ComparisonFolder::write(const engine::Json& comparison) const {
  const std::string text = training::json_text(comparison, 2) + '\n';
  if (part_) return engine::write_file(path_ / part_file(*part_, ".json"), text);
  engine::write_file(path_ / kJson, text);
  engine::write_file(path_ / kMarkdown, markdown_tables(comparison));
  engine::write_file(path_ / kCsv, csv_table(comparison));
  write_comparison_report(path_);
}

}  // namespace experiments
