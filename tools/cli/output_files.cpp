#include "tools/cli/output_files.h"

#include <filesystem>

#include "engine/io/append_file.h"
#include "engine/io/folder.h"
#include "tools/training/pretrained/model_path.h"
#include "tools/training/usage_error.h"

namespace cli {
namespace {

/// The paths that are given, by the names of their options.
std::vector<std::pair<std::string, std::string>> paths(const OptionTable& table, bool outputs) {
  std::vector<std::pair<std::string, std::string>> given;
  for (const Option& option : table.options()) {
    const Path* const path = std::get_if<Path>(&option.value);
    if (path && path->is_output == outputs && !path->field->empty())
      given.emplace_back("--" + option.name, *path->field);
  }
  return given;
}

bool same_file(const std::string& output, const std::filesystem::path& other) {
  std::error_code ignored;
  return std::filesystem::equivalent(output, other, ignored) ||
         std::filesystem::weakly_canonical(output, ignored) ==
             std::filesystem::weakly_canonical(other, ignored);
}

void check_can_write(const std::string& path) {
  if (path.empty()) return;
  const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
  std::error_code ignored;
  engine::check(std::filesystem::is_directory(folder, ignored), path + ":", folder.string(),
                "is no folder; make it, or give another path");
  const std::filesystem::file_status there = std::filesystem::status(path, ignored);
  engine::check(!is_directory(there), path + ": is a folder; a file is needed");
  engine::check(!is_other(there), path + ": is not a regular file; give another path");
  engine::check_writable(folder, path);
}

}  // namespace

void check_outputs(const OptionTable& table) {
  auto others = paths(table, false);
  const auto outputs = paths(table, true);
  for (const auto& [option, path] : outputs) check_can_write(path);
  for (const auto& [option, path] : outputs) {
    for (const auto& [other, other_path] : others) {
      for (const std::filesystem::path& file : training::weight_files(other_path)) {
        if (same_file(path, file))
          throw training::UsageError(
              engine::say(option, path, "is a file of", other, "too, and would overwrite it; give another"));
      }
    }
    others.emplace_back(option, path);
  }
}

}  // namespace cli
