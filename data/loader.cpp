#include "data/loader.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "data/ahead.h"
#include "data/mix.h"
#include "engine/base/div_up.h"
#include "engine/base/flush_denormals.h"

namespace data {
namespace {

constexpr int kMaxWorkers = 256;
constexpr Index kMaxViews = 16;
constexpr Index kDepth = 3;     // batches in the making: one ready, one nearly, one begun
constexpr int kViewShift = 48;  // a stream's name: view above, position in the data set below

Random augment_stream(std::uint64_t seed, Index epoch, Index sample, Index view) {
  const auto place = static_cast<std::uint64_t>(sample) | static_cast<std::uint64_t>(view) << kViewShift;
  return Random(seed, Random::Use::augment, static_cast<std::uint64_t>(epoch), place);
}

void check_options(const LoaderOptions& options, Index size) {
  check_preprocessing(options.preprocessing);
  check(options.batch_size > 0, "loader: the batch size must be at least 1, not", options.batch_size);
  check(options.views > 0 && options.views <= kMaxViews, "loader: the views of an image must be 1 to",
        kMaxViews, "and not", options.views);
  check(options.workers >= 0 && options.workers <= kMaxWorkers, "loader: the workers must be 0 to",
        kMaxWorkers, "and not", options.workers);
  check(options.variants >= 0, "loader: the variants of an image must be at least 0, not", options.variants);
  check(options.mixup >= 0 && options.cutmix >= 0, "loader: mixup and cutmix must be at least 0, not",
        options.mixup, "and", options.cutmix);
  const bool mixes = options.mixup > 0 || options.cutmix > 0;
  check(!mixes || options.classes > 0, "loader: mixup and cutmix need the number of classes");
  check(!mixes || options.images, "loader: mixup and cutmix need images");
  check(!mixes || options.views == 1, "loader: mixup and cutmix need a single view, not", options.views);
  check(size > 0, "no images to load");
  check(!options.drop_last || size >= options.batch_size, size, size == 1 ? "image does" : "images do",
        "not fill one batch of", options.batch_size);
}

}  // namespace

Loader::Loader(std::shared_ptr<const Dataset> dataset, LoaderOptions options)
    : dataset_(std::move(dataset)),
      options_(std::move(options)),
      augmentation_(&augmentation_named(options_.augmentation)) {
  check_options(options_, dataset_->size());
}

Loader::~Loader() = default;

Index Loader::batches() const {
  const Index size = dataset_->size(), n = options_.batch_size;
  return options_.drop_last ? size / n : engine::div_up(size, n);
}

std::vector<Index> Loader::order(Index epoch) const {
  const Index size = dataset_->size();
  if (options_.shuffle)
    return Random(options_.seed, Random::Use::shuffle, static_cast<std::uint64_t>(epoch)).permutation(size);
  std::vector<Index> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), Index{0});
  return order;
}

Index Loader::variant(Index epoch) const {
  return options_.variants > 0 ? epoch % options_.variants : 0;
}

Batch Loader::open(const std::vector<Index>& order, Index epoch, Index index) const {
  const Index begin = index * options_.batch_size;
  const Index end = std::min(begin + options_.batch_size, static_cast<Index>(order.size()));
  const auto [height, width] = options_.preprocessing.size;
  Batch batch;
  batch.variant = variant(epoch);
  if (options_.images)
    batch.images = Tensor::uninitialized({(end - begin) * options_.views, 3, height, width});
  for (Index i = begin; i < end; ++i) {
    const Index sample = order[static_cast<std::size_t>(i)];
    batch.labels.push_back(dataset_->label(sample));
    batch.names.push_back(dataset_->name(sample));
    batch.samples.push_back(sample);
  }
  return batch;
}

void Loader::fill(Batch& batch, Index epoch, Index sample, Index slot) const {
  if (!options_.images) return;
  const engine::FlushDenormals flush;
  const Preprocessing& how = options_.preprocessing;
  const Image image = turned(dataset_->image(sample), how);
  const Index n = static_cast<Index>(batch.labels.size()), values = 3 * how.size.height * how.size.width;
  float* images = reinterpret_cast<float*>(batch.images.raw());
  for (Index view = 0; view < options_.views; ++view) {
    const Index drawn = options_.variants > 0 ? variant(epoch) : epoch;
    Random random = augment_stream(options_.seed, drawn, sample, view);
    normalize(augmentation_->apply(image, how, random), how,
              {images + (view * n + slot) * values, static_cast<std::size_t>(values)});
  }
}

void Loader::finish(Batch& batch, Index epoch, Index index) const {
  if (options_.mixup == 0 && options_.cutmix == 0) return;
  const engine::FlushDenormals flush;
  Random random(options_.seed, Random::Use::mix, static_cast<std::uint64_t>(epoch),
                static_cast<std::uint64_t>(index));
  const auto [height, width] = options_.preprocessing.size;
  const Mixing mixing = draw_mixing(options_.mixup, options_.cutmix, height, width, random);
  mix(batch.images, mixing);
  batch.targets = mixed_targets(batch.labels, options_.classes, mixing.lambda);
}

Batch Loader::batch(Index epoch, Index index) const {
  check(index >= 0 && index < batches(), "loader: batch", index, "of an epoch with", batches());
  const std::vector<Index> samples = order(epoch);
  Batch batch = open(samples, epoch, index);
  for (Index slot = 0; slot < static_cast<Index>(batch.labels.size()); ++slot)
    fill(batch, epoch, samples[static_cast<std::size_t>(index * options_.batch_size + slot)], slot);
  finish(batch, epoch, index);
  return batch;
}

void Loader::start(Index epoch, Index first) {
  check(first >= 0 && first <= batches(), "loader: batch", first, "of an epoch with", batches());
  ahead_.reset();
  epoch_ = epoch;
  next_ = first;
  if (options_.workers == 0) return;
  const auto samples = std::make_shared<const std::vector<Index>>(order(epoch));
  BatchMaker maker;
  maker.open = [this, samples, epoch](Index index) { return open(*samples, epoch, index); };
  maker.pieces = [](const Batch& batch) { return static_cast<Index>(batch.labels.size()); };
  maker.fill = [this, samples, epoch](Batch& batch, Index index, Index slot) {
    fill(batch, epoch, (*samples)[static_cast<std::size_t>(index * options_.batch_size + slot)], slot);
  };
  maker.finish = [this, epoch](Batch& batch, Index index) { finish(batch, epoch, index); };
  ahead_ = std::make_unique<Ahead>(std::move(maker), first, batches(), options_.workers, kDepth);
}

std::optional<Batch> Loader::next() {
  if (ahead_) return ahead_->take();
  if (next_ >= batches()) return std::nullopt;
  return batch(epoch_, next_++);
}

}  // namespace data
