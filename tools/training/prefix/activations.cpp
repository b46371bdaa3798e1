#include "tools/training/prefix/activations.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace training {

using engine::Shape;
using engine::Tensor;

namespace {

Shape with_count(Index n, const Shape& row) {
  std::vector<Index> dims = row.dims();
  dims.insert(dims.begin(), n);
  return Shape(dims);
}

}  // namespace

void Activations::add(Part part, Index count) {
  part.first = count_;
  count_ += count;
  parts_.push_back(std::move(part));
}

void Activations::add(Tensor rows) {
  const Index count = rows.shape()[0];
  engine::check(rows.shape() == with_count(count, row_), "activations", rows.shape(), "should be rows of",
                row_);
  add(Part{0, std::move(rows)}, count);
}

void Activations::add(std::shared_ptr<const engine::Safetensors> file, const std::string& name) {
  const Shape shape = file->entry(name).shape();
  engine::check(shape == with_count(shape[0], row_), file->path() + ": activations", shape,
                "should be rows of", row_);
  add(Part{0, {}, std::move(file), name}, shape[0]);
}

void Activations::add(const Activations& more) {
  engine::check(count_ == images_ && more.count_ == more.images_ && cut_ == more.cut_ && row_ == more.row_,
                "activations of", more.images_, "images do not go behind those of", images_);
  for (Part part : more.parts_) {
    part.first += images_;
    parts_.push_back(std::move(part));
  }
  images_ += more.images_, count_ += more.count_;
}

Tensor Activations::rows(std::span<const Index> samples, Index variant) const {
  Tensor found = Tensor::uninitialized(with_count(std::ssize(samples), row_));
  const std::size_t bytes = static_cast<std::size_t>(row_.numel()) * sizeof(float);
  std::byte* to = found.raw();
  for (const Index sample : samples) {
    const Index row = variant * images_ + sample;
    engine::check(sample >= 0 && sample < images_ && row < count_, "activations of image", sample,
                  "in variant", variant, "are not there");
    const Part& part = *std::prev(std::ranges::upper_bound(parts_, row, {}, &Part::first));
    const Index at = row - part.first;
    if (part.rows.defined())
      std::memcpy(to, part.rows.raw() + static_cast<std::size_t>(at) * bytes, bytes);
    else
      part.file->read_row(part.name, at, {to, bytes});
    to += bytes;
  }
  return found;
}

Tensor pooled_of(models::Vit& model, const data::Batch& batch, const Activations* known,
                 const models::Dropped& drop) {
  if (!known) return model.pooled(batch.images, drop);
  return model.above(known->rows(batch.samples, batch.variant), known->cut(), drop);
}

Tensor logits_of(models::Vit& model, const data::Batch& batch, const Activations* known,
                 const models::Dropped& drop) {
  return model.scores(pooled_of(model, batch, known, drop));
}

}  // namespace training
