#include "data/sources.h"

#include <gmock/gmock.h>

#include "tests/data/split_support.h"

namespace data {
namespace {

using testing::HasSubstr;

TEST(Sources, every_one_names_what_it_wants) {
  const TemporaryFolder folder;
  const std::string message = open_error(folder.path());
  for (const Source& source : sources()) EXPECT_THAT(message, HasSubstr(std::string(source.wants)));
}

TEST(Sources, open_the_real_data_sets) {
  const fs::path root = shared_folder() / "data";
  if (!fs::is_directory(root)) GTEST_SKIP() << "no real data: " << root << " does not exist";
  const Splits splits = open_data(root / "gtsrb-1k");
  EXPECT_EQ(splits.classes.size(), 43u);
  EXPECT_EQ(splits.train->size(), 801);
  EXPECT_EQ(splits.val->size(), 198);
  EXPECT_EQ(splits.test->size(), 1500);
}

}  // namespace
}  // namespace data
