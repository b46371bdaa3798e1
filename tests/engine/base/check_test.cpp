#include "engine/base/check.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(Say, puts_single_spaces_between_the_parts) {
  EXPECT_EQ(say("linear: x", 3, 'c', 0.5, std::string("end")), "linear: x 3 c 0.5 end");
  EXPECT_EQ(say("alone"), "alone");
}

TEST(Check, does_nothing_when_it_holds) {
  EXPECT_NO_THROW(check(true, "never said"));
}

TEST(Check, throws_an_error_with_all_parts) {
  try {
    check(1 > 2, "one", 1, "is not more than", 2);
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "one 1 is not more than 2");
    EXPECT_NE(dynamic_cast<const Error*>(&error), nullptr);
  }
}

}  // namespace
}  // namespace engine
