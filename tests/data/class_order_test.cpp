#include "data/class_order.h"

#include <gmock/gmock.h>

#include "tests/data/split_support.h"

namespace data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> in_order(std::vector<std::string> names, ClassOrder order) {
  sort_classes(names, order);
  return names;
}

// The two orders as datasets 5.2.0 and timm 1.0.31 have them of these folders.
TEST(ClassOrder, is_that_of_datasets_or_of_timm) {
  const std::vector<std::string> names{"a", "c10", "Z", "2", "_u", "1", "B", "10", "c9"};
  EXPECT_THAT(in_order(names, ClassOrder::sorted),
              ElementsAre("1", "10", "2", "B", "Z", "_u", "a", "c10", "c9"));
  EXPECT_THAT(in_order(names, ClassOrder::natural),
              ElementsAre("1", "2", "10", "_u", "a", "B", "c9", "c10", "Z"));
}

TEST(ClassOrder, is_a_whole_one_where_timm_leaves_it_open) {
  EXPECT_THAT(in_order({"a", "A", "a1", "01", "1", "a01", "1a", ""}, ClassOrder::natural),
              ElementsAre("", "01", "1", "1a", "A", "a", "a01", "a1"));
  EXPECT_TRUE(natural_before("9", "99999999999999999999999"));
  EXPECT_FALSE(natural_before("x", "x"));
}

TEST(ClassOrder, of_folders_and_of_lists_follows_the_option) {
  const TemporaryFolder folder;
  for (const char* file : {"10/x.ppm", "2/x.ppm", "1/x.ppm"}) folder.write(file, kImage);
  EXPECT_THAT(open_data(folder.path()).classes, ElementsAre("1", "10", "2"));
  const Splits natural = open_data(folder.path(), {.class_order = ClassOrder::natural});
  EXPECT_THAT(natural.classes, ElementsAre("1", "2", "10"));
  EXPECT_THAT(labels(*natural.train), ElementsAre(0, 1, 2));
  EXPECT_THAT(names(*natural.train, folder.path()), ElementsAre("1/x.ppm", "2/x.ppm", "10/x.ppm"));
  const fs::path list = folder.write("l.csv", "path,label\n10/x.ppm,c10\n2/x.ppm,c2\n");
  EXPECT_THAT(open_data(list).classes, ElementsAre("c10", "c2"));
  EXPECT_THAT(open_data(list, {.class_order = ClassOrder::natural}).classes, ElementsAre("c2", "c10"));
}

TEST(ClassMap, orders_the_classes_of_folders) {
  const TemporaryFolder folder;
  for (const char* file : {"train/oak/1.ppm", "train/rose/1.ppm", "val/rose/1.ppm"})
    folder.write(file, kImage);
  for (const char* name : {"classes.txt", "class_map.txt"}) {
    const fs::path map = folder.write(name, "rose\noak\n");
    const Splits splits = open_data(folder.path());
    EXPECT_THAT(splits.classes, ElementsAre("rose", "oak"));
    EXPECT_THAT(names(*splits.train, folder.path()), ElementsAre("train/rose/1.ppm", "train/oak/1.ppm"));
    EXPECT_THAT(labels(*splits.val), ElementsAre(0));
    EXPECT_EQ(splits.class_order, "the order of " + map.string());
    fs::remove(map);
  }
  folder.write("class_map.txt", "rose\nfern\noak\n");
  EXPECT_THAT(open_data(folder.path()).notes,
              ElementsAre(HasSubstr("has 1 class without a folder to learn from, such as fern")));
  // timm leaves such a folder out in silence.
  folder.write("class_map.txt", "rose\nfern\n");
  EXPECT_THAT(open_error(folder.path()), HasSubstr("class_map.txt: lacks oak, which are folders of images"));
  folder.write("classes.txt", "rose\noak\n");
  EXPECT_THAT(open_error(folder.path()),
              HasSubstr("has classes.txt and class_map.txt; one of them is right"));
}

TEST(ClassMap, is_named_or_counted_by_the_labels_of_a_list) {
  const TemporaryFolder folder;
  folder.write("classes.txt", "rose\noak\n");
  const auto classes_of = [&](const std::string& rows) {
    return labels(*open_data(folder.write("l.csv", "path,label\n" + rows)).train);
  };
  EXPECT_THAT(classes_of("a.ppm,rose\nb.ppm,oak\n"), ElementsAre(0, 1));
  EXPECT_THAT(classes_of("a.ppm,1\nb.ppm,0\n"), ElementsAre(1, 0));
  const auto error_in = [&](const std::string& rows) { return error_of([&] { classes_of(rows); }); };
  EXPECT_THAT(error_in("a.ppm,rose\nb.ppm,oka\n"), HasSubstr("l.csv:3: label 'oka' is no class of"));
  EXPECT_THAT(error_in("a.ppm,rose\nb.ppm,oka\n"), HasSubstr("did you mean oak"));
  EXPECT_THAT(error_in("a.ppm,2\n"),
              HasSubstr("label '2' is no class; the 2 lines of classes.txt are 0 to 1"));
  folder.write("classes.txt", "1\n0\n");
  EXPECT_THAT(error_in("a.ppm,0\nb.ppm,1\n"), HasSubstr("may be names or places of the classes"));
  folder.write("classes.txt", "0\n1\n");
  EXPECT_THAT(classes_of("a.ppm,1\nb.ppm,0\n"), ElementsAre(1, 0));
}

}  // namespace
}  // namespace data
