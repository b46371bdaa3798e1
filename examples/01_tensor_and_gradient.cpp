// 01: a tensor, an op, a gradient, and the idea of this project: a gradient of the part that trains, and of
// nothing else.
#include <algorithm>
#include <cstdio>

#include "engine/autograd/backward.h"
#include "engine/autograd/parameter.h"
#include "engine/ops/ops.h"

using engine::Index;
using engine::Parameter;
using engine::Selection;
using engine::Tensor;

namespace {

void print(const char* name, const Tensor& t) {
  const Index columns = t.shape()[-1];
  std::printf("%s %s\n", name, engine::say(t.shape()).c_str());
  for (Index i = 0; i < t.numel(); ++i)
    std::printf("%8.3f%s", t.data<float>()[static_cast<std::size_t>(i)], (i + 1) % columns == 0 ? "\n" : "");
}

}  // namespace

int main() {
  // Two inputs of three values, and a layer y = x w^T with four outputs.
  const Tensor x = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Parameter w(
      Tensor::of<float>({4, 3}, {.1f, .2f, .3f, .4f, .5f, .6f, .7f, .8f, .9f, 1.f, 1.1f, 1.2f}));

  // Calling ops records how to go back; backward() goes back and adds up the gradients of parameters.
  const auto loss = [&] {
    const Tensor y = engine::linear(x, w);
    return engine::sum(engine::multiply(y, y));
  };
  engine::backward(loss());
  print("d loss / d w, all of it", w.grad());
  const Tensor whole = w.grad().clone();

  // Only rows 0 and 2 train from now on. Their gradient has two rows: those of rows 1 and 3 are never
  // computed.
  w.train(Selection::rows({0, 2}));
  engine::backward(loss());
  print("d loss / d w, rows 0 and 2", w.grad());

  // Where it comes from does not change a bit: the packed rows are the rows of the whole gradient.
  const Tensor expected = Selection::rows({0, 2}).gather(whole);
  const bool same = std::ranges::equal(w.grad().data<float>(), expected.data<float>());
  std::printf("the same bits: %s\n", same ? "yes" : "no");
  return same ? 0 : 1;
}
