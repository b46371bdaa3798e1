#include "peft/settle.h"

#include <cmath>

#include "peft/select.h"

namespace peft {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;

namespace {

constexpr double kSettled = 0.95;
constexpr Index kFirstLook = 5;  // batches: earlier sums agree by chance

class Settling {
 public:
  Settling(NextLoss losses, std::vector<NamedParameter> targets, const Units& units, Ranking ranking)
      : losses_(std::move(losses)),
        targets_(std::move(targets)),
        units_(units),
        ranking_(std::move(ranking)) {}

  Tensor next() {
    if (batches_ == due_) {
      if (settled()) return {};
      due_ *= 2;
    }
    ++batches_;
    return losses_();
  }
  Tensor again() const { return losses_.again(); }

 private:
  /// Chooses by what is summed up, and compares with the last choice. Sums that are not finite are left to
  /// whoever can name the pictures.
  bool settled() {
    std::vector<Selection> now;
    double share = 0;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const Tensor ranked = ranking_(targets_[i]);
      const double squares = squares_of(ranked);
      if (!std::isfinite(squares)) return false;
      now.push_back(units_.of(targets_[i].parameter.value().shape()).strongest(ranked));
      const double best = squares_of(now[i].gather(ranked));
      if (!chosen_.empty()) share += best > 0 ? squares_of(chosen_[i].gather(ranked)) / best : 1;
    }
    const bool compared = !chosen_.empty();
    chosen_ = std::move(now);
    return compared && share >= kSettled * static_cast<double>(targets_.size());
  }

  NextLoss losses_;
  std::vector<NamedParameter> targets_;
  Units units_;
  Ranking ranking_;
  std::vector<Selection> chosen_;  ///< by the batches up to the last look
  Index batches_ = 0, due_ = kFirstLook;
};

}  // namespace

NextLoss until_settled(NextLoss losses, std::vector<NamedParameter> targets, const Units& units,
                       Ranking ranking) {
  const auto settling =
      std::make_shared<Settling>(std::move(losses), std::move(targets), units, std::move(ranking));
  return {[settling] { return settling->next(); }, [settling] { return settling->again(); }};
}

}  // namespace peft
