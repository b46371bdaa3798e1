#pragma once

#include <memory>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/autograd/count_sketch.h"

namespace engine {

/// Keeps less than the sum of the gradients that arrive. A Selection of it and its copies share one.
class Fold {
 public:
  virtual ~Fold() = default;
  /// What is kept from now on: of what was kept before (empty at first) and a whole gradient, in a buffer
  /// that may be written to.
  virtual Tensor add(const Tensor& kept, Tensor gradient) = 0;
  /// How many numbers are kept for a parameter of this shape.
  virtual Index size(const Shape& full) const = 0;
};

/// The part of a parameter that trains: nothing, everything, whole rows, whole columns or single elements. A
/// parameter is seen as a matrix [first axis, all others]; an element is its index in that matrix flattened.
/// Indices ascend. Where a gradient is only looked at, a few mixtures of its rows or columns will do as well,
/// or what a Fold keeps: nothing trains by them.
class Selection {
 public:
  struct None {};
  struct All {};
  struct Rows {
    std::vector<Index> at;
  };
  struct Columns {
    std::vector<Index> at;
  };
  struct Elements {
    std::vector<Index> at;
  };
  /// G R^T [first axis, r]: every row of the gradient G in r numbers.
  struct MixedColumns {
    CountSketch mix;  ///< R, of as many numbers as there are columns
  };
  /// R G [r, rest]: every column of it in r numbers.
  struct MixedRows {
    CountSketch mix;  ///< R, of as many numbers as the first axis has
  };
  /// What a Fold keeps of the gradients.
  struct Folded {
    std::shared_ptr<Fold> fold;
  };
  using Kind = std::variant<All, None, Rows, Columns, Elements, MixedColumns, MixedRows, Folded>;

  /// Everything.
  Selection() = default;
  static Selection all() { return {}; }
  static Selection none() { return Selection(None{}); }
  /// These throw unless the indices ascend strictly from 0 or more.
  static Selection rows(std::vector<Index> at);
  static Selection columns(std::vector<Index> at);
  static Selection elements(std::vector<Index> at);
  static Selection mixed_columns(CountSketch mix);
  static Selection mixed_rows(CountSketch mix);
  static Selection folded(std::shared_ptr<Fold> fold) { return Selection(Folded{std::move(fold)}); }

  const Kind& kind() const { return kind_; }
  bool any() const { return !std::holds_alternative<None>(kind_); }
  bool whole() const { return std::holds_alternative<All>(kind_); }
  /// True for parts, whose numbers are the parameter's own; false for mixtures and folds.
  bool is_part() const;
  /// "all", "none", "rows", "columns", "elements", "mixed columns", "mixed rows" or "folded".
  std::string_view kind_name() const;
  /// The chosen rows, columns or elements; empty for all others.
  const std::vector<Index>& indices() const;

  /// Throws an Error naming `what` when an index lies outside a parameter of this shape.
  void check_fits(const Shape& full, std::string_view what) const;
  /// The rows or columns of a parameter that `inner` names among those chosen here: the third chosen row for
  /// its row 2. Throws unless both are rows or both columns.
  Selection part_of(const Selection& inner) const;
  /// The shape of the selected part: [k, rest] for rows, [first axis, k] for columns, [n] for elements. Of
  /// mixtures and folds, as there.
  Shape packed(const Shape& full) const;
  /// The selected numbers of `full`, or their mixtures, in a tensor of their own. Throws for a fold.
  Tensor gather(const Tensor& full) const;
  /// Writes `packed` over the selected numbers of `full`; no other number changes. Throws for mixtures and
  /// folds.
  void scatter(const Tensor& packed, Tensor& full) const;

  /// The same part; mixtures and folds are equal to none.
  friend bool operator==(const Selection& a, const Selection& b) {
    return a.kind_.index() == b.kind_.index() && a.indices() == b.indices() && a.is_part();
  }

 private:
  explicit Selection(Kind kind) : kind_(std::move(kind)) {}
  /// Calls `f(i)` with the flat index of every selected number, in packed order.
  template <class F>
  void each(const Shape& full, F f) const;

  Kind kind_;
};

}  // namespace engine
