#include "peft/selection/units.h"

#include <algorithm>
#include <cmath>

#include "peft/selection/select.h"

namespace peft {

using engine::Index;
using engine::Selection;
using engine::Shape;
using engine::Tensor;

namespace {

bool takes_rows(Units::Kind kind, const Shape& shape) {
  return kind == Units::Kind::row || (kind == Units::Kind::shorter && shape.rows() <= shape.columns());
}

Index of_neuron(const Units& units, const Shape& matrix) {
  return std::min(std::min(units.k, matrix.columns()) * units.times, matrix.columns());
}

}  // namespace

Units Units::of(const Shape& matrix) const {
  Units made_up = *this;
  if (kind == Kind::shorter) made_up.kind = takes_rows(kind, matrix) ? Kind::row : Kind::column;
  return made_up;
}

Index Units::elements(const Shape& matrix) const {
  engine::check(kind == Kind::element || kind == Kind::neuron,
                "units: rows and columns are no single elements");
  if (kind == Kind::neuron) return matrix.rows() * of_neuron(*this, matrix);
  const double share = std::floor(rate * static_cast<double>(matrix.numel()));
  return std::min((static_cast<Index>(share) + 1) * times, matrix.numel());
}

Selection Units::top(const Tensor& importance) const {
  if (kind == Kind::element) return top_elements(importance, elements(importance.shape()));
  if (kind == Kind::neuron) return top_per_row(importance, of_neuron(*this, importance.shape()));
  return takes_rows(kind, importance.shape()) ? top_rows(importance, k) : top_columns(importance, k);
}

void Units::check_fits(const std::vector<engine::NamedParameter>& targets) const {
  if (kind == Kind::element) return;
  Index most = 0;
  for (const auto& [name, parameter] : targets) {
    const Shape& s = parameter.value().shape();
    most = std::max(most, kind != Kind::neuron && takes_rows(kind, s) ? s.rows() : s.columns());
  }
  engine::check(
      k <= most, "--k", k, "is more than any",
      kind == Kind::neuron ? "neuron has inputs; the largest has" : "matrix has units; the largest has",
      most);
}

std::vector<OptionInfo> unit_options(const std::string& unit, const std::string& k, const std::string& rate) {
  return {
      {"unit", "element|neuron|row|column|short", unit,
       "what is selected: a share of all elements, k elements of every neuron, k rows, k columns, or k of "
       "the axis with fewer units"},
      {"k",
       "N",
       k,
       "units of every matrix; for --unit neuron, elements of every neuron",
       "",
       {{"unit", {"neuron", "row", "column", "short"}, "single elements are chosen by --rate"}}},
      {"rate",
       "X",
       rate,
       "share of the elements of every tensor, for --unit element",
       "",
       {{"unit", {"element"}, "all other units are chosen by --k"}}}};
}

Units read_units(const OptionValues& values) {
  static const std::vector<std::string> kKinds{"element", "neuron", "row", "column", "short"};
  return {.kind = static_cast<Units::Kind>(values.choice("unit", kKinds)),
          .k = values.integer("k", 1),
          .rate = values.share("rate")};
}

std::vector<OptionInfo> k_option(const std::string& k, const std::string& help) {
  return {{"k", "N", k, help}};
}

std::vector<OptionInfo> rate_option(const std::string& rate) {
  return {{"rate", "X", rate, "share of the elements of every tensor"}};
}

Units read_k(const OptionValues& values, Units::Kind kind) {
  return {.kind = kind, .k = values.integer("k", 1)};
}

Units read_rate(const OptionValues& values) {
  return {.kind = Units::Kind::element, .rate = values.share("rate")};
}

}  // namespace peft
