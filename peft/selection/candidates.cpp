#include "peft/selection/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/ops/arithmetic.h"
#include "peft/selection/select.h"

namespace peft {

using engine::Index;
using engine::Selection;
using engine::Shape;
using engine::Tensor;

namespace {

constexpr Index kStep = 61;  // no divisor of a width, so that all columns come in turn

Selection sample_of(const Shape& full) {
  std::vector<Index> places;
  for (Index i = 0; i < full.numel(); i += kStep) places.push_back(i);
  return Selection::elements(std::move(places));
}

}  // namespace

Tensor Candidates::add(const Tensor& kept, Tensor gradient) {
  const double squares = squares_of(gradient) + (kept.defined() ? squares_of(kept) : 0);
  if (!std::isfinite(squares))  // whoever can name the images finds it
    return Tensor::full({size(gradient.shape())}, std::numeric_limits<double>::quiet_NaN(), gradient.dtype());
  if (!kept.defined()) {
    gradients_ = 1;
    squares_ = squares;
    sample_ = sample_of(gradient.shape());
    sampled_ = sample_.gather(gradient);
  } else {
    ++gradients_;
    sampled_ = engine::add(sampled_, sample_.gather(gradient));
    at_.scatter(engine::add(at_.gather(gradient), kept), gradient);
  }
  at_ = many_.top(gradient);
  return at_.gather(gradient);
}

Tensor Candidates::spread(const Tensor& kept, const Shape& full) const {
  Tensor dense = Tensor::zeros(full, kept.dtype());
  at_.scatter(kept, dense);
  return dense;
}

double Candidates::squares(const Tensor& kept, const Shape& full) const {
  if (gradients_ == 1) return squares_;
  std::vector<Index> others;  // places in the sample that are not kept
  for (std::size_t i = 0, h = 0; i < sample_.indices().size(); ++i) {
    while (h < at_.indices().size() && at_.indices()[h] < sample_.indices()[i]) ++h;
    if (h == at_.indices().size() || at_.indices()[h] > sample_.indices()[i])
      others.push_back(static_cast<Index>(i));
  }
  if (others.empty()) return squares_of(kept);
  const double each = static_cast<double>(full.numel() - kept.numel()) / static_cast<double>(others.size());
  return squares_of(kept) + each * squares_of(Selection::elements(std::move(others)).gather(sampled_));
}

const Candidates* candidates_of(const engine::Parameter& parameter) {
  const auto* reduced = std::get_if<engine::GradientForm::Reduced>(&parameter.form().kind());
  return reduced ? dynamic_cast<const Candidates*>(reduced->reducer.get()) : nullptr;
}

std::vector<OptionInfo> candidates_option() {
  return {{"score-candidates", "C", "0",
           "while scoring keep only the top C x k accumulated entries of each matrix; 0: all"}};
}

}  // namespace peft
