#include "peft/method_info.h"
#include "peft/methods/anchored.h"
#include "peft/methods/vtab_recipe.h"
#include "peft/selection/selecting.h"
#include "peft/selection/sketch.h"

namespace peft {
namespace {

Units read_axis(const OptionValues& values) {
  static const std::vector<std::string> kAxes{"row", "column", "short"};
  constexpr Units::Kind kKinds[] = {Units::Kind::row, Units::Kind::column, Units::Kind::shorter};
  return read_k(values, kKinds[values.choice("axis", kAxes)]);
}

SelectingMethod::Options read_grft(const OptionValues& values) {
  SelectingMethod::Options options = read_scoring(values, read_axis(values));
  options.sketch = values.integer("score-sketch", 0);
  options.seed = values.seed();
  return options;
}

}  // namespace

/// To first order the top k rows lower the loss most: a gradient step on rows S lowers it by the rate
/// times the sum over S of their squared gradients.
MethodInfo grft() {
  return {"grft",
          "top k rows or columns of every weight matrix, pulled to their pre-trained values",
          "GRFT (arXiv 2507.00016). One pass over the training images accumulates the gradient G of every "
          "weight matrix. Row i scores sum_j G_ij^2, column j scores sum_i G_ij^2; the k with the highest "
          "scores train, and anchor * sum (w - w0)^2 is added to the loss. The head trains as a whole, "
          "everything else is frozen. With --score-sketch R, the first quarter of the batches is "
          "accumulated in a count sketch of width R only; the top R rows or columns (at least k) are then "
          "scored exactly on the other batches.",
          joined({k_option("2", "rows or columns of every matrix"),
                  {{"axis", "short|row|column", "short",
                    "what is selected; short: the axis with fewer units, rows of a square matrix"}},
                  anchor_options("0.01"),
                  scoring_options("supcon", "all", "off"),
                  sketch_option()}),
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<Anchored<SelectingMethod>>(read_anchor(values), read_grft(values));
          },
          vtab_recipe()};  // the paper gives none of its own, and follows the same benchmarks
}

}  // namespace peft
