#include "engine/autograd/selection.h"

#include <string>
#include <utility>

namespace engine {
namespace {

std::vector<Index> ascending(std::vector<Index> at) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    check(at[i] >= 0 && (i == 0 || at[i] > at[i - 1]), "selection: indices must ascend from 0, but", at[i],
          "stands at place", i);
  }
  return at;
}

}  // namespace

Selection Selection::rows(std::vector<Index> at) {
  return Selection(Rows{ascending(std::move(at))});
}
Selection Selection::columns(std::vector<Index> at) {
  return Selection(Columns{ascending(std::move(at))});
}
Selection Selection::elements(std::vector<Index> at) {
  return Selection(Elements{ascending(std::move(at))});
}
std::string_view Selection::kind_name() const {
  constexpr std::string_view names[] = {"all", "none", "rows", "columns", "elements"};
  return names[kind_.index()];
}

const std::vector<Index>& Selection::indices() const {
  static const std::vector<Index> nothing;
  return std::visit(
      [](const auto& part) -> const std::vector<Index>& {
        if constexpr (requires { part.at; })
          return part.at;
        else
          return nothing;
      },
      kind_);
}

void Selection::check_fits(const Shape& full, std::string_view what) const {
  if (indices().empty()) return;
  const Index limit = std::holds_alternative<Rows>(kind_)      ? full.rows()
                      : std::holds_alternative<Columns>(kind_) ? full.columns()
                                                               : full.numel();
  check(indices().back() < limit, std::string(what) + ": index", indices().back(), "of", kind_name(),
        "lies outside", full);
}

template <class F>
void Selection::each(const Shape& full, F f) const {
  const Index rows = full.rows(), columns = full.columns();
  if (whole())
    for (Index i = 0; i < full.numel(); ++i) f(i);
  if (const auto* r = std::get_if<Rows>(&kind_))
    for (Index i : r->at)
      for (Index j = 0; j < columns; ++j) f(i * columns + j);
  if (const auto* c = std::get_if<Columns>(&kind_))
    for (Index i = 0; i < rows; ++i)
      for (Index j : c->at) f(i * columns + j);
  if (const auto* e = std::get_if<Elements>(&kind_))
    for (Index i : e->at) f(i);
}

Selection Selection::part_of(const Selection& inner) const {
  check(kind_.index() == inner.kind_.index() &&
            (std::holds_alternative<Rows>(kind_) || std::holds_alternative<Columns>(kind_)),
        "selection:", inner.kind_name(), "cannot be a part of", kind_name());
  std::vector<Index> at;
  for (const Index i : inner.indices()) {
    check(i < static_cast<Index>(indices().size()), "selection: there is no unit", i, "among",
          indices().size());
    at.push_back(indices()[static_cast<std::size_t>(i)]);
  }
  return std::holds_alternative<Rows>(kind_) ? rows(std::move(at)) : columns(std::move(at));
}

Shape Selection::packed(const Shape& full) const {
  const Index count = static_cast<Index>(indices().size());
  if (whole()) return full;
  if (std::holds_alternative<Rows>(kind_)) return {count, full.columns()};
  if (std::holds_alternative<Columns>(kind_)) return {full.rows(), count};
  return {count};
}

Tensor Selection::gather(const Tensor& full) const {
  check_fits(full.shape(), "selection");
  Tensor part = Tensor::uninitialized(packed(full.shape()), full.dtype());
  visit(full.dtype(), [&]<class T>() {
    const T* from = full.data<T>().data();
    T* to = part.data<T>().data();
    each(full.shape(), [&](Index i) { *to++ = from[i]; });
  });
  return part;
}

void Selection::scatter(const Tensor& part, Tensor& full) const {
  check_fits(full.shape(), "selection");
  check(part.shape() == packed(full.shape()), "selection: packed", part.shape(), "does not fit",
        packed(full.shape()));
  visit(full.dtype(), [&]<class T>() {
    const T* from = part.data<T>().data();
    T* to = full.data<T>().data();
    each(full.shape(), [&](Index i) { to[i] = *from++; });
  });
}

}  // namespace engine
