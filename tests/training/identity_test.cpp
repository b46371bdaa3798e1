#include "tools/training/identity.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace training {
namespace {

using nlohmann::ordered_json;

TEST(Identity, of_an_earlier_run_gets_the_names_of_today) {
  const ordered_json before{
      {"lr", 1}, {"preprocessing_told", nullptr}, {"pictures", 7}, {"pictures_sha256", "ab"}};
  const nlohmann::json now = with_present_names(before);
  const nlohmann::json expected{
      {"lr", 1}, {"preprocessing_stored", nullptr}, {"images", 7}, {"images_sha256", "ab"}};
  EXPECT_EQ(now, expected);
  EXPECT_EQ(nlohmann::json(with_present_names(expected)), expected);
}

}  // namespace
}  // namespace training
