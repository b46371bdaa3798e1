#include "data/split_file.h"

#include <gmock/gmock.h>

#include "tests/data/bytes.h"
#include "tests/data/split_support.h"
#include "tests/support/memory_limit.h"

namespace data {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SplitFile, reads_lists) {
  const TemporaryFolder folder;
  folder.write("images/a b.ppm", kImage);
  folder.write("train800.txt", "images/a b.ppm 2\r\nimages/x.ppm 0\n\n");
  folder.write("val200.txt", "images/x.ppm 1");
  const Splits splits = open_data(folder.path());
  EXPECT_THAT(splits.classes, ElementsAre("0", "1", "2"));
  EXPECT_THAT(names(*splits.train, folder.path()), ElementsAre("images/a b.ppm", "images/x.ppm"));
  EXPECT_THAT(labels(*splits.train), ElementsAre(2, 0));
  EXPECT_THAT(labels(*splits.val), ElementsAre(1));
  EXPECT_EQ(splits.test, nullptr);
  EXPECT_EQ(splits.train->image(0), noise("noise", 1, 4, 3));
  EXPECT_THAT(error_of([&] { splits.train->image(1); }), HasSubstr("images/x.ppm: cannot be opened"));

  folder.write("classes.txt", "red\ngreen\nblue\nblack\n");
  EXPECT_THAT(open_data(folder.path()).classes, ElementsAre("red", "green", "blue", "black"));
  folder.write("classes.txt", "red\ngreen\nred\n");
  EXPECT_THAT(open_error(folder.path()), HasSubstr("class 'red' is there twice"));
}

/// The message of the Error of these lists.
std::string error_of_lists(const TemporaryFolder& folder, const std::string& train,
                           const std::string& val = "") {
  SplitFiles files{folder.write("train.txt", train), {}, {}, folder.path()};
  if (!val.empty()) files.val = folder.write("val.txt", val);
  return error_of([&] { open_split_files(files); });
}

TEST(SplitFile, errors_name_file_and_line) {
  const TemporaryFolder folder;
  auto error_in = [&](const std::string& train, const std::string& val = "") {
    return error_of_lists(folder, train, val);
  };
  EXPECT_THAT(error_in("a.ppm 0\nb.ppm\n"),
              HasSubstr("train.txt:2: 'b.ppm' is not a path, a space and a label"));
  EXPECT_THAT(error_in("a.ppm 0\n\nb.ppm one\n"),
              HasSubstr("train.txt:3: label 'one' is not a whole number"));
  EXPECT_THAT(error_in("a.ppm -1\n"),
              HasSubstr("train.txt:1: label '-1' is not a whole number of 0 or more"));
  EXPECT_THAT(error_in("a.ppm 100000\n"), HasSubstr("label '100000' is no class; labels lie in 0 to 99999"));
  EXPECT_THAT(error_in("a.ppm 9" + std::string(3000, '9')), HasSubstr("99...99"));
  EXPECT_THAT(error_in(" 3\n"), HasSubstr("train.txt:1: "));
  EXPECT_THAT(error_in("\n\n"), HasSubstr("train.txt: no images"));
  EXPECT_THAT(error_in("a.ppm 0\n"), HasSubstr("only one class"));
  EXPECT_THAT(error_in("a.ppm 0\nb.ppm 1\n", "c.ppm 0\nc.ppm 2\n"),
              HasSubstr("val.txt:2: label '2' is a class that train lacks: its labels are 0 to 1"));
  EXPECT_THAT(error_in("a.ppm 0\rb.ppm 1\rc\n"), HasSubstr("label '1\\x0dc' is not a whole number"));
  EXPECT_THAT(error_in("a.ppm 0\nb\0.ppm 1\n"s), HasSubstr("train.txt:2: holds a NUL byte"));
  EXPECT_THAT(error_in("\xff\xfe"
                       "a\0 \0"s +
                       "1\0"s),
              HasSubstr("train.txt:1: holds a NUL byte"));
  EXPECT_THAT(error_in("a.ppm 0\n" + std::string(10'000, 'x') + " 1\n"),
              HasSubstr("train.txt:2: is longer than 8192 bytes"));
  EXPECT_THAT(error_of([] { open_split_files(SplitFiles{}); }), HasSubstr("no train split"));
  EXPECT_THAT(error_of([&] { open_split_files({.train = folder.path() / "none.txt"}); }),
              HasSubstr("none.txt: cannot be opened"));
  EXPECT_THAT(error_of([&] { open_split_files({.train = folder.path()}); }), HasSubstr("is a folder"));

  folder.write("classes.txt", "red\ngreen\n");
  EXPECT_THAT(error_in("a.ppm 0\nb.ppm 2\n"),
              HasSubstr("label '2' is no class; the 2 lines of classes.txt are 0 to 1"));
  folder.write("classes.txt", "red\n\ngreen\n");
  EXPECT_THAT(error_in("a.ppm 0\n"), HasSubstr("classes.txt:2: is empty"));
}

TEST(SplitFile, takes_lists_as_other_systems_write_them) {
  const TemporaryFolder folder;
  const SplitFiles files{folder.write("train.txt",
                                      "\xef\xbb\xbf"
                                      "a.ppm 0\r\nb c.ppm \t 1  \r\n\r\nd.ppm\t0002"),
                         {},
                         {},
                         folder.path()};
  const Splits splits = open_split_files(files);
  EXPECT_THAT(names(*splits.train, folder.path()), ElementsAre("a.ppm", "b c.ppm", "d.ppm"));
  EXPECT_THAT(labels(*splits.train), ElementsAre(0, 1, 2));
  EXPECT_THAT(splits.notes, IsEmpty());
}

TEST(SplitFile, classes_are_those_of_all_that_is_trained_on) {
  const TemporaryFolder folder;
  SplitFiles files{folder.write("train.txt", "a.ppm 0\nb.ppm 1\n"),
                   folder.write("val.txt", "c.ppm 2\n"),
                   {},
                   folder.path()};
  EXPECT_THAT(error_of([&] { open_split_files(files); }), HasSubstr("a class that train lacks"));
  files.val_counts = true;
  const Splits splits = open_split_files(files);
  EXPECT_THAT(splits.classes, ElementsAre("0", "1", "2"));
  EXPECT_THAT(labels(*splits.val), ElementsAre(2));
}

// Lists of VTAB lie in the folder of their images, but whoever writes one may name any file.
TEST(SplitFile, that_is_only_judged_may_lack_any_class_and_have_one_alone) {
  const TemporaryFolder folder;
  const auto judged = [&](const std::string& lines) {
    return open_split_files({.train = folder.write("l.txt", lines), .root = folder.path(), .judged = true});
  };
  EXPECT_THAT(judged("a.ppm 0\n").classes, ElementsAre("0"));
  EXPECT_THAT(judged("a.ppm 0\nb.ppm 2\n").notes, IsEmpty());
  EXPECT_THAT(judged("a.ppm 1\nb.ppm 2\n").notes, ElementsAre(HasSubstr("seem to count from 1")));
  EXPECT_THAT(error_of_lists(folder, "a.ppm 0\n"), HasSubstr("only one class"));
}

TEST(SplitFile, may_leave_the_root) {
  const TemporaryFolder folder;
  folder.write("a.ppm", kImage);
  const SplitFiles files{
      folder.write("lists/train.txt", "../a.ppm 0\n" + (folder.path() / "a.ppm").string() + " 1\n"),
      {},
      {},
      folder.path() / "lists"};
  const Splits splits = open_split_files(files);
  EXPECT_EQ(splits.train->image(0), splits.train->image(1));
}

TEST(SplitFile, keeps_and_notes_repeated_lines) {
  const TemporaryFolder folder;
  const fs::path train = folder.write("train.txt", "b.ppm 0\na.ppm 0\nc.ppm 1\na.ppm 0\nb.ppm 1\na.ppm 0\n");
  const Splits splits = open_split_files({train, train, {}, folder.path()});
  EXPECT_THAT(labels(*splits.train), ElementsAre(0, 0, 1, 0, 1, 0));
  const std::string who = train.string() + ": ", a = (folder.path() / "a.ppm").string(),
                    b = (folder.path() / "b.ppm").string();
  const std::string repeats = who + "3 lines repeat an image of another line, such as " + a + "; all count",
                    labels = who + "1 of them with another label, such as " + b + "; is that meant?";
  EXPECT_THAT(splits.notes, ElementsAre(repeats, labels, repeats, labels));
}

TEST(SplitFile, of_any_size_takes_little_more_memory_than_its_images) {
  const TemporaryFolder folder;
  const fs::path hole = folder.write("train.txt", "a.ppm 0\n");
  fs::resize_file(hole, std::uintmax_t{1} << 40);
  const support::MemoryLimit limit(16 << 20);
  EXPECT_THAT(error_of([&] { open_split_files({.train = hole}); }),
              HasSubstr("train.txt:2: is longer than 8192 bytes"));
}

TEST(SplitFile, with_a_small_damage_loads_or_is_an_error_that_names_the_list) {
  const TemporaryFolder folder;
  const std::string list = "images/a.ppm 0\nb.ppm 12\r\n";
  const int errors = damage(list, [&](const std::string& damaged) {
    const fs::path train = folder.write("train.txt", damaged);
    try {
      open_split_files({train, {}, {}, folder.path()});
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::StartsWith(train.string() + ":"));
      throw;
    }
  });
  EXPECT_GT(errors, 0);
}

TEST(SplitFile, notes_labels_that_no_line_has) {
  const auto notes_of = [](const std::string& lines, const std::string& classes) {
    const TemporaryFolder folder;
    folder.write("train.txt", lines);
    if (!classes.empty()) folder.write("classes.txt", classes);
    const std::string list = (folder.path() / "train.txt").string();
    std::vector<std::string> notes = open_split_files({.train = list, .root = folder.path()}).notes;
    for (std::string& note : notes) note = note.substr(list.size());
    return notes;
  };
  using testing::ElementsAre;
  EXPECT_THAT(notes_of("a 0\nb 1\nc 2\n", ""), ElementsAre());
  EXPECT_THAT(
      notes_of("a 1\nb 2\nc 3\n", ""),
      ElementsAre(": 1 of 4 classes has no image to learn from, such as label 0; labels count from 0, and "
                  "these seem to count from 1"));
  EXPECT_THAT(notes_of("a 0\nb 3\n", ""), ElementsAre(": 2 of 4 classes have no image to learn from, such as "
                                                      "label 1; labels count from 0"));
  EXPECT_THAT(
      notes_of("a 0\nb 1\n", "x\ny\nz\n"),
      ElementsAre(": 1 of 3 classes has no image to learn from, such as label 2; labels count from 0"));
}

TEST(SplitFile, notes_no_label_that_val_has_where_val_is_trained_on) {
  const TemporaryFolder folder;
  folder.write("train800.txt", "a 0\nb 1\n");
  folder.write("val200.txt", "c 2\n");
  EXPECT_THAT(open_error(folder.path()), HasSubstr("a class that train lacks"));
  const Splits splits = open_data(folder.path(), {.val_counts = true});
  EXPECT_EQ(splits.classes.size(), 3u);
  EXPECT_TRUE(splits.notes.empty());
}

}  // namespace
}  // namespace data
