#pragma once

#include <memory>
#include <string_view>
#include <variant>

#include "engine/autograd/count_sketch.h"
#include "engine/autograd/selection.h"

namespace engine {

/// Accumulates something smaller than the sum of the gradients that arrive, for example its largest elements.
/// A GradientForm and its copies share one.
class GradientReducer {
 public:
  virtual ~GradientReducer() = default;
  /// What is kept from now on: of what was kept before (empty at first) and a whole gradient, in a buffer
  /// that may be written to.
  virtual Tensor add(const Tensor& kept, Tensor gradient) = 0;
  /// How many values are kept for a parameter of this shape.
  virtual Index size(const Shape& full) const = 0;
};

/// What is accumulated of a parameter's gradient G, seen as a matrix like the parameter itself. By default it
/// is the gradient of the part that trains. The other forms are for a gradient that is only looked at, as
/// scoring does: they take less memory and less arithmetic than G, and nothing trains by them.
class GradientForm {
 public:
  /// The part of G that the parameter's Selection names: the whole of it or some.
  struct OfSelection {};
  /// G R^T [first axis, r]: a count sketch of every row.
  struct RowSketch {
    CountSketch sketch;  ///< R, of as many values as there are columns
  };
  /// R G [r, rest]: a count sketch of every column.
  struct ColumnSketch {
    CountSketch sketch;  ///< R, of as many values as the first axis has
  };
  /// [n]: what a GradientReducer keeps of the whole gradients that arrive.
  struct Reduced {
    std::shared_ptr<GradientReducer> reducer;
  };
  using Kind = std::variant<OfSelection, RowSketch, ColumnSketch, Reduced>;

  /// The gradient of the part that trains.
  GradientForm() = default;
  static GradientForm row_sketch(CountSketch sketch);
  static GradientForm column_sketch(CountSketch sketch);
  static GradientForm reduced(std::shared_ptr<GradientReducer> reducer);

  const Kind& kind() const { return kind_; }
  bool follows_selection() const { return std::holds_alternative<OfSelection>(kind_); }
  /// "of selection", "row sketch", "column sketch" or "reduced".
  std::string_view kind_name() const;

  /// Throws an Error naming `what` when a sketch does not fit a parameter of this shape.
  void check_fits(const Shape& full, std::string_view what) const;
  /// The shape of what is accumulated for a parameter of shape `full` of which `part` trains.
  Shape shape(const Shape& full, const Selection& part = {}) const;
  /// The same of a whole gradient: its `part`, or its sketch. Throws for a reducer, which has a memory.
  Tensor of(const Tensor& gradient, const Selection& part = {}) const;

 private:
  explicit GradientForm(Kind kind) : kind_(std::move(kind)) {}

  Kind kind_;
};

}  // namespace engine
