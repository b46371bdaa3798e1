// With several threads Eigen sums in other blocks, to other bits.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "peft/method.h"
#include "peft/method_info.h"
#include "peft/target.h"

namespace peft {
namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;

/// The elements with |w| < threshold; of `among` when that is given.
std::vector<Index> smallest(const Tensor& w, double threshold, const std::vector<Index>* among = nullptr) {
  std::vector<Index> small;
  const auto values = w.data<float>();
  const auto look = [&](Index i) {
    if (std::abs(static_cast<double>(values[static_cast<std::size_t>(i)])) < threshold) small.push_back(i);
  };
  if (among) {
    for (const Index i : *among) look(i);
  } else {
    for (Index i = 0; i < w.numel(); ++i) look(i);
  }
  return small;
}

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// |M|_*, the sum of the singular values of M = U S V^T, and its gradient U V^T over those that are not zero.
struct NuclearNorm {
  double value;
  Matrix gradient;
};

/// From the eigenvectors of M^T M, or M M^T when that is smaller. M is mostly zeros, often of a lower rank
/// than its shape; Eigen 3.4's BDCSVD gives wrong singular values for some such matrices and calls it a
/// success.
NuclearNorm nuclear_norm(const Matrix& m) {
  if (m.rows() < m.cols()) {
    const NuclearNorm turned = nuclear_norm(m.transpose());
    return {turned.value, turned.gradient.transpose()};
  }
  const Eigen::MatrixXd v = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(m.transpose() * m).eigenvectors();
  Eigen::MatrixXd u = m * v;  // columns as long as the singular values
  const Eigen::VectorXd singular = u.colwise().norm();
  const double smallest = 1e-7 * singular.maxCoeff();  // what is below is zero but for rounding
  for (Index i = 0; i < u.cols(); ++i) u.col(i) *= singular[i] > smallest ? 1 / singular[i] : 0;
  return {singular.sum(), u * v.transpose()};
}

class Sara : public Method {
 public:
  struct Own {
    double threshold = 2e-3, nuclear = 5e-4;
    bool progressive = true;
    std::vector<std::string> targets;
    std::uint64_t seed = 0;
  };
  explicit Sara(Own own) : own_(std::move(own)) {}
  MethodTraits traits() const override { return {.chooses = true, .depends_on_steps = own_.progressive}; }

  std::vector<NamedParameter> pool(engine::Module& model) const override {
    std::vector<NamedParameter> matrices = find_targets(model, own_.targets, layers_);
    std::erase_if(matrices, [](const NamedParameter& p) { return !is_matrix(p); });
    return matrices;
  }
  void check_model(engine::Module& model) const override {
    engine::check(std::ranges::any_of(find_targets(model, own_.targets), is_matrix),
                  "--targets: none of them is a matrix");
  }
  void prepare(engine::Module& model, const NextLoss&) override {
    begin(model);
    train_only(model, first_);
  }
  void restore(engine::Module& model, const PartsByName& trained,
               const engine::NamedTensors& state) override {
    begin(model);
    Method::restore(model, trained, state);
  }
  PartsByName moved(engine::Module& model) const override {
    PartsByName all = trained_parts(model);
    for (const auto& [name, part] : first_) {
      const auto now = all.find(name);
      if (now == all.end() || !now->second.whole()) all.insert_or_assign(name, part);
    }
    return all;
  }

  /// At half of the steps what has grown is frozen, and the optimizer starts over.
  void begin_step(engine::Module& model, const Step& step) override {
    step_ = step.number;
    if (!own_.progressive || step.number == 0 || step.number != step.steps / 2) return;
    for (const NamedParameter& p : matrices_) {
      if (p.parameter.trains().whole() || !p.parameter.trains().any()) continue;  // not by this method
      const std::vector<Index> before = p.parameter.trains().indices();
      p.parameter.train(elements_or_none(smallest(p.parameter.value(), own_.threshold, &before)));
    }
    for (const NamedParameter& p : engine::parameters(model))
      if (engine::in_head(p.name)) p.parameter.train(Selection::all());
  }

  /// nuclear * |M|_*, with M the trained elements of one matrix, sampled again at every step. An element that
  /// trains gets nuclear times its gradient.
  double regularize(const std::vector<NamedParameter>&) override {
    std::vector<const NamedParameter*> trained;
    for (const NamedParameter& p : matrices_)
      if (!p.parameter.trains().indices().empty()) trained.push_back(&p);
    if (own_.nuclear == 0 || trained.empty()) return 0;
    engine::Random random = random_of(own_.seed, "matrix", static_cast<std::uint64_t>(step_));
    const engine::Parameter& p =
        trained[static_cast<std::size_t>(random.below(std::ssize(trained)))]->parameter;
    const std::vector<Index>& at = p.trains().indices();
    const engine::Shape& shape = p.value().shape();
    Matrix m = Matrix::Zero(shape.rows(), shape.columns());
    for (const Index i : at) m.data()[i] = p.value().data<float>()[static_cast<std::size_t>(i)];
    const NuclearNorm norm = nuclear_norm(m);
    float* g = p.writable_grad().data<float>().data();
    for (const Index i : at) *g++ += static_cast<float>(own_.nuclear * norm.gradient.data()[i]);
    return own_.nuclear * norm.value;
  }

 private:
  static bool is_matrix(const NamedParameter& p) { return p.parameter.value().shape().rank() >= 2; }
  /// From the pre-trained values.
  void begin(engine::Module& model) {
    matrices_ = pool(model);
    first_.clear();
    for (const NamedParameter& p : matrices_) {
      std::vector<Index> at = smallest(p.parameter.value(), own_.threshold);
      if (!at.empty()) first_.emplace(p.name, Selection::elements(std::move(at)));
    }
    for (const NamedParameter& p : engine::parameters(model))
      if (engine::in_head(p.name)) first_.emplace(p.name, Selection::all());
  }

  Own own_;
  std::vector<NamedParameter> matrices_;
  PartsByName first_;  ///< what trained at first
  Index step_ = 0;
};

}  // namespace

MethodInfo sara() {
  return {"sara",
          "smallest weights, kept at a low rank",
          "SaRA (Hu et al. 2024, arXiv 2409.06633). The weights with |w| < --threshold train. --nuclear * "
          "|M|_*, a nuclear norm, is added to the loss, where M holds the trained elements of one matrix, "
          "another one at every step. At half of the steps, those that have grown beyond the threshold are "
          "frozen at their values and the optimizer starts over; --no-progressive leaves this out.",
          {{"threshold", "X", "0.002", "weights of smaller magnitude train"},
           {"nuclear", "X", "0.0005", "weight of the nuclear norm"},
           {"progressive", "", "on", "select again at half of the steps"},
           {"targets", "GLOB,...", "", "matrices to choose from", "every weight matrix but the head's"}},
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            Sara::Own own;
            own.threshold = values.positive("threshold");
            own.nuclear = values.non_negative("nuclear");
            own.progressive = values.on("progressive");
            own.targets = values.list("targets");
            own.seed = values.seed();
            return std::make_unique<Sara>(std::move(own));
          }};
}

}  // namespace peft
