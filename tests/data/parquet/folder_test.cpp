// Parquet files as a data set: splits by names, classes, labels, and what is wrong with them.

#include "data/parquet_folder.h"

#include <gmock/gmock.h>

#include "data/parquet/features.h"
#include "tests/data/parquet/support.h"

namespace data::parquet {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Files with images of these labels; image i of a file is noise(i).
ParquetFile numbered(const std::vector<std::int64_t>& labels,
                     const std::string& names = R"("rose", "oak", "tulip")") {
  ParquetFile file = small_file(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) file.columns[2].values[i] = int64_of(labels[i]);
  file.metadata = features_of(names);
  return file;
}
ParquetFile unnamed(const std::vector<std::int64_t>& labels) {
  ParquetFile file = numbered(labels);
  file.metadata.clear();
  return file;
}
ParquetFile with_texts(const std::vector<std::string>& labels) {
  ParquetFile file = unnamed(std::vector<std::int64_t>(labels.size()));
  file.columns[2].type = 6;
  for (std::size_t i = 0; i < labels.size(); ++i) file.columns[2].values[i] = labels[i];
  return file;
}

struct Folder : TemporaryFolder {
  fs::path put(const std::string& name, const ParquetFile& file) const {
    return write(name, parquet_of(file));
  }
  Splits open() const { return open_data(path()); }
  std::string error() const { return open_error(path()); }
};

TEST(ParquetFolder, is_what_the_same_images_in_folders_are) {
  const Folder parquet;
  const TemporaryFolder folders;
  const std::vector<std::string> classes = {"a", "b", "c"};
  const std::map<std::string, std::string> splits = {
      {"train", "train"}, {"val", "validation"}, {"test", "test"}};
  for (const auto& [folder, name] : splits) {
    ParquetFile file{
        .columns = {{.name = "image.bytes"}, {.name = "image.path"}, {.name = "label", .type = 2}},
        .rows_a_group = 2,
        .metadata = features_of(R"("a", "b", "c")")};
    std::uint32_t seed = static_cast<std::uint32_t>(folder.size());
    for (std::int64_t label = 0; label < 3; ++label)
      for (const char* image : {"0.ppm", "1.ppm"}) {
        const std::string bytes = ppm(noise("noise", ++seed, 5, 4));
        folders.write(folder + "/" + classes[static_cast<std::size_t>(label)] + "/" + image, bytes);
        file.columns[0].values.push_back(bytes);
        file.columns[1].values.push_back(image);
        file.columns[2].values.push_back(int64_of(label));
      }
    parquet.put("data/" + name + "-00000-of-00001.parquet", file);
  }
  const Splits a = parquet.open(), b = open_data(folders.path());
  EXPECT_EQ(a.classes, b.classes);
  EXPECT_THAT(a.notes, IsEmpty());
  for (const auto& [x, y] :
       {std::pair(a.train, b.train), std::pair(a.val, b.val), std::pair(a.test, b.test)}) {
    ASSERT_EQ(x->size(), 6);
    EXPECT_EQ(labels(*x), labels(*y));
    for (Index i = 0; i < 6; ++i) {
      EXPECT_EQ(x->image(i), y->image(i)) << i;
      EXPECT_EQ(x->sha256(i), y->sha256(i)) << i;
    }
  }
}

TEST(ParquetFolder, takes_shards_in_the_order_of_their_names) {
  const Folder folder;
  folder.put("train-00001-of-00002.parquet", numbered({2, 2}));
  folder.put("train-00000-of-00002.parquet", numbered({0, 1, 0}));
  const Splits splits = folder.open();
  EXPECT_THAT(labels(*splits.train), ElementsAre(0, 1, 0, 2, 2));
  EXPECT_THAT(names(*splits.train, folder.path()),
              ElementsAre("train-00000-of-00002.parquet:0", "train-00000-of-00002.parquet:1",
                          "train-00000-of-00002.parquet:2", "train-00001-of-00002.parquet:0",
                          "train-00001-of-00002.parquet:1"));
  EXPECT_EQ(splits.train->file(3), (folder.path() / "train-00001-of-00002.parquet").string());
  EXPECT_THAT(splits.classes, ElementsAre("rose", "oak", "tulip"));  // as they stand there, not sorted
  EXPECT_EQ(splits.train->image(4), noise("noise", 1, 4, 3));
  EXPECT_EQ(splits.val, nullptr);
  EXPECT_EQ(splits.test, nullptr);
}

TEST(ParquetFolder, refuses_to_go_without_a_shard) {
  const Folder folder;
  folder.put("train-00000-of-00003.parquet", numbered({0}));
  folder.put("train-00002-of-00003.parquet", numbered({0}));
  EXPECT_THAT(folder.error(), HasSubstr("train-00001-of-00003.parquet: is missing; of 3 shards 2 are there"));
}

TEST(ParquetFolder, knows_splits_by_the_names_people_give_them) {
  const Folder folder;
  folder.put("training.parquet", numbered({0, 1}));
  folder.put("dev-0.parquet", numbered({1}));
  folder.put("Testing.parquet", numbered({2}));
  folder.put("other.parquet", numbered({2}));
  folder.write(".hidden.parquet", "");
  const Splits splits = folder.open();
  EXPECT_EQ(splits.train->size(), 2);
  EXPECT_EQ(splits.val->size(), 1);
  EXPECT_EQ(splits.test->size(), 1);
  EXPECT_THAT(splits.notes, ElementsAre(HasSubstr("1 Parquet files are passed over, such as other.parquet")));
}

TEST(ParquetFolder, whose_files_name_no_split_is_to_be_cut_with_a_note) {
  const Folder folder;
  folder.put("0000.parquet", numbered({0, 1}));
  folder.put("0001.parquet", numbered({2}));
  const Splits splits = folder.open();
  EXPECT_EQ(splits.train->size(), 3);
  EXPECT_THAT(splits.notes, ElementsAre(HasSubstr("all are one data set")));
  EXPECT_TRUE(splits.whole);
  EXPECT_FALSE(open_split_alone(folder.path(), "test").has_value());
}

TEST(ParquetFolder, without_a_train_names_what_is_missing) {
  const Folder folder;
  folder.put("test.parquet", numbered({0, 1}));
  EXPECT_THAT(folder.error(),
              AllOf(HasSubstr("no train split"), HasSubstr("train-*.parquet does not exist")));
  const auto alone = open_split_alone(folder.path(), "test");
  ASSERT_TRUE(alone.has_value());
  EXPECT_EQ(alone->train->size(), 2);
  EXPECT_FALSE(open_split_alone(folder.path(), "val").has_value());
  folder.put("train.parquet", numbered({0, 1}));
  EXPECT_FALSE(open_split_alone(folder.path(), "test").has_value());
}

TEST(ParquetFolder, may_be_a_single_file) {
  const Folder folder;
  const fs::path file = folder.put("test.parquet", numbered({0, 1}));
  EXPECT_EQ(open_data(file).train->size(), 2);
  EXPECT_FALSE(open_data(file).whole);
  EXPECT_EQ(open_split_alone(file, "test")->train->size(), 2);
  const fs::path uncut = folder.put("some.parquet", numbered({0, 1}));
  EXPECT_TRUE(open_data(uncut).whole);
  EXPECT_FALSE(open_split_alone(uncut, "test").has_value());
  EXPECT_FALSE(open_split_alone(folder.path() / "none", "test").has_value());
  EXPECT_THAT(open_error(folder.path() / "none.parquet"),
              HasSubstr("is not a folder with data, nor a file with a list or with images in Parquet"));
  EXPECT_THAT(open_error(folder.write("x.txt", "")),
              HasSubstr("is not a folder with data; a list of images is called .csv"));
}

TEST(ParquetFolder, refuses_names_that_are_test_for_some_and_val_for_others) {
  const Folder folder;
  folder.put("train.parquet", numbered({0, 1}));
  const fs::path file = folder.put("eval-00000-of-00001.parquet", numbered({0, 1}));
  for (const fs::path& data : {folder.path(), file})
    EXPECT_THAT(open_error(data),
                HasSubstr("eval-00000-of-00001.parquet: is the test split for Hugging Face"));
}

TEST(ParquetClasses, are_numbers_where_nothing_names_them) {
  const Folder folder;
  folder.put("train.parquet", unnamed({0, 3, 1}));
  folder.put("val.parquet", unnamed({4}));
  EXPECT_THAT(folder.error(),
              AllOf(HasSubstr("val.parquet:0: label 4 is a class that train lacks: its labels are 0 to 3")));
  EXPECT_EQ(open_data(folder.path(), {.val_counts = true}).classes.size(), 5u);
  folder.put("val.parquet", unnamed({2}));
  EXPECT_THAT(folder.open().classes, ElementsAre("0", "1", "2", "3"));
}

TEST(ParquetClasses, of_texts_are_sorted_by_their_bytes) {
  const Folder folder;
  folder.put("train.parquet", with_texts({"b", "B", "a", "10", "b", "9"}));
  folder.put("test.parquet", with_texts({"b", "a"}));
  Splits splits = folder.open();
  EXPECT_THAT(splits.classes, ElementsAre("10", "9", "B", "a", "b"));
  EXPECT_THAT(labels(*splits.train), ElementsAre(4, 2, 3, 0, 4, 1));
  EXPECT_THAT(labels(*splits.test), ElementsAre(4, 3));
  splits = open_data(folder.path(), {.class_order = ClassOrder::natural});
  EXPECT_THAT(splits.classes, ElementsAre("9", "10", "a", "B", "b"));
  EXPECT_THAT(labels(*splits.test), ElementsAre(4, 2));
  folder.put("test.parquet", with_texts({"b", "c"}));
  EXPECT_THAT(folder.error(), HasSubstr("1 class that train lacks: c"));
  folder.put("val.parquet", with_texts({"c"}));
  EXPECT_THAT(open_data(folder.path(), {.val_counts = true}).classes,
              ElementsAre("10", "9", "B", "a", "b", "c"));
}

TEST(ParquetClasses, come_from_the_readme_where_the_files_do_not_name_them) {
  const Folder folder;
  folder.put("data/train-00000-of-00001.parquet", unnamed({0, 1, 2}));
  const std::string before =
      "---\nlicense: mit\ndataset_info:\n  features:\n  - name: image\n    dtype: image\n"
      "  - name: label\n    dtype:\n      class_label:\n        names:\n";
  const std::string after =
      "  splits:\n  - name: train\n    num_bytes: 1\nconfigs:\n- config_name: default\n---\n# Flowers\n";
  folder.write("README.md",
               before +
                   "          '0': 1 rose\n          \"1\": 'it''s # oak'\n          '2': \"a \\\"b\\\"\"\n" +
                   after);
  EXPECT_THAT(folder.open().classes, ElementsAre("1 rose", "it's # oak", "a \"b\""));
  folder.write("README.md", before + "          - rose # red\n          - oak\n          - tulip\n" + after);
  EXPECT_THAT(folder.open().classes, ElementsAre("rose", "oak", "tulip"));
  folder.write("README.md", before + "        - rose\n        - oak\n        - tulip\n" + after);
  EXPECT_THAT(folder.open().classes, ElementsAre("rose", "oak", "tulip"));

  folder.write("README.md", before + "          '0': rose\n          '2': oak\n" + after);
  EXPECT_THAT(folder.error(), HasSubstr("README.md:12: ''2': oak' should be the name of class 1"));
  folder.write("README.md", before + "          '0': [rose]\n" + after);
  EXPECT_THAT(folder.error(), HasSubstr("README.md:11: '[rose]' is not the name of a class"));
  folder.write("README.md", before + "          '0': rose\n          '1': oak\n" + after);
  EXPECT_THAT(folder.error(), HasSubstr(":2: label 2 is no class; the 2 names of classes are 0 to 1"));
  for (const std::string& text : {std::string("# Flowers\n"), "---\n" + after.substr(0, 30), std::string()}) {
    folder.write("README.md", text);
    EXPECT_THAT(folder.open().classes, ElementsAre("0", "1", "2")) << text;
  }
}

TEST(ParquetClasses, of_a_column_in_the_readme_are_not_those_of_others) {
  const Folder folder;
  folder.write(
      "README.md",
      "---\ndataset_info:\n- config_name: default\n  features:\n  - name: objects\n    struct:\n    - name: label\n"
      "      dtype:\n        class_label:\n          names:\n            '0': wrong\n  - name: kind\n    dtype:\n"
      "      class_label:\n        names:\n          '0': wrong\n  - name: label\n    dtype:\n      class_label:\n"
      "        names:\n          '0': right\n          '1': true one\n---\n");
  EXPECT_THAT(class_names_in_readme(folder.path(), "label"), ElementsAre("right", "true one"));
  EXPECT_THAT(class_names_in_readme(folder.path(), "none"), IsEmpty());
}

TEST(ParquetClasses, of_the_files_count_more_than_the_readme) {
  const Folder folder;
  folder.put("train.parquet", numbered({0, 1, 2}));
  folder.write(
      "README.md",
      "---\ndataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label:\n        names:\n"
      "          '0': x\n          '1': y\n---\n");
  const Splits splits = folder.open();
  EXPECT_THAT(splits.classes, ElementsAre("rose", "oak", "tulip"));
  EXPECT_THAT(splits.notes, ElementsAre(HasSubstr("README.md: names other classes than the Parquet files")));
}

TEST(ParquetClasses, must_be_the_same_in_all_files) {
  const Folder folder;
  folder.put("train-00000-of-00002.parquet", numbered({0, 1}));
  folder.put("train-00001-of-00002.parquet", numbered({0, 1}, R"("oak", "rose", "tulip")"));
  EXPECT_THAT(folder.error(),
              HasSubstr("train-00001-of-00002.parquet: the class names in its key huggingface are others"));
  folder.put("train-00001-of-00002.parquet", with_texts({"oak"}));
  EXPECT_THAT(folder.error(), HasSubstr("of texts; those of"));
  folder.put("train-00001-of-00002.parquet", numbered({0, 1}));
  folder.put("test.parquet", numbered({0}, R"("oak", "rose", "tulip")"));
  EXPECT_THAT(
      folder.error(),
      HasSubstr("test*.parquet: the class names in its key huggingface are others than those of train"));
  folder.put("test.parquet", with_texts({"oak"}));
  EXPECT_THAT(folder.error(), HasSubstr("labels are texts and those of train numbers"));
  folder.put("test.parquet", unnamed({2}));
  EXPECT_THAT(labels(*folder.open().test), ElementsAre(2));
}

TEST(ParquetClasses, need_two_to_be_told_apart) {
  const Folder folder;
  folder.put("train.parquet", with_texts({"a", "a"}));
  EXPECT_THAT(folder.error(), HasSubstr("only one class (a)"));
  EXPECT_EQ(open_split_alone(folder.path() / "train.parquet", "test")->classes.size(), 1u);
}

std::string file_error(const ParquetFile& file) {
  const Folder folder;
  folder.put("train.parquet", file);
  return folder.error();
}

TEST(ParquetLabels, that_are_none_are_refused_by_row) {
  ParquetFile file = numbered({0, 1, 2, 0, 1});
  file.columns[2].values[4] = std::nullopt;
  EXPECT_THAT(file_error(file),
              HasSubstr("train.parquet:4: column label is null; every image needs a label"));
  EXPECT_THAT(file_error(numbered({0, 1, 2, -1})),
              HasSubstr("train.parquet:3: column label is -1; labels lie in 0 to"));
  EXPECT_THAT(file_error(numbered({0, 1, 7, 6})),
              HasSubstr("train.parquet:2: label 7 is no class; the 3 names of classes are 0 to 2"));
  EXPECT_THAT(file_error(numbered({})), HasSubstr("no images"));
}

TEST(ParquetImages, that_are_null_are_refused_by_row_when_they_are_asked_for) {
  for (const int codec : {0, 1}) {
    const Folder folder;
    ParquetFile file = numbered({0, 1, 2});
    file.columns[0].values[1] = std::nullopt;
    file.columns[0].codec = codec;
    folder.put("train.parquet", file);
    const Splits splits = folder.open();
    splits.train->check_there(0);
    for (const auto& call : {+[](const Dataset& d) { d.check_there(1); },
                             +[](const Dataset& d) { d.image(1); }, +[](const Dataset& d) { d.sha256(1); }})
      EXPECT_THAT(error_of([&] { call(*splits.train); }),
                  HasSubstr((folder.path() / "train.parquet").string() +
                            ":1: column image.bytes is null; an image has bytes"));
    EXPECT_EQ(splits.train->image(2), noise("noise", 2, 4, 3));
  }
}

TEST(ParquetImages, that_are_no_images_are_refused_by_their_names) {
  const Folder folder;
  ParquetFile file = numbered({0, 1});
  file.columns[0].values[1] = "%PDF-1";
  folder.put("train.parquet", file);
  EXPECT_THAT(error_of([&] { folder.open().train->image(1); }),
              HasSubstr("train.parquet:1: is not a JPEG, PNG"));
}

TEST(ParquetColumns, are_found_by_features_or_by_names) {
  const auto open = [](ParquetFile file) {
    const Folder folder;
    folder.put("train.parquet", file);
    return labels(*folder.open().train);
  };
  ParquetFile file = unnamed({0, 1, 2});
  file.columns[0].name = "image", file.columns[1].name = "path";  // bytes alone
  EXPECT_THAT(open(file), ElementsAre(0, 1, 2));
  file.columns[0].name = "img", file.columns[2].name = "labels";
  EXPECT_THAT(open(file), ElementsAre(0, 1, 2));
  file.columns[2].name = "kind";
  EXPECT_THAT(
      file_error(file),
      HasSubstr("has no column of labels; it is called label or labels and here are img, path, kind"));
  file.metadata = {
      {"huggingface",
       R"({"info":{"features":{"img":{"_type":"Image"},"kind":{"_type":"ClassLabel","names":["a","b","c"]}}}})"}};
  EXPECT_THAT(open(file), ElementsAre(0, 1, 2));
  file.columns[0].name = "photo";
  EXPECT_THAT(file_error(file),
              HasSubstr("has no column of images; it is called image or img and here are photo, path, kind"));
  file.metadata = {
      {"huggingface",
       R"({"info":{"features":{"photo":{"_type":"Image"},"kind":{"_type":"ClassLabel","names":["a","b","c"]}}}})"}};
  EXPECT_THAT(open(file), ElementsAre(0, 1, 2));
  file.metadata = {
      {"huggingface",
       R"({"info":{"features":{"photo":{"_type":"Image"},"path":{"_type":"ClassLabel"},"kind":{"_type":"ClassLabel"}}}})"}};
  EXPECT_THAT(file_error(file),
              HasSubstr("has several columns of labels: path, kind; one of them must be called label"));
  file.metadata = {{"huggingface", "{"}};
  EXPECT_THAT(file_error(file), HasSubstr("train.parquet: its key huggingface"));
}

TEST(ParquetColumns, of_other_types_are_refused_by_name) {
  ParquetFile file = numbered({0, 1});
  file.columns[2].type = 5;
  EXPECT_THAT(file_error(file),
              HasSubstr("column label is DOUBLE; labels are whole numbers (INT32, INT64) or texts"));
  file = numbered({0, 1});
  file.columns[0].type = 2;
  for (auto& value : file.columns[0].values) value = int64_of(1);
  EXPECT_THAT(file_error(file), HasSubstr("column image holds no bytes"));
}

TEST(ParquetFile, that_is_none_says_what_it_is) {
  const Folder folder;
  const std::string whole = parquet_of(numbered({0, 1}));
  const auto error_in_file = [&](const std::string& bytes) {
    folder.write("train.parquet", bytes);
    return folder.error();
  };
  EXPECT_THAT(error_in_file(""), HasSubstr("train.parquet: is not a Parquet file: it has 0 bytes"));
  EXPECT_THAT(error_in_file("version https://git-lfs.github.com"),
              HasSubstr("is not a Parquet file: it does not begin with PAR1"));
  EXPECT_THAT(error_in_file(whole.substr(0, whole.size() - 9)), HasSubstr("it does not end with PAR1"));
  EXPECT_THAT(error_in_file(whole.substr(0, whole.size() - 4) + "PARE"),
              HasSubstr("is encrypted; only Parquet files in the clear"));
  EXPECT_THAT(error_in_file(whole.substr(0, whole.size() - 8) + "\xff\xff\xff\x7fPAR1"),
              HasSubstr("it claims a footer of 2147483647 bytes"));
}

TEST(ParquetNotes, say_what_compressed_pages_cost) {
  const Folder folder;
  ParquetFile file = numbered({0, 1, 2, 0});
  file.rows_a_group = 2;
  for (auto& value : file.columns[0].values) value = std::string(2'600'000, 'x');
  folder.put("train.parquet", file);
  EXPECT_THAT(folder.open().notes, IsEmpty());
  file.columns[0].codec = 1;
  folder.put("train.parquet", file);
  EXPECT_THAT(folder.open().notes, IsEmpty());
  file.columns[0].codec = 6;
  folder.put("train.parquet", file);
  EXPECT_THAT(folder.open().notes, ElementsAre(AllOf(HasSubstr("its images lie in pages of about 5.2 MB"),
                                                     HasSubstr("up to 5.2 MB of them are kept in memory"))));
  for (ParquetColumn& column : file.columns) column.values.resize(3);
  folder.put("train.parquet", file);
  EXPECT_THAT(folder.open().notes, IsEmpty());
}

}  // namespace
}  // namespace data::parquet
