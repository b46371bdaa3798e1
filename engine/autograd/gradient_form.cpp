#include "engine/autograd/gradient_form.h"

#include <string>
#include <utility>

#include "engine/kernels/gemm.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

/// G R^T.
Tensor sketch_rows(const CountSketch& sketch, const Tensor& gradient, const Shape& shape) {
  Tensor to = Tensor::uninitialized(shape, gradient.dtype());
  const Index rows = gradient.shape().rows(), columns = gradient.shape().columns();
  const OpTimer timer([&] {
    return OpWork{"sketch rows", {rows, columns}, rows * columns, bytes_of(gradient, to)};
  });
  visit(gradient.dtype(), [&]<class T>() {
    kernels::gemm<T>({gradient.data<T>().data(), rows, columns, columns}, {nullptr, columns, 0, 0}, nullptr,
                     0, {.sketches = {sketch.view<T>(), to.data<T>().data()}});
  });
  return to;
}

/// R G.
Tensor sketch_columns(const CountSketch& sketch, const Tensor& gradient, const Shape& shape) {
  Tensor to = Tensor::zeros(shape, gradient.dtype());
  const Index columns = gradient.shape().columns();
  visit(gradient.dtype(), [&]<class T>() {
    const T* g = gradient.data<T>().data();
    T* sums = to.data<T>().data();
    sketch.each<T>([&](Index i, Index sum, T sign) {
      for (Index j = 0; j < columns; ++j) sums[sum * columns + j] += sign * g[i * columns + j];
    });
  });
  return to;
}

}  // namespace

GradientForm GradientForm::row_sketch(CountSketch sketch) {
  return GradientForm(RowSketch{std::move(sketch)});
}
GradientForm GradientForm::column_sketch(CountSketch sketch) {
  return GradientForm(ColumnSketch{std::move(sketch)});
}
GradientForm GradientForm::reduced(std::shared_ptr<GradientReducer> reducer) {
  return GradientForm(Reduced{std::move(reducer)});
}

std::string_view GradientForm::kind_name() const {
  constexpr std::string_view names[] = {"of selection", "row sketch", "column sketch", "reduced"};
  return names[kind_.index()];
}

void GradientForm::check_fits(const Shape& full, std::string_view what) const {
  const auto check_sketch = [&](const CountSketch& sketch, Index size) {
    check(sketch.size() == size, std::string(what) + ": a", kind_name(), "of", sketch.size(),
          "values does not fit", full);
  };
  if (const auto* rows = std::get_if<RowSketch>(&kind_)) check_sketch(rows->sketch, full.columns());
  if (const auto* columns = std::get_if<ColumnSketch>(&kind_)) check_sketch(columns->sketch, full.rows());
}

Shape GradientForm::shape(const Shape& full, const Selection& part) const {
  if (const auto* rows = std::get_if<RowSketch>(&kind_)) return {full.rows(), rows->sketch.count()};
  if (const auto* columns = std::get_if<ColumnSketch>(&kind_))
    return {columns->sketch.count(), full.columns()};
  if (const auto* reduced = std::get_if<Reduced>(&kind_)) return {reduced->reducer->size(full)};
  return part.packed(full);
}

Tensor GradientForm::of(const Tensor& gradient, const Selection& part) const {
  check_fits(gradient.shape(), "gradient form");
  check(!std::holds_alternative<Reduced>(kind_),
        "gradient form: what a reducer keeps cannot be taken out of one gradient");
  const Shape to = shape(gradient.shape(), part);
  if (const auto* rows = std::get_if<RowSketch>(&kind_)) return sketch_rows(rows->sketch, gradient, to);
  if (const auto* columns = std::get_if<ColumnSketch>(&kind_))
    return sketch_columns(columns->sketch, gradient, to);
  return part.gather(gradient);
}

}  // namespace engine
