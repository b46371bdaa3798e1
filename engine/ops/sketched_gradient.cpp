#include "engine/ops/sketched_gradient.h"

#include "engine/base/phase.h"
#include "engine/ops/matrix.h"
#include "engine/ops/weight_gradient.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

const CountSketch* column_sketch(const GradientForm& form) {
  const auto* const columns = std::get_if<GradientForm::ColumnSketch>(&form.kind());
  return columns ? &columns->sketch : nullptr;
}

/// dx = dy w, with the sketches of dy's rows on the way.
Tensor input_gradient(const Tensor& dy, const Tensor& w, const Shape& x, SketchedRows& dy_sketches) {
  Tensor dx = Tensor::uninitialized(x, dy.dtype());
  const Index out = w.shape().rows(), in = w.shape().columns();
  visit(dy.dtype(), [&]<class T>() {
    const OpTimer timer([&] {
      const Tensor& sketches = dy_sketches.values();
      OpWork work = product_work("linear dX", dy.numel() / out, in, out, bytes_of(dy, w, dx, sketches));
      if (sketches.defined()) work.multiply_adds += dy.numel();
      return work;
    });
    kernels::gemm(matrix<T>(dy, out), matrix<T>(w, in), dx.data<T>().data(), in,
                  {.sketches = dy_sketches.on_the_way<T>()});
  });
  return dx;
}

}  // namespace

SketchedRows::SketchedRows(const Tensor& t, const CountSketch* sketch) : sketch_(sketch) {
  if (sketch) values_ = Tensor::uninitialized({t.numel() / sketch->size(), sketch->count()}, t.dtype());
}

template <class T>
kernels::RowSketches<T> SketchedRows::on_the_way() {
  if (!sketch_) return {};
  return {sketch_->view<T>(), values_.data<T>().data()};
}

void SketchedRows::make(const Tensor& t) {
  if (!sketch_) return;
  const Index columns = sketch_->size();
  visit(t.dtype(), [&]<class T>() {
    const OpTimer timer([&] {
      return OpWork{"sketch rows", {t.numel() / columns, columns}, t.numel(), bytes_of(t, values_)};
    });
    kernels::gemm<T>(matrix<T>(t, columns), {nullptr, columns, 0, 0}, nullptr, 0,
                     {.sketches = on_the_way<T>()});
  });
}

template kernels::RowSketches<float> SketchedRows::on_the_way();
template kernels::RowSketches<double> SketchedRows::on_the_way();

SketchedRows sketches_to_keep(const Tensor& x, const Tensor& w) {
  const auto* const rows = std::get_if<GradientForm::RowSketch>(&gradient_form(w).kind());
  return {x, rows ? &rows->sketch : nullptr};
}

bool sketches_weight(const Needs& needs) {
  return needs(1) && (std::holds_alternative<GradientForm::RowSketch>(needs.form(1).kind()) ||
                      std::holds_alternative<GradientForm::ColumnSketch>(needs.form(1).kind()));
}

void sketched_gradients(const Tensor& dy, const Needs& needs, const Kept& x, const Shape& x_shape,
                        const Tensor& w, const Shape& w_shape, Grads& grads) {
  const CountSketch* const columns = column_sketch(needs.form(1));
  SketchedRows dy_sketches(dy, columns);
  if (!columns) {  // dw R^T = dy^T (x R^T)
    const PhaseTimer timer(Phase::weight_gradients);
    const Tensor x_sketches = x();
    grads[1] = Grad::packed(transposed_product(dy, w_shape.rows(), x_sketches, x_sketches.shape().columns()));
  }
  if (needs(0))
    grads[0] = input_gradient(dy, w, x_shape, dy_sketches);
  else
    dy_sketches.make(dy);
  if (columns) {  // R dw = (dy R^T)^T x
    const PhaseTimer timer(Phase::weight_gradients);
    grads[1] =
        Grad::packed(transposed_product(dy_sketches.values(), columns->count(), x(), w_shape.columns()));
  }
}

}  // namespace engine
