#include "engine/ops/loss.h"

#include "tests/engine/ops/cases.h"

namespace engine::cases {
namespace {

/// Labels 0, 1, ..., classes - 1, 0, 1, ...
std::vector<Index> in_turn(Index count, Index classes) {
  std::vector<Index> labels;
  for (Index i = 0; i < count; ++i) labels.push_back(i % classes);
  return labels;
}

OpCase entropy(std::string name, Index n, Index classes, double smoothing, bool large = false) {
  return {.op = "cross_entropy",
          .name = std::move(name),
          .shapes = {{n, classes}},
          .run =
              [=](std::span<const Tensor> in) {
                return cross_entropy(in[0], one_hot(in_turn(n, classes), classes, smoothing, in[0].dtype()));
              },
          .spread = 3,
          .large = large};
}

OpCase contrast(std::string name, std::vector<Index> labels, Index width, bool large = false) {
  const Index n = static_cast<Index>(labels.size());
  return {.op = "sup_con",
          .name = std::move(name),
          .shapes = {{n, width}},
          .run = [labels](std::span<const Tensor> in) { return sup_con(in[0], labels, 0.5); },
          .spread = 0.5,
          .large = large};
}

}  // namespace

std::vector<OpCase> loss_cases() {
  return {
      entropy("one_row", 1, 2, 0),
      entropy("prime", 7, 5, 0),
      entropy("smooth", 5, 11, 0.1),
      entropy("many_classes", 33, 1009, 0.1, true),
      contrast("one_pair", {4, 4}, 3),
      contrast("two_classes", {0, 1, 0, 1, 1}, 5),
      contrast("one_row_without_a_partner", {0, 1, 2, 0, 1}, 4),
      contrast("one_class", {7, 7, 7}, 1),
      contrast("many_rows", in_turn(65, 9), 33, true),
  };
}

}  // namespace engine::cases
