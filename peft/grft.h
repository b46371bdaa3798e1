#pragma once

#include "peft/anchor.h"
#include "peft/method.h"

namespace peft {

/// GRFT (arXiv 2507.00016): in every weight matrix the k rows or columns with the largest sum of squared
/// gradients train, pulled to their pre-trained values. To first order these k rows lower the loss most: a
/// gradient step on rows S lowers it by the rate times the sum over S of their squared gradients.
class Grft : public SelectingMethod {
 public:
  enum class Axis {
    row,
    column,
    shorter
  };  ///< shorter: the axis with fewer units; a square matrix takes rows
  struct Own {
    engine::Index k = 2;
    Axis axis = Axis::shorter;
    Anchor::Options anchor;
  };
  Grft(Options shared, Own own) : SelectingMethod(std::move(shared)), own_(own) {}

  void prepare(engine::Module& model, const NextLoss& next_loss) override;
  void restore(engine::Module& model, const std::map<std::string, engine::Selection>& trained) override;
  double regularize(const std::vector<engine::NamedParameter>& all) override;

 protected:
  engine::Selection select(const engine::Tensor& gradient) const override;
  void check_targets(const std::vector<engine::NamedParameter>& targets) const override;

 private:
  bool takes_rows(const engine::Shape& shape) const;
  Own own_;
  std::optional<Anchor> anchor_;
};

}  // namespace peft
