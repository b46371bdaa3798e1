#include "data/image_folder.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <array>
#include <utility>

#include "tests/data/split_support.h"

namespace data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ImageFolder, classes_are_sorted_by_bytes_and_files_by_path) {
  const TemporaryFolder folder;
  for (const char* file :
       {"train/b/2.ppm", "train/b/10.PPM", "train/b/deep/1.png", "train/a-b/1.jpg", "train/a/1.jpeg",
        "train/Z/1.bmp", "train/a/.hidden.jpg", "train/a/notes.txt", "train/readme.md", "train/.git/x.jpg",
        "validation/a/1.pgm", "validation/b/1.pgm", "test/b/1.ppm"})
    folder.write(file, kImage);
  const Splits splits = open_data(folder.path());
  EXPECT_THAT(splits.classes, ElementsAre("Z", "a", "a-b", "b"));
  EXPECT_THAT(names(*splits.train, folder.path()),
              ElementsAre("train/Z/1.bmp", "train/a/1.jpeg", "train/a-b/1.jpg", "train/b/10.PPM",
                          "train/b/2.ppm", "train/b/deep/1.png"));
  EXPECT_THAT(labels(*splits.train), ElementsAre(0, 1, 2, 3, 3, 3));
  EXPECT_THAT(labels(*splits.val), ElementsAre(1, 3));
  EXPECT_THAT(labels(*splits.test), ElementsAre(3));
  EXPECT_EQ(splits.ignored, 2);
  EXPECT_EQ(splits.train->image(5), noise("noise", 1, 4, 3));

  const auto both = concat(splits.train, splits.val);
  EXPECT_EQ(both->size(), 8);
  EXPECT_THAT(labels(*both), ElementsAre(0, 1, 2, 3, 3, 3, 1, 3));
  EXPECT_EQ(both->name(7), splits.val->name(1));
  EXPECT_EQ(both->image(7), noise("noise", 1, 4, 3));
}

/// A folder with the image a/1.ppm and others in train.
void make(const TemporaryFolder& folder, std::initializer_list<const char*> others) {
  folder.write("train/a/1.ppm", kImage);
  for (const char* other : others) folder.write(other, kImage);
}

TEST(ImageFolder, follows_links_to_folders_once_and_never_back_up) {
  const TemporaryFolder folder;
  make(folder, {"elsewhere/b/2.ppm", "elsewhere/more/3.ppm", "train/c/4.ppm", "test/c/5.ppm"});
  const fs::path train = folder.path() / "train", elsewhere = folder.path() / "elsewhere";
  fs::create_directory_symlink(elsewhere / "b", train / "b");
  fs::create_directory_symlink("..", elsewhere / "b" / "up");
  fs::create_directory_symlink(elsewhere / "more", train / "a" / "m");
  fs::create_directory_symlink(elsewhere / "more", train / "a" / "n");
  fs::create_directory_symlink(elsewhere / "more", train / "c" / "m");  // once in every class
  for (const std::string up : {".", "..", "../..", "../../.."})
    fs::create_directory_symlink(up, train / "a" / ("up" + std::to_string(up.size())));
  const Splits splits = open_data(folder.path());
  EXPECT_THAT(splits.classes, ElementsAre("a", "b", "c"));
  EXPECT_THAT(
      names(*splits.train, folder.path()),
      ElementsAre("train/a/1.ppm", "train/a/m/3.ppm", "train/b/2.ppm", "train/c/4.ppm", "train/c/m/3.ppm"));
  EXPECT_EQ(splits.ignored, 0);
}

TEST(ImageFolder, takes_what_is_called_a_image_for_one_so_that_none_is_lost_in_silence) {
  const TemporaryFolder folder;
  const Deadline deadline(20);
  make(folder, {"train/b/1.ppm"});
  const fs::path a = folder.path() / "train/a";
  fs::create_symlink("gone", a / "dangling.ppm");
  fs::create_symlink("gone", a / "dangling");
  ASSERT_EQ(::mkfifo((a / "pipe.ppm").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((a / "pipe").c_str(), 0600), 0);
  const Splits splits = open_data(folder.path());
  EXPECT_THAT(names(*splits.train, a), ElementsAre("1.ppm", "dangling.ppm", "pipe.ppm", "../b/1.ppm"));
  EXPECT_EQ(splits.ignored, 2);
  EXPECT_THAT(error_of([&] { splits.train->image(1); }), HasSubstr("dangling.ppm: cannot be opened"));
  EXPECT_THAT(error_of([&] { splits.train->image(2); }), HasSubstr("pipe.ppm: is not a regular file"));
}

TEST(ImageFolder, takes_any_name_that_a_file_system_does) {
  const TemporaryFolder folder;
  const std::string longest(251, 'x');
  const std::vector<std::string> files{"-rf.ppm",   "--help.ppm",    "a b.ppm",       "gr\xc3\xbcn.ppm",
                                       "l\xe9.ppm", "new\nline.ppm", longest + ".ppm"};
  for (const std::string& file : files) folder.write("train/-a \n/" + file, kImage);
  folder.write("train/b/1.ppm", kImage);
  const Splits splits = open_data(folder.path());
  EXPECT_THAT(splits.classes, ElementsAre("-a \n", "b"));
  EXPECT_EQ(splits.train->size(), 8);
  for (Index i = 0; i < 8; ++i) EXPECT_EQ(splits.train->image(i).width, 4) << splits.train->name(i);
}

TEST(ImageFolder, goes_into_deep_folders) {
  const TemporaryFolder folder;
  std::string deep = "train/a/";
  for (int i = 0; i < 100; ++i) deep += "d/";
  make(folder, {"train/b/1.ppm", (deep + "2.ppm").c_str()});
  EXPECT_EQ(open_data(folder.path()).train->size(), 3);
}

TEST(ImageFolder, notes_classes_that_differ_in_case_alone) {
  const TemporaryFolder folder;
  make(folder, {"train/Cat/1.ppm", "train/cat/1.ppm"});
  const Splits splits = open_data(folder.path());
  EXPECT_THAT(splits.classes, ElementsAre("Cat", "a", "cat"));
  EXPECT_THAT(splits.notes,
              ElementsAre((folder.path() / "train").string() +
                          ": the classes Cat and cat differ in case alone; they are taken for two"));
  fs::remove_all(folder.path() / "train/Cat");
  folder.write("train/b/1.ppm", kImage);
  EXPECT_THAT(open_data(folder.path()).notes, IsEmpty());
}

TEST(ImageFolder, may_have_an_empty_class_when_that_is_allowed) {
  const TemporaryFolder folder;
  make(folder, {"train/c/1.ppm", "val/c/1.ppm"});
  for (const char* empty : {"train/b", "val/a"}) fs::create_directories(folder.path() / empty);
  EXPECT_THAT(open_error(folder.path()), HasSubstr("train/b: no images in this class"));
  const Splits splits = open_data(folder.path(), {.allow_empty_class = true});
  EXPECT_THAT(splits.classes, ElementsAre("a", "b", "c"));
  EXPECT_THAT(labels(*splits.train), ElementsAre(0, 2));
  EXPECT_THAT(labels(*splits.val), ElementsAre(2));
  fs::remove(folder.path() / "val/c/1.ppm");
  EXPECT_THAT(error_of([&] { open_data(folder.path(), {.allow_empty_class = true}); }),
              HasSubstr("val: no images in any class"));
}

TEST(ImageFolder, says_what_is_wrong_and_where) {
  const TemporaryFolder folder;
  const std::string train = (folder.path() / "train").string();
  EXPECT_THAT(open_error(folder.path() / "none"), HasSubstr("is not a folder"));
  EXPECT_THAT(open_error(folder.path()), HasSubstr("no train split: " + train + " does not exist"));
  folder.write("test/a/1.ppm", kImage);
  EXPECT_EQ(open_error(folder.path()), "no train split: " + train + " does not exist");
  fs::create_directories(train);
  EXPECT_THAT(open_error(folder.path()), HasSubstr(train + ": holds no class folders"));
  folder.write("train/a/1.ppm", kImage);
  EXPECT_EQ(open_error(folder.path()), train + ": only one class (a); at least two are needed");
  folder.write("train/b/notes.txt", "");
  fs::create_directories(train + "/c");
  EXPECT_THAT(open_error(folder.path()), HasSubstr(train + "/b, " + train + "/c: no images in this class"));
  folder.write("train/b/1.ppm", kImage);
  folder.write("train/c/1.ppm", kImage);
  folder.write("val/d/1.ppm", kImage);
  folder.write("val/e/1.ppm", kImage);
  EXPECT_EQ(open_error(folder.path()),
            (folder.path() / "val").string() + ": 2 classes that train lacks: d, e");
}

TEST(ImageFolder, takes_the_names_that_people_give_to_splits_with_a_note) {
  for (const auto& [train, val, test] :
       std::vector<std::array<std::string, 3>>{{"train", "valid", "test"},
                                               {"Train", "Val", "Test"},
                                               {"training", "validation", "testing"},
                                               {"TRAIN", "dev", "test"},
                                               {"train", "Validation", "Testing"}}) {
    const TemporaryFolder folder;
    for (const std::string& split : {train, val, test})
      for (const std::string name : {"a", "b"}) folder.write(split + "/" + name + "/1.ppm", kImage);
    const Splits splits = open_data(folder.path());
    EXPECT_THAT(names(*splits.train, folder.path()), ElementsAre(train + "/a/1.ppm", train + "/b/1.ppm"));
    ASSERT_TRUE(splits.val && splits.test) << val << ", " << test;
    EXPECT_THAT(names(*splits.val, folder.path()), ElementsAre(val + "/a/1.ppm", val + "/b/1.ppm"));
    EXPECT_THAT(names(*splits.test, folder.path()), ElementsAre(test + "/a/1.ppm", test + "/b/1.ppm"));
    std::vector<std::string> notes;
    for (const auto& [name, split] : {std::pair{train, "train"}, {val, "val"}, {test, "test"}})
      if (name != split)
        notes.push_back((folder.path() / name).string() + ": is taken for the " + split + " split");
    EXPECT_EQ(splits.notes, notes);
  }
}

TEST(ImageFolder, notes_a_folder_of_classes_that_is_no_split_by_its_name) {
  const TemporaryFolder folder;
  for (const char* name : {"train/a/1.ppm", "train/b/1.ppm", "holdout/a/1.ppm", "runs/1/2.ppm"})
    folder.write(name, kImage);
  EXPECT_THAT(open_data(folder.path()).notes,
              ElementsAre(AllOf(HasSubstr("holdout: holds classes"), HasSubstr("val and test"))));
}

TEST(ImageFolder, with_two_folders_for_one_split_is_an_error) {
  for (const auto& [a, b, split] : std::vector<std::array<std::string, 3>>{{"val", "valid", "val"},
                                                                           {"valid", "validation", "val"},
                                                                           {"Train", "train", "train"},
                                                                           {"test", "testing", "test"}}) {
    const TemporaryFolder folder;
    make(folder, {"train/b/1.ppm"});
    for (const std::string& name : {a, b}) folder.write(name + "/a/1.ppm", kImage);
    EXPECT_EQ(open_error(folder.path()), folder.path().string() + ": the folders " + a + " and " + b +
                                             " would each be the " + split +
                                             " split by their names; one of them is right");
  }
}

TEST(ImageFolder, of_other_names_gives_way_to_lists) {
  const TemporaryFolder folder;
  for (const char* name : {"training/1.ppm", "training/2.ppm"}) folder.write(name, kImage);
  folder.write("train800.txt", "training/1.ppm 0\ntraining/2.ppm 1\n");
  EXPECT_EQ(open_data(folder.path()).train->size(), 2);
}

// As macOS and Linux write them.
TEST(ImageFolder, says_when_a_class_differs_in_normalisation_alone) {
  for (const auto& [composed, apart] : std::vector<std::array<std::string, 2>>{
           {"caf\xc3\xa9", "cafe\xcc\x81"},        // Latin
           {"\xe1\xba\xbf", "e\xcc\x82\xcc\x81"},  // with two marks, as in Vietnam
           {"\xea\xb0\x80\xe3\x81\x8c",
            "\xe1\x84\x80\xe1\x85\xa1\xe3\x81\x8b\xe3\x82\x99"}}) {  // Korean, Japanese
    for (const bool other_way : {false, true}) {
      const std::string train = other_way ? apart : composed, val = other_way ? composed : apart;
      const TemporaryFolder folder;
      make(folder, {("train/" + train + "/1.ppm").c_str()});
      folder.write("val/" + val + "/1.ppm", kImage);
      EXPECT_THAT(
          open_error(folder.path()),
          testing::AllOf(HasSubstr("/val: 1 class that train lacks: " + val + "; train's " + train +
                                   " looks alike and is written in another normalisation of Unicode: "),
                         HasSubstr(composed[0] == 'c' && !other_way
                                       ? "63 61 66 c3 a9 there, 63 61 66 65 cc 81 here; one of the two"
                                       : "one of the two must be renamed")));
    }
  }
  for (const std::string other : {"cafe", "caf\xc3", "caff", "caf\xc3\xa9s", "cafe\xcc\x81s"}) {
    const TemporaryFolder folder;
    make(folder, {"train/caf\xc3\xa9/1.ppm"});
    folder.write("val/" + other + "/1.ppm", kImage);
    EXPECT_THAT(open_error(folder.path()), testing::EndsWith("lacks: " + other));
  }
}

TEST(ImageFolder, has_the_classes_of_val_too_where_val_is_trained_on) {
  const TemporaryFolder folder;
  make(folder, {"train/c/1.ppm", "valid/b/1.ppm", "valid/c/2.ppm", "test/b/1.ppm", "test/a/2.ppm"});
  const std::string lacks = "1 class that train lacks: b";
  EXPECT_THAT(open_error(folder.path()), testing::EndsWith(lacks));
  const Splits splits = open_data(folder.path(), {.val_counts = true});
  EXPECT_THAT(splits.classes, ElementsAre("a", "b", "c"));
  EXPECT_THAT(labels(*splits.train), ElementsAre(0, 2));
  EXPECT_THAT(labels(*splits.val), ElementsAre(1, 2));
  EXPECT_THAT(labels(*splits.test), ElementsAre(0, 1));
  EXPECT_THAT(splits.notes, ElementsAre((folder.path() / "valid").string() + ": is taken for the val split"));
  folder.write("test/d/1.ppm", kImage);
  EXPECT_THAT(error_of([&] { open_data(folder.path(), {.val_counts = true}); }),
              testing::EndsWith("1 class that train lacks: d"));
}

TEST(ImageFolder, takes_no_class_of_val_for_another_that_may_be_one_of_train) {
  const TemporaryFolder folder;
  make(folder, {"train/caf\xc3\xa9/1.ppm", "val/cafe\xcc\x81/1.ppm"});
  EXPECT_THAT(error_of([&] { open_data(folder.path(), {.val_counts = true}); }),
              HasSubstr("written in another normalisation of Unicode"));
}

TEST(ImageFolder, with_one_class_in_train_and_another_in_val_has_two_where_both_are_trained_on) {
  const TemporaryFolder folder;
  make(folder, {"val/b/1.ppm"});
  EXPECT_THAT(open_error(folder.path()), HasSubstr("only one class (a)"));
  EXPECT_THAT(open_data(folder.path(), {.val_counts = true}).classes, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace data
