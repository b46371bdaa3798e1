#include "tools/training/prefix/files.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/atomic_file.h"
#include "engine/io/folder.h"
#include "engine/io/sha256.h"
#include "engine/kernels/simd.h"
#include "tools/training/json_text.h"
#include "tools/training/prefix/cut.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/sealed_file.h"

namespace training {

using engine::Shape;
using engine::Tensor;

namespace {

constexpr const char *kFormat = "espalier-activations", *kStamps = "images", *kStart = "prefix-";

/// All that activations depend on, but for what the images hold.
std::string origin(const PrefixFile& file, const Run& run) {
  const models::VitConfig& c = run.loaded.model.config();
  engine::Sha256 names;
  for (Index i = 0; i < file.images->size(); ++i) {
    const std::string name = run.contents->relative(file.images->name(i)) + '\0';
    names.add(std::as_bytes(std::span(name)));
  }
  nlohmann::ordered_json from{{"base", run.base},
                              {"cut", file.cut},
                              {"image_height", c.image_height},
                              {"image_width", c.image_width},
                              {"model", model_metadata(c)},
                              {"preprocessing", preprocessing_json(run.loaded.preprocessing)},
                              {"names_sha256", names.hex()},
                              {"version", ESPALIER_VERSION},
                              {"instruction_set", engine::kernels::simd_name()}};
  if (!file.variant.empty()) from["variant"] = file.variant;
  return json_text(from);
}

/// True for a whole file of something else, which is not to be replaced.
bool is_foreign(const std::filesystem::path& path) {
  try {
    const engine::Safetensors file(path);
    const auto format = file.metadata().find("format");
    return format == file.metadata().end() || format->second != kFormat;
  } catch (const engine::Error&) {  // may have been one of ours
    return false;
  }
}

constexpr Index kStamp = 7;  ///< bytes, both times (0: unknown), and the SHA-256 in four words

/// The stamps of images that were all read, [images, kStamp].
Tensor stamps_of(const Run& run, const data::Dataset& images) {
  std::vector<std::int64_t> all;
  for (Index i = 0; i < images.size(); ++i) {
    const auto stamp = run.contents->stamp(run.contents->relative(images.name(i)));
    engine::check(stamp.has_value(), images.name(i) + ": was not read while its activations were computed");
    all.insert(all.end(), {stamp->bytes, stamp->modified, stamp->changed.value_or(0)});
    for (std::size_t word = 0; word < 4; ++word)
      all.push_back(static_cast<std::int64_t>(std::stoull(stamp->sha256.substr(16 * word, 16), nullptr, 16)));
  }
  return Tensor::of<std::int64_t>({images.size(), kStamp}, all);
}

ImageStamps read_stamps(const Tensor& stamps, const Run& run, const data::Dataset& images) {
  const auto values = stamps.data<std::int64_t>();
  ImageStamps all;
  for (Index i = 0; i < images.size(); ++i) {
    const auto one = values.subspan(static_cast<std::size_t>(i * kStamp), static_cast<std::size_t>(kStamp));
    std::string sha256;
    for (std::size_t word = 3; word < one.size(); ++word) {
      char digits[17];
      std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(one[word]));
      sha256 += digits;
    }
    all[run.contents->relative(images.name(i))] = {
        .bytes = one[0],
        .modified = one[1],
        .changed = one[2] == 0 ? std::nullopt : std::optional<Index>(one[2]),
        .sha256 = sha256};
  }
  return all;
}

}  // namespace

std::string prefix_file_name(const std::string& split, Index cut, Index blocks, Index number) {
  return kStart + split + '-' + name_above(cut, blocks) + '-' + std::to_string(number) + ".safetensors";
}

bool is_prefix_file(const std::string& name) {
  return name.starts_with(kStart) && name.ends_with(".safetensors");
}

std::string begun_prefix_file(const std::string& hidden) {
  const std::size_t end = hidden.find(".tmp.");
  if (!hidden.starts_with('.') || end == std::string::npos) return "";
  const std::string name = hidden.substr(1, end - 1);
  return is_prefix_file(name) && engine::AtomicFile::is_temporary(hidden, name) ? name : "";
}

void remove_prefixes(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder)) return;
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (is_prefix_file(entry.path().filename().string())) found.push_back(entry.path());
  for (const auto& path : found) engine::remove_file(path);
}

void remove_abandoned_prefixes(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder)) return;
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string hidden = entry.path().filename().string(), name = begun_prefix_file(hidden);
    if (!name.empty() && engine::AtomicFile::is_abandoned(hidden, name)) found.push_back(entry.path());
  }
  for (const auto& path : found) engine::remove_file(path);
}

std::shared_ptr<const engine::Safetensors> open_prefix(const PrefixFile& file, const Run& run,
                                                       const Events& events) {
  if (!std::filesystem::exists(file.path)) return nullptr;
  engine::check(
      !is_foreign(file.path),
      file.path.string() + ": not a file of activations, so it is left alone; give another --prefix-cache");
  const data::Dataset& images = *file.images;
  const auto computed_again = [&](const std::string& why) {
    events.on_note("note: " + file.path.string() + " " + why + ", and is computed again");
    return nullptr;
  };
  try {
    const auto opened = std::make_shared<const SealedFile>(file.path, kFormat);
    const SealedFile& sealed = *opened;
    if (sealed.stored("from") != origin(file, run) ||
        sealed.file().entry(kActivations).shape()[0] != images.size() ||
        sealed.file().entry(kStamps).shape() != Shape{images.size(), kStamp})
      return computed_again("has activations of another model or of other images");
    const auto changed =
        run.contents->changed(images, read_stamps(sealed.file().read(kStamps), run, images), true);
    if (!changed.empty())
      return computed_again("has activations of other images (" + describe_changed(changed) + ")");
    return {opened, &sealed.file()};  // another process may have put another file in its place by now
  } catch (const engine::Error& e) {
    events.on_note(std::string("note: passed over ") + e.what());
  }
  return nullptr;
}

void write_prefix(const PrefixFile& file, const Tensor& rows, const Run& run) {
  engine::make_folders(file.path.parent_path());
  write_sealed(file.path, {{kActivations, rows}, {kStamps, stamps_of(run, *file.images)}},
               {{"format", kFormat}, {"from", origin(file, run)}});
}

}  // namespace training
