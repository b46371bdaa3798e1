#include "peft/sketch.h"

#include <algorithm>
#include <cmath>

#include "engine/tensor/random.h"
#include "peft/select.h"
#include "peft/target.h"

namespace peft {

using engine::Index;
using engine::Selection;
using engine::Tensor;

namespace {

/// r rows of random signs over sqrt(r).
Tensor random_signs(Index r, Index columns, engine::Random random, engine::Dtype dtype) {
  Tensor signs = Tensor::unset({r, columns}, dtype);
  const double size = 1 / std::sqrt(static_cast<double>(r));
  engine::visit(dtype, [&]<class T>() {
    std::uint32_t bits = 0;
    int left = 0;
    for (T& sign : signs.data<T>()) {
      if (left == 0) bits = random.bits(), left = 32;
      sign = static_cast<T>((bits & 1) != 0 ? size : -size);
      bits >>= 1;
      --left;
    }
  });
  return signs;
}

}  // namespace

Selection sketch_of(const engine::NamedParameter& target, const Units& units, Index r, std::uint64_t seed) {
  const Tensor& weight = target.parameter.value();
  const Units::Kind kind = units.of(weight.shape()).kind;
  engine::check(kind == Units::Kind::row || kind == Units::Kind::column,
                "--score-sketch stands for rows and columns; single elements have no sketch");
  const bool rows = kind == Units::Kind::row;
  const Index mixed = rows ? weight.shape().columns() : weight.shape().rows();
  if (r >= mixed) return Selection::all();
  const Tensor mix = random_signs(r, mixed, random_of(seed, target.name), weight.dtype());
  return rows ? Selection::mixed_columns(mix) : Selection::mixed_rows(mix);
}

NextLoss look_closer(NextLoss losses, std::vector<engine::NamedParameter> targets, const Units& units,
                     Index r, std::map<std::string, double>& shares) {
  shares.clear();
  const Index all = losses.batches(), first = (all + 3) / 4;
  if (all < 2) return losses;
  Units candidates = units;
  candidates.k = std::max(r, units.k);
  const auto narrow = [targets = std::move(targets), candidates, &shares] {
    for (const engine::NamedParameter& p : targets) {
      if (p.parameter.trains().is_part()) continue;  // whole, because it is no larger than a sketch
      const Tensor sketch = p.parameter.grad();
      const Selection chosen = candidates.of(p.parameter.value().shape()).strongest(sketch);
      shares[p.name] = energy_of(sketch, chosen);
      p.parameter.train(chosen);
    }
  };
  const auto next = [losses, narrow, first, drawn = Index{0}]() mutable -> Tensor {
    if (drawn++ == first) narrow();
    return losses();
  };
  return {next, [losses] { return losses.again(); }, all};
}

std::vector<OptionInfo> sketch_option() {
  return {
      {"score-sketch", "R", "0",
       "score by R random mixtures of every row or column, then by candidates; 0: by the whole gradient"}};
}

}  // namespace peft
