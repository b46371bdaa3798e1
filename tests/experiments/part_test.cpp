#include "tools/experiments/part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/engine/io/temporary_folder.h"

namespace experiments {
namespace {

TEST(Part, is_read_from_its_number_and_theirs) {
  EXPECT_EQ(Part::read("2/3").number, 2);
  EXPECT_EQ(Part::read("2/3").of, 3);
  EXPECT_EQ(Part::read("1/1").text(), "1/1");
  for (const char* wrong : {"", "2", "0/3", "4/3", "1/0", "-1/3", "a/3", "1/3/5", "1/", "1.5/3", "1/2000000"})
    EXPECT_THAT(engine::message_of<engine::Error>([&] { Part::read(wrong); }),
                "--part takes I/N, the I-th of N parts as in 2/3, not '" + std::string(wrong) + "'");
}

TEST(Part, has_each_task_and_method_in_one_of_all_parts_which_differ_by_one_at_most) {
  for (const std::size_t tasks : {1, 2, 3, 6}) {
    for (const std::size_t methods : {1, 2, 3, 4, 20}) {
      for (const Index of : {1, 2, 3, 5, 40}) {
        std::vector<Index> sizes(static_cast<std::size_t>(of));
        for (std::size_t pair = 0; pair < tasks * methods; ++pair) {
          int owners = 0;
          for (Index number = 1; number <= of; ++number) {
            if (!Part{number, of}.has(pair / methods, pair % methods, methods)) continue;
            ++owners, ++sizes[static_cast<std::size_t>(number - 1)];
          }
          EXPECT_EQ(owners, 1);
        }
        const auto [least, most] = std::ranges::minmax(sizes);
        EXPECT_LE(most - least, 1) << tasks << ' ' << methods << ' ' << of;
      }
    }
  }
}

TEST(Part, does_not_get_one_method_on_all_tasks) {
  EXPECT_TRUE((Part{1, 2}.has(0, 0, 2)));
  EXPECT_TRUE((Part{1, 2}.has(1, 1, 2)));
}

}  // namespace
}  // namespace experiments
