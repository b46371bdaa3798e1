#include "tools/training/features.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/autograd/record.h"
#include "engine/base/text.h"
#include "engine/io/folder.h"
#include "engine/io/sha256.h"
#include "engine/kernels/simd.h"
#include "tools/cli/console.h"
#include "tools/cli/interrupt.h"
#include "tools/training/json_text.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/sealed_file.h"

namespace training {

using engine::Tensor;

namespace {

constexpr const char *kFormat = "espalier-features", *kTensor = "class_token";

/// All that features depend on.
std::string origin(const Job& job, const data::Dataset& images) {
  const models::VitConfig& c = job.loaded.model.config();
  engine::Sha256 names;
  for (Index i = 0; i < images.size(); ++i) {
    const std::string name = images.name(i) + '\0';
    names.add(std::as_bytes(std::span(name)));
  }
  return json_text({{"base_sha256", job.loaded.base_sha256},
                    {"image_size", c.image_size},
                    {"heads", c.heads},
                    {"norm_eps", engine::exact(c.norm_eps)},
                    {"preprocessing", preprocessing_json(job.loaded.preprocessing)},
                    {"names_sha256", names.hex()},
                    {"version", ESPALIER_VERSION},
                    {"instruction_set", engine::kernels::simd_name()}});
}

Tensor compute(Job& job, const std::shared_ptr<const data::Dataset>& images, const TrainConfig& options,
               const std::string& split) {
  const engine::NoGrad no_grad;
  models::Vit& model = job.loaded.model;
  data::Loader loader(images, {.preprocessing = job.loaded.preprocessing,
                               .batch_size = options.batch_size,
                               .workers = static_cast<int>(options.workers)});
  Tensor all = Tensor::unset({images->size(), model.config().width});
  cli::Progress progress("features " + split, loader.batches(), options.batch_size);
  std::byte* to = all.raw();
  loader.start(0);
  while (const auto batch = next_batch(loader)) {
    cli::check_interrupted("while computing features of " + split);
    const Tensor features = model.features(batch->images);
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

/// The features in a file; nothing when they are not these, or not whole.
std::optional<Tensor> read(const std::filesystem::path& path, const std::string& from,
                           const engine::Shape& shape) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  engine::check(!is_foreign(path),
                path.string() + ": not a file of features, so it is left alone; give another --features");
  try {
    const SealedFile file(path, kFormat);
    if (file.told("from") == from && file.file().entry(kTensor).shape() == shape)
      return file.file().read_as(kTensor, engine::Dtype::f32);
    cli::note("note: " + path.string() +
              " has features of another model or of other images, and is made anew");
  } catch (const engine::Error& e) {
    cli::note(std::string("note: passed over ") + e.what());
  }
  return std::nullopt;
}

Tensor features_of(Job& job, const std::string& split, const TrainConfig& options,
                   const std::filesystem::path& dir) {
  const auto images = find_split(job.splits, split);
  const std::filesystem::path path = dir / (split + ".safetensors");
  const std::string from = origin(job, *images);
  if (auto known = read(path, from, {images->size(), job.loaded.model.config().width})) return *known;
  const Tensor computed = compute(job, images, options, split);
  engine::make_folders(dir);
  write_sealed(path, {{kTensor, computed}}, {{"format", kFormat}, {"from", from}});
  return computed;
}

/// `a` above `b`.
Tensor stacked(const Tensor& a, const Tensor& b) {
  Tensor all = Tensor::unset({a.shape()[0] + b.shape()[0], a.shape()[1]});
  std::memcpy(all.raw(), a.raw(), a.bytes());
  std::memcpy(all.raw() + a.bytes(), b.raw(), b.bytes());
  return all;
}

}  // namespace

KnownFeatures known_features(Job& job, const TrainConfig& options, const std::filesystem::path& dir) {
  KnownFeatures known;
  if (dir.empty()) return known;
  const auto of = [&](const char* split) { return features_of(job, split, options, dir); };
  known.learnt = of("train");
  if (job.splits.val) known.val = of("val");
  if (options.on == "train+val") known.learnt = stacked(known.learnt, known.val);
  if (job.splits.test && !options.no_test) known.test = of("test");
  return known;
}

Tensor logits_of(models::Vit& model, const data::Batch& batch, const Tensor& known,
                 const models::DropPath& drop) {
  if (known.empty()) return model(batch.images, drop);
  const Index width = known.shape()[1];
  Tensor rows = Tensor::unset({static_cast<Index>(batch.samples.size()), width});
  const std::size_t bytes = static_cast<std::size_t>(width) * sizeof(float);
  std::byte* to = rows.raw();
  for (const Index sample : batch.samples) {
    std::memcpy(to, known.raw() + static_cast<std::size_t>(sample) * bytes, bytes);
    to += bytes;
  }
  return model.head()(rows);
}

}  // namespace training
