#include "tools/exports/folder.h"

#include <algorithm>

#include "engine/base/text.h"
#include "engine/io/atomic_file.h"
#include "engine/io/file.h"
#include "engine/io/folder.h"
#include "engine/io/in_quotes.h"

namespace exports {

namespace fs = std::filesystem;

namespace {

constexpr const char* kCard = "README.md";
constexpr std::size_t kMaxCard = 1'000'000;

/// The line of a card by which the folder is known as ours.
std::string mark(const std::string& format) {
  return "<!-- espalier export --format " + format + " -->";
}

/// Removes what processes that have ended had begun to write for these files.
void remove_leftovers(const fs::path& folder, const FolderFiles& files) {
  std::vector<std::string> names{kCard, files.weights};
  for (const auto& [name, text] : files.texts) names.push_back(name);
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    for (const std::string& name : names)
      if (engine::AtomicFile::is_abandoned(entry.path().filename().string(), name))
        found.push_back(entry.path());
  for (const fs::path& leftover : found) engine::remove_file(leftover);
}

}  // namespace

void check_folder(const fs::path& out, const std::string& format, std::span<const char* const> names) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(out, ignored))) return;
  const std::string name = out.string();
  engine::check(fs::is_directory(out, ignored), name + ":", "is there and is no folder; give another path");
  const fs::path card = out / kCard;
  const bool ours = fs::is_regular_file(card, ignored) && fs::file_size(card, ignored) <= kMaxCard &&
                    engine::read_file(card, kMaxCard).find(mark(format)) != std::string::npos;
  for (const fs::directory_entry& entry : fs::directory_iterator(out)) {
    const std::string file = entry.path().filename().string();
    const auto begun = [&](const char* of) { return engine::AtomicFile::is_temporary(file, of); };
    if (begun(kCard) || std::ranges::any_of(names, begun)) continue;
    engine::check(ours, name + ":", "is there and is no folder of --format", format + "; give another path");
    engine::check(file == kCard || std::ranges::find(names, file) != names.end(), name + ": holds",
                  engine::in_quotes(file) + ",",
                  "which is none of an export's; remove it, or give another path");
  }
}

std::vector<fs::path> write_folder(const fs::path& out, const FolderFiles& files) {
  std::vector<fs::path> written;
  const auto path = [&](const std::string& name) { return written.emplace_back(out / name); };
  if (!engine::make_new_folder(out)) remove_leftovers(out, files);
  engine::remove_file(out / files.weights);
  engine::sync_folder(out, out.string());
  engine::write_file(path(kCard), files.card + "\n" + mark(files.format) + "\n");
  for (const auto& [name, text] : files.texts) engine::write_file(path(name), text);
  engine::write_safetensors(path(files.weights), files.tensors, files.metadata);
  return written;
}

}  // namespace exports
