#include "tools/experiments/report/thinned.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/div_up.h"

namespace experiments {
namespace {

TEST(Thinned, keeps_every_row_of_a_short_curve) {
  Thinned curve({"x", "y"});
  curve.add({0, 1.23456789});
  curve.add({2, std::nan("")});
  const auto json = curve.to_json();
  EXPECT_EQ(json["every"], 1);
  EXPECT_EQ(json.dump(), R"({"every":1,"x":[0.0,2.0],"y":[1.23457,null]})");
}

TEST(Thinned, makes_points_of_a_long_curve_the_means_of_neighbours) {
  for (const Index rows : {1024, 1025, 5000, 100'000}) {
    Thinned curve({"x", "y"});
    for (Index i = 0; i < rows; ++i) curve.add({static_cast<double>(i), 3.0 * static_cast<double>(i)});
    const auto json = curve.to_json();
    const Index every = json["every"];
    ASSERT_LE(json["x"].size(), Thinned::kMost);
    EXPECT_EQ(static_cast<Index>(json["x"].size()), engine::div_up(rows, every)) << rows;
    EXPECT_NEAR(json["x"][1], 1.5 * static_cast<double>(every) - 0.5, 1e-9)
        << "the middle of the second point";
    EXPECT_NEAR(json["y"][1], 3 * json["x"][1].get<double>(), 1e-9);
  }
}

TEST(Thinned, leaves_out_what_does_not_go_forward) {
  Thinned curve({"x", "y"});
  for (const double x : {1.0, 1.0, 0.0, std::nan(""), 2.0}) curve.add({x, x});
  EXPECT_EQ(curve.to_json()["x"].dump(), "[1.0,2.0]");
  EXPECT_THROW(curve.add({1}), engine::Error);
}

}  // namespace
}  // namespace experiments
