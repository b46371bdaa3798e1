// The forms in which people have labelled images: what is taken, what is noted, and what is refused by name.

#include <gmock/gmock.h>

#include <array>

#include "data/split_file.h"
#include "tests/data/split_support.h"

namespace data {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A folder with images of these names.
class Images : public TemporaryFolder {
 public:
  Images(std::initializer_list<const char*> files) {
    for (const char* file : files) write(file, kImage);
  }
  Splits open() const { return open_data(path()); }
  std::string error() const { return open_error(path()); }
};

TEST(DataForms, class_folders_alone_are_a_whole) {
  const Images folder{"oak/0.ppm", "oak/1.ppm", "rose/0.ppm", "rose/.hidden.ppm", "notes.txt"};
  const Splits splits = folder.open();
  EXPECT_TRUE(splits.whole);
  EXPECT_THAT(splits.classes, ElementsAre("oak", "rose"));
  EXPECT_THAT(names(*splits.train, folder.path()), ElementsAre("oak/0.ppm", "oak/1.ppm", "rose/0.ppm"));
  EXPECT_EQ(splits.val, nullptr);
  EXPECT_EQ(splits.ignored, 1);
  EXPECT_THAT(splits.notes, IsEmpty());
}

TEST(DataForms, what_belongs_to_no_class_or_to_an_inner_folder_is_noted) {
  const Images folder{"top.ppm", "a/1.ppm", "b/1.ppm", "b/deep/er/2.ppm"};
  const std::string dir = folder.path().string();
  EXPECT_THAT(folder.open().notes,
              ElementsAre(dir + ": 1 image beside the class folders passed over, such as " + dir + "/top.ppm",
                          dir + ": 1 image below folders of a class, such as " + dir +
                              "/b/deep/er/2.ppm; the class is the first folder"));
}

TEST(DataForms, folders_of_splits_have_the_names_that_people_give_them) {
  for (const auto& [train, val, test] : {std::array{"train", "val", "test"},
                                         {"training", "valid", "testing"},
                                         {"Train", "validation", "Test"},
                                         {"train2017", "val2017", "test_set"},
                                         {"my_train", "imgs_val", "held-out test"},
                                         {"train-1", "dev", "test"}}) {
    const TemporaryFolder folder;
    for (const std::string split : {train, val, test})
      for (const char* name : {"a", "b"}) folder.write(split + "/" + name + "/" + split + ".ppm", kImage);
    const Splits splits = open_data(folder.path());
    EXPECT_FALSE(splits.whole);
    EXPECT_THAT(splits.classes, ElementsAre("a", "b"));
    EXPECT_EQ(fs::path(splits.train->name(0)).stem(), train);
    ASSERT_TRUE(splits.val && splits.test) << val << ' ' << test;
    EXPECT_EQ(fs::path(splits.val->name(0)).stem(), val);
    EXPECT_EQ(fs::path(splits.test->name(0)).stem(), test);
    if (train != std::string("train")) {
      EXPECT_THAT(splits.notes, Contains(HasSubstr("is taken for the train split")));
    }
  }
}

TEST(DataForms, names_of_splits_that_mean_two_things_are_refused) {
  EXPECT_THAT(
      (Images{"train/a/1.ppm", "train/b/1.ppm", "eval/a/1.ppm"}.error()),
      HasSubstr(
          "eval: is the test split for Hugging Face's datasets and the validation split for timm; rename it "
          "test or val"));
  EXPECT_THAT((Images{"evaluation/a/1.ppm", "a/1.ppm"}.error()), HasSubstr("evaluation: is the test split"));
  EXPECT_THAT(
      (Images{"train/a/1.ppm", "train/b/1.ppm", "val/a/1.ppm", "valid/a/1.ppm"}.error()),
      HasSubstr(
          "the folders val and valid would each be the val split by their names; one of them is right"));
  EXPECT_THAT((Images{"my_train/a/1.ppm", "your_train/b/1.ppm"}.error()),
              HasSubstr("the folders my_train and your_train would each be the train split"));
}

TEST(DataForms, a_class_that_is_called_as_a_split_is_one_and_noted) {
  const Images folder{"oak/0.ppm", "rose/0.ppm", "test/0.ppm", "dev/0.ppm"};
  const Splits splits = folder.open();
  EXPECT_THAT(splits.classes, ElementsAre("dev", "oak", "rose", "test"));
  EXPECT_EQ(splits.train->size(), 4);
  EXPECT_THAT(splits.notes, ElementsAre(HasSubstr("dev: is a class called dev, not a split"),
                                        HasSubstr("test: is a class called test, not a split")));
  const Images inner{"train/rose/1.ppm", "train/test/1.ppm", "test/rose/2.ppm", "test/test/2.ppm"};
  EXPECT_EQ(inner.open().train->size(), 2);
  EXPECT_EQ(inner.open().test->size(), 2);
  EXPECT_THAT(inner.open().notes, ElementsAre(HasSubstr("train/test: is a class called test, not a split")));
}

TEST(DataForms, folders_one_level_off_are_refused_with_what_would_be_right) {
  const Images wrapped{"data/train/oak/0.ppm", "data/train/rose/0.ppm"};
  EXPECT_EQ(wrapped.error(), wrapped.path().string() + ": its splits lie one folder deeper: give " +
                                 (wrapped.path() / "data").string());
  EXPECT_THAT((Images{"oak/train/0.ppm", "oak/test/0.ppm", "rose/train/0.ppm"}.error()),
              HasSubstr("oak: is a class folder that holds splits; images lie in <split>/<class>/<file>"));
  EXPECT_THAT((Images{"all/oak/0.ppm", "all/rose/0.ppm"}.error()),
              HasSubstr("all holds folders: are they what was meant?"));
  EXPECT_THAT((Images{"seg_train/seg_train/oak/0.ppm"}.error()), HasSubstr("seg_train holds folders"));
}

TEST(DataForms, images_without_labels_are_refused_or_noted) {
  EXPECT_THAT((Images{"a.ppm", "b.ppm"}.error()), HasSubstr("holds images without labels"));
  EXPECT_THAT((Images{"train_0.ppm", "val-0.ppm"}.error()),
              HasSubstr("`espalier predict` and `espalier eval` need none"));
  EXPECT_THAT((Images{"train/a.ppm", "val/b.ppm"}.error()), HasSubstr("images without classes"));
  EXPECT_THAT((Images{"train/a/1.ppm", "train/b/1.ppm", "val/b.ppm"}.error()),
              HasSubstr("val: holds no class folders"));
  const Images folder{"train/a/1.ppm", "train/b/1.ppm", "test/x.ppm"};
  EXPECT_EQ(folder.open().test, nullptr);
  EXPECT_THAT(
      folder.open().notes,
      ElementsAre(HasSubstr("test: holds images without classes; passed over, as they are no test split")));
}

TEST(DataForms, a_list_with_columns_is_read_by_what_people_call_them) {
  const Images folder{"a, 1.ppm", "b.ppm"};
  const std::string rows = "\"a, 1.ppm\",rose\n./b.ppm,oak\n";
  for (const char* header : {"path,label", "file,class", "file_name,label", "image,Class", "File,LABEL",
                             "image_file_name,label"}) {
    const Splits splits = open_data(folder.write("list.csv", std::string(header) + '\n' + rows));
    EXPECT_TRUE(splits.whole);
    EXPECT_THAT(splits.classes, ElementsAre("oak", "rose")) << header;
    EXPECT_THAT(names(*splits.train, folder.path()), ElementsAre("a, 1.ppm", "b.ppm"));
    EXPECT_THAT(labels(*splits.train), ElementsAre(1, 0));
  }
  for (const auto& [name, text] :
       {std::pair{"l.tsv", "path\tlabel\na, 1.ppm\trose\nb.ppm\toak\n"},
        {"l.jsonl",
         "{\"path\": \"a, 1.ppm\", \"label\": \"rose\"}\n{\"path\": \"b.ppm\", \"label\": \"oak\"}\n"}}) {
    const Splits splits = open_data(folder.write(name, text));
    EXPECT_THAT(splits.classes, ElementsAre("oak", "rose")) << name;
    EXPECT_THAT(labels(*splits.train), ElementsAre(1, 0)) << name;
  }
}

TEST(DataForms, labels_of_a_list_are_numbers_where_all_of_them_are) {
  const TemporaryFolder folder;
  const auto open = [&](const std::string& rows) {
    return open_data(folder.write("l.csv", "path,label\n" + rows));
  };
  const Splits numbered = open("a.ppm,10\nb.ppm,2\nc.ppm,0\n");
  EXPECT_EQ(numbered.classes.size(), 11u);
  EXPECT_THAT(labels(*numbered.train), ElementsAre(10, 2, 0));
  EXPECT_EQ(numbered.class_order, "that of their numbers");
  EXPECT_THAT(numbered.notes,
              ElementsAre(HasSubstr("8 of 11 classes have no image to learn from, such as label 1; labels "
                                    "count from 0")));
  EXPECT_THAT(open("a.ppm,01\nb.ppm,1\nc.ppm,0\n").notes,
              Contains(HasSubstr("the labels '01' and '1' are one class, the number 1")));
  EXPECT_THAT(open("a.ppm,10\nb.ppm,-1\n").notes,
              ElementsAre(HasSubstr("labels are taken as names, since '-1' is not a whole number")));
  EXPECT_THAT(open("a.ppm,10\nb.ppm,x\n").classes, ElementsAre("10", "x"));
  EXPECT_EQ(open("a.ppm,10\nb.ppm,x\n").class_order, "");
}

TEST(DataForms, a_column_deals_a_list_out_to_splits) {
  const TemporaryFolder folder;
  const auto open = [&](const std::string& rows) {
    return open_data(folder.write("l.csv", "path,label,split\n" + rows));
  };
  const Splits splits =
      open("a.ppm,oak,train\nb.ppm,oak,val\nc.ppm,rose,train\nd.ppm,rose,test\ne.ppm,oak,validation\n");
  EXPECT_FALSE(splits.whole);
  EXPECT_THAT(names(*splits.train, folder.path()), ElementsAre("a.ppm", "c.ppm"));
  EXPECT_THAT(names(*splits.val, folder.path()), ElementsAre("b.ppm", "e.ppm"));
  EXPECT_THAT(labels(*splits.test), ElementsAre(1));
  const auto error = [&](const std::string& rows) { return error_of([&] { open(rows); }); };
  EXPECT_THAT(error("a.ppm,oak,train\nb.ppm,rose,train\nc.ppm,fern,val\n"),
              HasSubstr("l.csv:4: label 'fern' is a class that train lacks"));
  EXPECT_THAT(error("a.ppm,oak,hold\n"), HasSubstr("l.csv:2: split 'hold' is not train, val or test"));
  EXPECT_THAT(error("a.ppm,oak,eval\n"),
              HasSubstr("l.csv:2: split 'eval' is test for Hugging Face's datasets and val for timm"));
  EXPECT_THAT(error("a.ppm,oak,\n"), HasSubstr("l.csv:2: has no split"));
  EXPECT_THAT(error("a.ppm,oak,test\n"), HasSubstr("l.csv: no image is in the split train"));
  const fs::path list = folder.path() / "l.csv", val = folder.write("v.csv", "path,label\nb.ppm,oak\n");
  open("a.ppm,oak,train\nb.ppm,rose,train\n");
  EXPECT_THAT(error_of([&] { open_split_files({.train = list, .val = val, .root = folder.path()}); }),
              HasSubstr("l.csv: has a column split, beside lists of splits"));
}

TEST(DataForms, a_list_that_cannot_be_read_for_sure_is_refused) {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& text) {
    return error_of([&] { open_data(folder.write("l.csv", text)); });
  };
  EXPECT_THAT(
      error("filename,label\na.ppm,oak\n"),
      HasSubstr("l.csv: has no column path (or file, file_name, image); its columns are 'filename, label'"));
  EXPECT_THAT(error("path,kind\na.ppm,oak\n"), HasSubstr("l.csv: has no column label (or class)"));
  EXPECT_THAT(error("path;label\na.ppm;oak\n"),
              HasSubstr("semicolons separate nothing here: a .csv has commas"));
  EXPECT_THAT(error("path,image,label\na,b,oak\n"),
              HasSubstr("the columns 'path' and 'image' would each be the path; one of them is right"));
  EXPECT_THAT(error("path,label,class\na,b,oak\n"),
              HasSubstr("the columns 'label' and 'class' would each be the label"));
  EXPECT_THAT(error("path,label\na.ppm,oak\nb.ppm,\n"), HasSubstr("l.csv:3: has no label"));
  EXPECT_THAT(error("path,label\n,oak\n"), HasSubstr("l.csv:2: has no path"));
  EXPECT_THAT(error("path,label\n"), HasSubstr("l.csv: no images in this list"));
  EXPECT_THAT(error("path,label\na.ppm,oak\nb.ppm,oak\n"), HasSubstr("only one class (oak)"));
  EXPECT_THAT(
      error_of([&] { open_split_files({.train = folder.write("l.txt", "path,label\n"), .root = "."}); }),
      HasSubstr("a list with columns is called .csv, .tsv or .jsonl"));
}

TEST(DataForms, classes_beside_one_that_is_called_as_a_split_are_noted) {
  const Images folder{"train station/day/0.ppm", "train station/night/0.ppm", "cup/0.ppm", "flask/0.ppm"};
  EXPECT_THAT(folder.open().notes,
              Contains(HasSubstr("passed over: the images in cup, flask beside train station, which is a "
                                 "split by its name")));
}

TEST(DataForms, an_image_of_two_groups_is_refused) {
  const Images folder{"a/0.ppm", "b/0.ppm"};
  folder.write("metadata.csv", "file_name,patient\na/0.ppm,x\nb/0.ppm,x\na/0.ppm,y\n");
  EXPECT_THAT(error_of([&] { open_data(folder.path(), {.group = "patient"}); }),
              HasSubstr("has the patient 'x' and 'y'; one of the two is right"));
}

TEST(DataForms, metadata_beside_images_is_a_list) {
  const Images folder{"a.ppm", "b.ppm", "c.ppm"};
  folder.write("metadata.csv", "file_name,label\na.ppm,rose\n./b.ppm,oak\n");
  const Splits splits = folder.open();
  EXPECT_TRUE(splits.whole);
  EXPECT_THAT(splits.classes, ElementsAre("oak", "rose"));
  EXPECT_THAT(labels(*splits.train), ElementsAre(1, 0));
  EXPECT_THAT(splits.notes, ElementsAre(HasSubstr("metadata.csv: lacks 1 image of its folder, such as " +
                                                  (folder.path() / "c.ppm").string() + "; left out")));
  folder.write("metadata.jsonl", "{\"file_name\": \"a.ppm\", \"label\": 0}\n");
  EXPECT_THAT(folder.error(), HasSubstr("has metadata.csv and metadata.jsonl; one of them is right"));
}

TEST(DataForms, metadata_lies_in_the_folder_of_each_split) {
  const Images folder{"train/a.ppm", "train/b.ppm", "val/c.ppm", "test_set/d.ppm"};
  folder.write("train/metadata.csv", "file_name,label\na.ppm,rose\nb.ppm,oak\n");
  folder.write("val/metadata.jsonl", "{\"file_name\": \"c.ppm\", \"label\": \"oak\"}\n");
  EXPECT_THAT(folder.open().notes,
              ElementsAre(HasSubstr("test_set: holds images without classes; passed over")));
  folder.write("test_set/metadata.csv", "file_name,label\nd.ppm,rose\n");
  const Splits splits = folder.open();
  EXPECT_FALSE(splits.whole);
  EXPECT_THAT(names(*splits.train, folder.path()), ElementsAre("train/a.ppm", "train/b.ppm"));
  EXPECT_THAT(labels(*splits.val), ElementsAre(0));
  EXPECT_THAT(labels(*splits.test), ElementsAre(1));
  folder.write("metadata.csv", "file_name,label\n");
  EXPECT_THAT(folder.error(),
              HasSubstr("metadata.csv: lies beside folders of splits, where datasets does not read it"));
}

TEST(DataForms, metadata_that_datasets_reads_otherwise_is_refused) {
  const auto error = [](std::initializer_list<const char*> images, const char* name, const char* text) {
    const Images folder(images);
    folder.write(name, text);
    return folder.error();
  };
  EXPECT_THAT(error({"a.ppm", "b.ppm"}, "metadata.tsv", "file_name\tlabel\na.ppm\trose\n"),
              HasSubstr("metadata.tsv: is not read, as datasets does not read it"));
  EXPECT_THAT(error({"a.ppm", "b.ppm"}, "Metadata.csv", "file_name,label\na.ppm,rose\n"),
              HasSubstr("Metadata.csv: is not read"));
  EXPECT_THAT(
      error({"rose/a.ppm", "oak/b.ppm"}, "metadata.csv", "file_name,label\nrose/a.ppm,oak\noak/b.ppm,rose\n"),
      HasSubstr("rose/a.ppm has the label 'oak' and lies in the folder 'rose'; one of the two is right"));
  EXPECT_THAT(error({"train/a.ppm", "test/b.ppm"}, "metadata.csv",
                    "file_name,label\ntrain/a.ppm,oak\ntest/b.ppm,rose\n"),
              HasSubstr("lists images in 'train' which is a split by its name"));
  const Images folder{"train/a/1.ppm", "train/b/1.ppm"};
  folder.write("metadata.csv", "file_name,caption\ntrain/a/1.ppm,x\n");
  EXPECT_THAT(folder.open().notes,
              ElementsAre(HasSubstr("its metadata file is not read beside folders of splits")));
}

TEST(DataForms, metadata_without_labels_has_the_groups_of_class_folders) {
  const Images folder{"rose/a.ppm", "oak/b.ppm", "oak/c.ppm"};
  folder.write("metadata.csv", "file_name,patient\nrose/a.ppm,p1\noak/b.ppm,p2\noak/c.ppm,p1\n");
  const Splits splits = open_data(folder.path(), {.group = "patient"});
  EXPECT_TRUE(splits.whole);
  EXPECT_THAT(splits.classes, ElementsAre("oak", "rose"));
  EXPECT_THAT(splits.groups, ElementsAre("p2", "p1", "p1"));
  EXPECT_THAT(error_of([&] { open_data(folder.path(), {.group = "person"}); }),
              HasSubstr("has no column 'person', as --group names it"));
  folder.write("metadata.csv", "file_name,patient\nrose/a.ppm,p1\noak/b.ppm,p2\n");
  EXPECT_THAT(error_of([&] { open_data(folder.path(), {.group = "patient"}); }),
              HasSubstr("oak/c.ppm, whose group is needed"));
  folder.write("metadata.csv", "file_name,patient\nrose/a.ppm,p1\noak/b.ppm,\noak/c.ppm,p1\n");
  EXPECT_THAT(error_of([&] { open_data(folder.path(), {.group = "patient"}); }),
              HasSubstr("metadata.csv:3: has no group"));
}

TEST(DataForms, archives_are_answered_with_the_command_that_unpacks_them) {
  const TemporaryFolder folder;
  const auto error = [&](const char* name) { return open_error(folder.write(name, "PK")); };
  const std::string dir = folder.path().string();
  EXPECT_EQ(error("flowers.zip"), dir + "/flowers.zip: is an archive; unpack it with: mkdir data && unzip " +
                                      dir + "/flowers.zip -d data, and give --data data");
  EXPECT_THAT(error("flowers.tar.gz"),
              HasSubstr("mkdir data && tar -xf " + dir + "/flowers.tar.gz -C data, and give"));
  EXPECT_THAT(error("flowers.TAR"), HasSubstr("tar -xf"));
  EXPECT_THAT(error("flowers.txt"),
              HasSubstr("flowers.txt: is not a folder with data; a list of images is called .csv"));
}

// What datasets 5.2.0, timm 1.0.31 and torchvision 0.29.1 read of the same trees stands beside them.
TEST(DataForms, of_the_tools_are_each_opened_or_refused_by_name) {
  const fs::path trees = shared_folder() / "golden/exports/lists";
  if (!fs::is_directory(trees)) GTEST_SKIP() << "no such trees: " << trees << " does not exist";
  for (const auto& tree : fs::directory_iterator(trees)) {
    if (!tree.is_directory()) continue;
    try {
      const Splits splits = open_data(tree.path());
      EXPECT_GE(splits.classes.size(), 2u) << tree.path();
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr(tree.path().string())) << tree.path();
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    }
  }
  EXPECT_THAT(open_data(trees / "metadata_csv_crlf_bom").classes, ElementsAre("oak", "rose"));
  EXPECT_THAT(open_data(trees / "metadata_csv_quotes").classes, ElementsAre("oak", "rose \"red\""));
  EXPECT_THAT(labels(*open_data(trees / "metadata_csv_integers").train), ElementsAre(1, 0));
  EXPECT_THAT(open_data(trees / "csv_list/train.csv").classes, ElementsAre("oak", "rose"));
}

}  // namespace
}  // namespace data
