#include "peft/selection/sketch.h"

#include <algorithm>

#include "engine/base/div_up.h"
#include "engine/tensor/random.h"
#include "peft/selection/select.h"
#include "peft/target.h"

namespace peft {

using engine::Index;
using engine::Selection;
using engine::Tensor;

namespace {

engine::CountSketch random_sketch(Index r, Index size, engine::Random random, engine::Dtype dtype) {
  Tensor signs = Tensor::uninitialized({size}, dtype);
  engine::visit(dtype, [&]<class T>() {
    for (T& sign : signs.data<T>()) sign = static_cast<T>(random.below(2) == 0 ? 1 : -1);
  });
  std::vector<Index> shifts;
  for (Index first = 0; first < size; first += r) shifts.push_back(random.below(r));
  return {r, signs, shifts};
}

}  // namespace

engine::GradientForm sketch_of(const engine::NamedParameter& target, const Units& units, Index r,
                               std::uint64_t seed) {
  const Tensor& weight = target.parameter.value();
  const Units::Kind kind = units.of(weight.shape()).kind;
  engine::check(kind == Units::Kind::row || kind == Units::Kind::column,
                "--score-sketch stands for rows and columns; single elements have no sketch");
  const bool rows = kind == Units::Kind::row;
  const Index mixed = rows ? weight.shape().columns() : weight.shape().rows();
  if (r >= mixed) return {};
  engine::CountSketch sketch = random_sketch(r, mixed, random_of(seed, target.name), weight.dtype());
  return rows ? engine::GradientForm::row_sketch(std::move(sketch))
              : engine::GradientForm::column_sketch(std::move(sketch));
}

Index rescored_after(Index all) {
  return all < 2 ? 0 : engine::div_up<Index>(all, 4);
}

std::map<std::string, double> rescore_finalists(const std::vector<engine::NamedParameter>& targets,
                                                const Units& units, Index r) {
  std::map<std::string, double> shares;
  Units finalists = units;
  finalists.k = std::max(r, units.k);
  for (const engine::NamedParameter& p : targets) {
    if (p.parameter.form().follows_selection()) continue;  // whole, because it is no larger than a sketch
    const Tensor sketch = p.parameter.grad();
    const Selection chosen = finalists.of(p.parameter.value().shape()).top(sketch);
    shares[p.name] = captured_share(sketch, chosen);
    p.parameter.train(chosen);
  }
  return shares;
}

std::vector<OptionInfo> sketch_option() {
  return {{"score-sketch", "R", "0",
           "score rows or columns by a count sketch of width R, then rescore the top R exactly; 0: exact"}};
}

}  // namespace peft
