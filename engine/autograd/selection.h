#pragma once

#include <string_view>
#include <variant>
#include <vector>

#include "engine/tensor/tensor.h"

namespace engine {

/// The part of a parameter that trains: nothing, everything, whole rows, whole columns or single elements. A
/// parameter is seen as a matrix [first axis, all others]; an element is its index in that matrix flattened.
/// Indices ascend.
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
  using Kind = std::variant<All, None, Rows, Columns, Elements>;

  /// Everything.
  Selection() = default;
  static Selection all() { return {}; }
  static Selection none() { return Selection(None{}); }
  /// These throw unless the indices ascend strictly from 0 or more.
  static Selection rows(std::vector<Index> at);
  static Selection columns(std::vector<Index> at);
  static Selection elements(std::vector<Index> at);

  const Kind& kind() const { return kind_; }
  bool any() const { return !std::holds_alternative<None>(kind_); }
  bool whole() const { return std::holds_alternative<All>(kind_); }
  /// "all", "none", "rows", "columns" or "elements".
  std::string_view kind_name() const;
  /// The chosen rows, columns or elements; empty for all and none.
  const std::vector<Index>& indices() const;

  /// Throws an Error naming `what` when an index lies outside a parameter of this shape.
  void check_fits(const Shape& full, std::string_view what) const;
  /// The rows or columns of a parameter that `inner` names among those chosen here: the third chosen row for
  /// its row 2. Throws unless both are rows or both columns.
  Selection part_of(const Selection& inner) const;
  /// The shape of the selected part: [k, rest] for rows, [first axis, k] for columns, [n] for elements.
  Shape packed(const Shape& full) const;
  /// The selected values of `full`, in a tensor of their own.
  Tensor gather(const Tensor& full) const;
  /// Writes `packed` over the selected values of `full`; no other value changes.
  void scatter(const Tensor& packed, Tensor& full) const;

  /// The same part.
  friend bool operator==(const Selection& a, const Selection& b) {
    return a.kind_.index() == b.kind_.index() && a.indices() == b.indices();
  }

 private:
  explicit Selection(Kind kind) : kind_(std::move(kind)) {}
  /// Calls `f(i)` with the flat index of every selected value, in packed order.
  template <class F>
  void each(const Shape& full, F f) const;

  Kind kind_;
};

}  // namespace engine
