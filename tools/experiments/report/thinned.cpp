#include "tools/experiments/report/thinned.h"

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>

namespace experiments {

Thinned::Thinned(std::vector<std::string> columns)
    : columns_(std::move(columns)), last_(-std::numeric_limits<double>::infinity()) {}

void Thinned::add(const std::vector<double>& row) {
  engine::check(row.size() == columns_.size(), "a row of", row.size(), "values for", columns_.size(),
                "columns");
  if (!(row[0] > last_)) return;
  last_ = row[0];
  if (!points_.empty() && points_.back().rows < every_) {
    Point& point = points_.back();
    for (std::size_t i = 0; i < row.size(); ++i) point.sums[i] += row[i];
    ++point.rows;
    return;
  }
  if (points_.size() == kMost) halve();
  points_.push_back({row, 1});
}

void Thinned::halve() {
  for (std::size_t i = 0; i < kMost / 2; ++i) {
    Point both = std::move(points_[2 * i]);
    const Point& second = points_[2 * i + 1];
    for (std::size_t j = 0; j < both.sums.size(); ++j) both.sums[j] += second.sums[j];
    both.rows += second.rows;
    points_[i] = std::move(both);
  }
  points_.resize(kMost / 2);
  every_ *= 2;
}

nlohmann::ordered_json Thinned::to_json() const {
  nlohmann::ordered_json json{{"every", every_}};
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    nlohmann::ordered_json& column = json[columns_[i]] = nlohmann::ordered_json::array();
    for (const Point& p : points_) column.push_back(six_digits(p.sums[i] / static_cast<double>(p.rows)));
  }
  return json;
}

double six_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return std::strtod(text, nullptr);
}

}  // namespace experiments
