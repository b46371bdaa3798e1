// 05: an op of your own: forward and backward of SiLU, x sigmoid(x) (Elfwing et al. 2018), checked by central
// differences.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/autograd/backward.h"
#include "engine/autograd/parameter.h"
#include "engine/autograd/record.h"
#include "engine/ops/ops.h"
#include "engine/tensor/random.h"

using engine::Grads;
using engine::Needs;
using engine::Tensor;

namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

/// y = x sigmoid(x), of the same shape; f32 or f64.
Tensor silu(const Tensor& x) {
  Tensor y = Tensor::uninitialized(x.shape(), x.dtype());
  engine::visit(x.dtype(), [&]<class T>() {
    for (std::size_t i = 0; i < x.data<T>().size(); ++i)
      y.data<T>()[i] = static_cast<T>(x.data<T>()[i] * sigmoid(x.data<T>()[i]));
  });
  // The rule returns one gradient for each input; the engine adds them up. It keeps x only when x needs a
  // gradient.
  return engine::record("silu", {x}, y, [x = engine::keep(x, x.tracked())](Tensor dy, const Needs&) -> Grads {
    Tensor dx = Tensor::uninitialized(x.shape(), x.dtype());
    engine::visit(x.dtype(), [&]<class T>() {
      for (std::size_t i = 0; i < x.data<T>().size(); ++i) {
        const double s = sigmoid(x.data<T>()[i]);
        dx.data<T>()[i] = static_cast<T>(dy.data<T>()[i] * s * (1 + x.data<T>()[i] * (1 - s)));
      }
    });
    return {dx};
  });
}

}  // namespace

int main() {
  engine::Random random(0, engine::Random::Use::test);
  const engine::Parameter p(engine::normal({3, 5}, random, 2, engine::Dtype::f64));
  const auto loss = [&] { return engine::sum(silu(p)); };
  engine::backward(loss());

  double worst = 0;
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < 15; ++i) {
    double& value = p.value().data<double>()[i];
    const double before = value;
    value = before + kStep;
    const double up = loss().item();
    value = before - kStep;
    const double down = loss().item();
    value = before;
    worst = std::max(worst, std::abs((up - down) / (2 * kStep) - p.grad().data<double>()[i]));
  }
  std::printf("largest difference between the rule and central differences: %.1e\n", worst);
  return worst < 1e-8 ? 0 : 1;
}
