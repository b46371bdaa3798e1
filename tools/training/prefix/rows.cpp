#include "tools/training/prefix/rows.h"

#include <algorithm>
#include <cstring>

#include "engine/autograd/record.h"
#include "engine/base/div_up.h"
#include "tools/training/next_batch.h"

namespace training {

using engine::Tensor;

std::vector<PrefixPiece> pieces_of(const PrefixSplit& split) {
  constexpr Index kBytes = Index{64} << 20, kBatch = 32;  // whole batches of the commonest sizes
  const Index fit = std::max<Index>(1, kBytes / split.row_bytes());
  const Index most = fit < kBatch ? fit : fit / kBatch * kBatch, size = split.images->size();
  std::vector<PrefixPiece> pieces;
  for (Index variant = 0; variant * size < split.rows(); ++variant)
    for (Index first = 0; first < size; first += most)
      pieces.push_back({std::ssize(pieces), variant, first, std::min(most, size - first)});
  return pieces;
}

PrefixRows::PrefixRows(Run& run, const TrainConfig& config, Index cut, const PrefixSplit& split,
                       const Events& events)
    : model_(run.loaded.model),
      cut_(cut),
      batch_size_(config.batch_size),
      split_(split),
      events_(events),
      loader_(split.images, {.preprocessing = run.loaded.preprocessing,
                             .batch_size = config.batch_size,
                             .seed = static_cast<std::uint64_t>(config.model.seed),
                             .augmentation = split.variants > 0 ? config.augment : "none",
                             .variants = split.variants,
                             .workers = static_cast<int>(config.workers)}) {}

void PrefixRows::take(Index variant, Index batch) {
  if (!progress_)
    progress_.emplace(events_, "prefix " + split_.name, engine::div_up(split_.rows(), batch_size_),
                      batch_size_);
  check_stop(events_, "while computing activations of " + split_.name);
  if (variant != variant_ || batch != next_) loader_.start(variant, batch);
  variant_ = variant, next_ = batch + 1, begin_ = batch * batch_size_;
  const auto images = next_batch(loader_);
  engine::check(images.has_value(), "the images ran out before batch", batch);
  last_ = model_.below(images->images, cut_);
  progress_->advance();
}

Tensor PrefixRows::of(const PrefixPiece& piece) {
  const engine::NoGrad no_grad;
  std::vector<Index> shape = split_.row.dims();
  shape.insert(shape.begin(), piece.count);
  Tensor all = Tensor::uninitialized(engine::Shape(shape));
  const auto bytes = static_cast<std::size_t>(split_.row_bytes());
  for (Index done = 0; done < piece.count;) {
    const Index from = piece.first + done;
    const bool held =
        last_.defined() && piece.variant == variant_ && from >= begin_ && from < begin_ + last_.shape()[0];
    if (!held) take(piece.variant, from / batch_size_);
    const Index n = std::min(piece.count - done, begin_ + last_.shape()[0] - from);
    std::memcpy(all.raw() + static_cast<std::size_t>(done) * bytes,
                last_.raw() + static_cast<std::size_t>(from - begin_) * bytes,
                static_cast<std::size_t>(n) * bytes);
    done += n;
  }
  computed_ += piece.count;
  return all;
}

}  // namespace training
