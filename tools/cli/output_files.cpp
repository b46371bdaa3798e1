#include "tools/cli/output_files.h"

#include <filesystem>

#include "data/image_folder.h"
#include "data/sources.h"
#include "data/split_names.h"
#include "engine/io/atomic_file.h"
#include "engine/io/folder.h"
#include "engine/io/safetensors.h"
#include "tools/cli/console.h"
#include "tools/training/pretrained/model_path.h"
#include "tools/training/usage_error.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

struct Given {
  std::string option;
  fs::path path;
  bool is_folder;  ///< what the option takes
};

/// The paths that are given.
std::vector<Given> paths(const OptionTable& table, bool outputs) {
  std::vector<Given> given;
  for (const training::Option& option : table.options()) {
    const auto* const path = std::get_if<training::Path>(&option.value);
    if (path && path->is_output == outputs && !path->field->empty())
      given.push_back({"--" + option.name, *path->field, option.takes == "DIR"});
  }
  return given;
}

/// The absolute path without links, also of what is not there yet.
fs::path absolute_normal(const fs::path& path) {
  std::error_code failure;
  const fs::path absolute = fs::absolute(path).lexically_normal();
  const fs::path real = fs::weakly_canonical(absolute, failure);
  const fs::path& found = failure ? absolute : real;
  return found.has_filename() ? found : found.parent_path();  // "d/" is d
}

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored) || absolute_normal(a) == absolute_normal(b);
}

/// True for a folder's own path and all below it.
bool is_below(const fs::path& path, const fs::path& folder) {
  const fs::path relative = absolute_normal(path).lexically_relative(absolute_normal(folder));
  return !relative.empty() && *relative.begin() != "..";
}

/// True for a file that is there, below a folder.
bool lies_in(const fs::path& file, const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(file, ignored) && fs::is_directory(folder, ignored) && is_below(file, folder);
}

/// The files that an input stands for.
std::vector<fs::path> files_of(const Given& input) {
  std::vector<fs::path> files = training::weight_files(input.path.string());
  std::error_code ignored;
  const fs::path folder = fs::is_directory(input.path, ignored) ? input.path : input.path.parent_path();
  if (input.option != "--model") return files;
  for (fs::directory_iterator it(folder.empty() ? "." : folder, ignored), end; !ignored && it != end;
       it.increment(ignored))
    if (it->path().extension() == ".json") files.push_back(it->path());
  return files;
}

void check_can_write(const fs::path& path) {
  const std::string name = path.string();
  const fs::path folder = fs::absolute(path).parent_path();
  std::error_code ignored;
  engine::check(fs::is_directory(folder, ignored), name + ":", folder.string(),
                "is no folder; make it, or give another path");
  const fs::file_status there = fs::status(path, ignored);
  engine::check(!is_directory(there), name + ": is a folder; a file is needed");
  engine::check(!is_other(there), name + ": is not a regular file; give another path");
  engine::check_writable(folder, name);
}

[[noreturn]] void refuse(const Given& output, const std::string& other) {
  throw training::UsageError(engine::say(output.option, output.path.string(), "is a file of", other,
                                         "too, and would overwrite it; give another"));
}

void check_input(const Given& output, const Given& input) {
  if (output.is_folder) {
    if (same_file(output.path, input.path))
      throw training::UsageError(
          engine::say(output.option, output.path.string(), "is", input.option, "too; give another folder"));
    if (input.option == "--data") check_not_among_images(output.option, output.path, input.path);
    return;
  }
  for (const fs::path& file : files_of(input))
    if (same_file(output.path, file)) refuse(output, input.option);
  // What we write ourselves may lie among the data, and be written again.
  if (input.is_folder && output.path.extension() != ".safetensors" && lies_in(output.path, input.path))
    refuse(output, input.option);
}

/// Removes what processes that have ended had begun to write for this file, and says what may be a leftover
/// of that kind.
void remove_leftovers(const fs::path& path) {
  const fs::path folder = fs::absolute(path).parent_path();
  const std::string name = path.filename().string();
  std::vector<fs::path> found, uncertain;
  std::error_code ignored;
  for (fs::directory_iterator it(folder, ignored), end; !ignored && it != end; it.increment(ignored)) {
    const std::string hidden = it->path().filename().string();
    if (engine::AtomicFile::is_abandoned(hidden, name))
      found.push_back(it->path());
    else if (engine::AtomicFile::is_temporary(hidden, name))
      uncertain.push_back(it->path());
  }
  for (const fs::path& leftover : found) engine::remove_file(leftover);
  if (!uncertain.empty())
    note(engine::say(path.string() + ":", uncertain.size(), uncertain.size() == 1 ? "file" : "files",
                     "begun for it stay, for a process here or on "
                     "another machine may still write there; the first is",
                     uncertain.front().string()));
}

}  // namespace

void check_replaces_safetensors(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored) || fs::file_size(path, ignored) == 0) return;
  try {
    const engine::Safetensors like(path);
  } catch (const engine::Error&) {
    throw engine::Error(path.string() + ": is there and is no safetensors file, which this would be; " +
                        "remove it, or give another path");
  }
}

void check_not_among_images(const std::string& option, const fs::path& out, const fs::path& data) {
  std::error_code ignored;
  if (!fs::is_directory(data, ignored)) return;
  std::vector<fs::path> folders;  // whose folders are classes
  const data::Source* const source = data::find_source(data);
  if (source && source->may_be_classes && data::is_class_folders(data)) folders.push_back(data);
  for (const char* split : {"train", "val", "test"}) folders.push_back(data::split_folder(data, split));
  for (const fs::path& folder : folders)
    if (!folder.empty() && is_below(out, folder))
      throw training::UsageError(
          engine::say(option, out.string(), "lies among the images of",
                      folder.string() + ", and would be a class; give another folder"));
}

void check_outputs(const OptionTable& table, const std::function<void(const fs::path&)>& check_replaceable) {
  const std::vector<Given> inputs = paths(table, false), outputs = paths(table, true);
  for (const Given& output : outputs)
    if (!output.is_folder) check_can_write(output.path);
  for (auto output = outputs.begin(); output != outputs.end(); ++output) {
    for (const Given& input : inputs) check_input(*output, input);
    for (auto other = outputs.begin(); other != output; ++other)
      if (same_file(output->path, other->path)) refuse(*output, other->option);
    if (!output->is_folder) training::as_usage([&] { check_replaceable(output->path); });
  }
  for (const Given& output : outputs)
    if (!output.is_folder) remove_leftovers(output.path);
}

void check_output_folder(const OptionTable& table,
                         const std::function<void(const fs::path&)>& check_replaceable) {
  for (Given output : paths(table, true)) {
    const fs::path folder = absolute_normal(output.path), above = folder.parent_path();
    const std::string name = output.path.string();
    std::error_code ignored;
    engine::check(fs::is_directory(above, ignored), name + ":", above.string(),
                  "is no folder; make it, or give another path");
    output.is_folder = true;
    for (const Given& input : paths(table, false)) {
      check_input(output, input);
      for (const fs::path& file : files_of(input))
        if (is_below(file, folder))
          throw training::UsageError(
              engine::say(output.option, name, "holds a file of", input.option + ",", file.string() + ",",
                          "which would be overwritten or stand among others; give another folder"));
    }
    training::as_usage([&] { check_replaceable(output.path); });
    engine::check_writable(fs::is_directory(folder, ignored) ? folder : above, name);
  }
}

}  // namespace cli
