#include "tools/training/features.h"

#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/autograd/record.h"
#include "engine/base/text.h"
#include "engine/io/folder.h"
#include "engine/io/sha256.h"
#include "engine/kernels/simd.h"
#include "tools/training/json_text.h"
#include "tools/training/next_batch.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/sealed_file.h"

namespace training {

using engine::Tensor;

namespace {

constexpr const char *kFormat = "espalier-features", *kTensor = "class_token", *kStamps = "images";

/// All that features depend on, but for what the images hold.
std::string origin(const Run& run, const data::Dataset& images) {
  const models::VitConfig& c = run.loaded.model.config();
  engine::Sha256 names;
  for (Index i = 0; i < images.size(); ++i) {
    const std::string name = run.contents->relative(images.name(i)) + '\0';
    names.add(std::as_bytes(std::span(name)));
  }
  return json_text({{"base_sha256", run.loaded.base_sha256},
                    {"image_height", c.image_height},
                    {"image_width", c.image_width},
                    {"model", model_metadata(c)},
                    {"preprocessing", preprocessing_json(run.loaded.preprocessing)},
                    {"names_sha256", names.hex()},
                    {"version", ESPALIER_VERSION},
                    {"instruction_set", engine::kernels::simd_name()}});
}

/// Values of an image: what one head reads, or two.
Index width_of(const models::VitConfig& c) {
  return c.head_width() * (1 + c.distillation_head);
}

Tensor compute(Run& run, const std::shared_ptr<const data::Dataset>& images, const TrainConfig& config,
               const std::string& split, const Events& events) {
  const engine::NoGrad no_grad;
  models::Vit& model = run.loaded.model;
  data::Loader loader(images, {.preprocessing = run.loaded.preprocessing,
                               .batch_size = config.batch_size,
                               .workers = static_cast<int>(config.workers)});
  Tensor all = Tensor::uninitialized({images->size(), width_of(model.config())});
  ProgressReport progress(events, "features " + split, loader.batches(), config.batch_size);
  std::byte* to = all.raw();
  loader.start(0);
  while (const auto batch = next_batch(loader)) {
    check_stop(events, "while computing features of " + split);
    const Tensor features = model.pooled(batch->images);
    std::memcpy(to, features.raw(), features.bytes());
    to += features.bytes();
    progress.advance();
  }
  return all;
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
    engine::check(stamp.has_value(), images.name(i) + ": was not read while its features were computed");
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

/// The features in a file; nothing when they are not those of the images, or not whole.
std::optional<Tensor> read(const std::filesystem::path& path, const std::string& from, const Run& run,
                           const data::Dataset& images, const Events& events) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  engine::check(!is_foreign(path),
                path.string() + ": not a file of features, so it is left alone; give another --features");
  const Index width = width_of(run.loaded.model.config());
  const auto computed_again = [&](const std::string& why) {
    events.on_note("note: " + path.string() + " " + why + ", and is computed again");
    return std::nullopt;
  };
  try {
    const SealedFile file(path, kFormat);
    if (file.stored("from") != from ||
        file.file().entry(kTensor).shape() != engine::Shape{images.size(), width} ||
        file.file().entry(kStamps).shape() != engine::Shape{images.size(), kStamp})
      return computed_again("has features of another model or of other images");
    const auto changed =
        run.contents->changed(images, read_stamps(file.file().read(kStamps), run, images), true);
    if (!changed.empty())
      return computed_again("has features of other images (" + describe_changed(changed) + ")");
    return file.file().read_as(kTensor, engine::Dtype::f32);
  } catch (const engine::Error& e) {
    events.on_note(std::string("note: passed over ") + e.what());
  }
  return std::nullopt;
}

Tensor features_of(Run& run, const std::string& split, const TrainConfig& config,
                   const std::filesystem::path& dir, const Events& events) {
  const auto images = find_split(run.splits, split);
  const std::filesystem::path path = dir / (split + ".safetensors");
  const std::string from = origin(run, *images);
  if (auto known = read(path, from, run, *images, events)) return *known;
  const Tensor computed = compute(run, images, config, split, events);
  engine::make_folders(dir);
  write_sealed(path, {{kTensor, computed}, {kStamps, stamps_of(run, *images)}},
               {{"format", kFormat}, {"from", from}});
  return computed;
}

/// `a` above `b`.
Tensor stacked(const Tensor& a, const Tensor& b) {
  Tensor all = Tensor::uninitialized({a.shape()[0] + b.shape()[0], a.shape()[1]});
  std::memcpy(all.raw(), a.raw(), a.bytes());
  std::memcpy(all.raw() + a.bytes(), b.raw(), b.bytes());
  return all;
}

}  // namespace

KnownFeatures known_features(Run& run, const TrainConfig& config, const std::filesystem::path& dir,
                             const Events& events) {
  KnownFeatures known;
  if (dir.empty()) return known;
  const auto of = [&](const char* split) { return features_of(run, split, config, dir, events); };
  known.trained_on = of("train");
  if (run.splits.val) known.val = of("val");
  if (config.on == "train+val") known.trained_on = stacked(known.trained_on, known.val);
  if (run.splits.test && !config.no_test) known.test = of("test");
  return known;
}

Tensor logits_of(models::Vit& model, const data::Batch& batch, const Tensor& known,
                 const models::Dropped& drop) {
  if (!known.defined()) return model(batch.images, drop);
  const Index width = known.shape()[1];
  Tensor rows = Tensor::uninitialized({static_cast<Index>(batch.samples.size()), width});
  const std::size_t bytes = static_cast<std::size_t>(width) * sizeof(float);
  std::byte* to = rows.raw();
  for (const Index sample : batch.samples) {
    std::memcpy(to, known.raw() + static_cast<std::size_t>(sample) * bytes, bytes);
    to += bytes;
  }
  const models::VitConfig& c = model.config();
  if (!c.distillation_head) return model.scores(rows);
  return model.scores(rows.reshaped({rows.shape()[0], 2, c.head_width()}));
}

}  // namespace training
