#include "peft/grft.h"

#include <algorithm>

#include "peft/select.h"

namespace peft {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Shape;
using engine::Tensor;

bool Grft::takes_rows(const Shape& shape) const {
  return own_.axis == Axis::row || (own_.axis == Axis::shorter && shape.rows() <= shape.columns());
}

Selection Grft::select(const Tensor& gradient) const {
  return takes_rows(gradient.shape()) ? strongest_rows(gradient, own_.k)
                                      : strongest_columns(gradient, own_.k);
}

void Grft::check_targets(const std::vector<NamedParameter>& targets) const {
  Index most = 0;
  for (const NamedParameter& p : targets) {
    const Shape& s = p.parameter.value().shape();
    most = std::max(most, takes_rows(s) ? s.rows() : s.columns());
  }
  engine::check(own_.k <= most, "--k", own_.k, "is more than any matrix has units; the largest has", most);
}

void Grft::prepare(engine::Module& model, const NextLoss& next_loss) {
  SelectingMethod::prepare(model, next_loss);
  anchor_.emplace(own_.anchor, engine::parameters(model));
}

void Grft::restore(engine::Module& model, const std::map<std::string, Selection>& trained) {
  SelectingMethod::restore(model, trained);
  anchor_.emplace(own_.anchor, engine::parameters(model));
}

double Grft::regularize(const std::vector<NamedParameter>&) {
  return anchor_ ? anchor_->pull() : 0;
}

}  // namespace peft
