#include "data/dataset.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <zlib.h>

#include "data/idx.h"
#include "data/image_folder.h"
#include "data/sources.h"
#include "data/split_file.h"
#include "tests/data/support.h"

namespace data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kPicture = ppm(noise("noise", 1, 4, 3));

std::vector<std::string> names(const Dataset& dataset, const fs::path& root) {
  std::vector<std::string> names;
  for (Index i = 0; i < dataset.size(); ++i)
    names.push_back(fs::path(dataset.name(i)).lexically_relative(root).string());
  return names;
}
std::vector<Index> labels(const Dataset& dataset) {
  std::vector<Index> labels;
  for (Index i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
  return labels;
}
std::string error(const fs::path& dir) {
  return error_of([&] { open_data(dir); });
}

TEST(ImageFolder, classes_are_sorted_by_bytes_and_files_by_path) {
  const TemporaryFolder folder;
  for (const char* file :
       {"train/b/2.ppm", "train/b/10.PPM", "train/b/deep/1.png", "train/a-b/1.jpg", "train/a/1.jpeg",
        "train/Z/1.bmp", "train/a/.hidden.jpg", "train/a/notes.txt", "train/readme.md", "train/.git/x.jpg",
        "validation/a/1.pgm", "validation/b/1.pgm", "test/b/1.ppm"})
    folder.write(file, kPicture);
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

TEST(ImageFolder, follows_links_once_and_passes_over_what_is_no_file) {
  const TemporaryFolder folder;
  folder.write("train/a/1.ppm", kPicture);
  folder.write("elsewhere/2.ppm", kPicture);
  const fs::path train = folder.path() / "train";
  fs::create_directory_symlink(folder.path() / "elsewhere", train / "b");
  fs::create_directory_symlink(train, train / "a" / "circle");
  fs::create_symlink(folder.path() / "gone", train / "a" / "dangling.ppm");
  ASSERT_EQ(::mkfifo((train / "a" / "pipe.ppm").c_str(), 0600), 0);
  const Splits splits = open_data(folder.path());
  EXPECT_THAT(splits.classes, ElementsAre("a", "b"));
  // The circle leads through train to b, once, and never back into a.
  EXPECT_THAT(names(*splits.train, folder.path()), testing::Contains("train/a/1.ppm"));
  EXPECT_LE(splits.train->size(), 3);
  EXPECT_EQ(splits.ignored, 2);
}

TEST(ImageFolder, says_what_is_wrong_and_where) {
  const TemporaryFolder folder;
  const std::string train = (folder.path() / "train").string();
  EXPECT_THAT(error(folder.path() / "none"), HasSubstr("is not a folder"));
  EXPECT_THAT(error(folder.path()), HasSubstr("no train split: " + train + " does not exist"));
  folder.write("test/a/1.ppm", kPicture);
  EXPECT_EQ(error(folder.path()), "no train split: " + train + " does not exist");
  fs::create_directories(train);
  EXPECT_THAT(error(folder.path()), HasSubstr(train + ": holds no class folders"));
  folder.write("train/a/1.ppm", kPicture);
  EXPECT_EQ(error(folder.path()), train + ": only one class (a); at least two are needed");
  folder.write("train/b/notes.txt", "");
  fs::create_directories(train + "/c");
  EXPECT_THAT(error(folder.path()), HasSubstr(train + "/b, " + train + "/c: no pictures in this class"));
  folder.write("train/b/1.ppm", kPicture);
  folder.write("train/c/1.ppm", kPicture);
  folder.write("val/d/1.ppm", kPicture);
  folder.write("val/e/1.ppm", kPicture);
  EXPECT_EQ(error(folder.path()), (folder.path() / "val").string() + ": 2 classes that train lacks: d, e");
}

TEST(SplitFile, reads_lists) {
  const TemporaryFolder folder;
  folder.write("images/a b.ppm", kPicture);
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
  EXPECT_THAT(error(folder.path()), HasSubstr("class 'red' is there twice"));
}

TEST(SplitFile, errors_name_file_and_line) {
  const TemporaryFolder folder;
  auto error_in = [&](const std::string& train, const std::string& val) {
    SplitFiles files{folder.write("train.txt", train), {}, {}, folder.path()};
    if (!val.empty()) files.val = folder.write("val.txt", val);
    return error_of([&] { open_split_files(files); });
  };
  EXPECT_THAT(error_in("a.ppm 0\nb.ppm\n", ""), HasSubstr("train.txt:2: 'b.ppm' is not a path"));
  EXPECT_THAT(error_in("a.ppm 0\nb.ppm one\n", ""), HasSubstr("train.txt:2: label"));
  EXPECT_THAT(error_in("a.ppm -1\n", ""), HasSubstr("train.txt:1: labels lie in 0 to 999999 and not -1"));
  EXPECT_THAT(error_in("a.ppm 99999999999\n", ""), HasSubstr("train.txt:1: label"));
  EXPECT_THAT(error_in(" 3\n", ""), HasSubstr("train.txt:1: "));
  EXPECT_THAT(error_in("\n\n", ""), HasSubstr("train.txt: no pictures"));
  EXPECT_THAT(error_in("a.ppm 0\n", ""), HasSubstr("only one class"));
  EXPECT_THAT(error_in("a.ppm 0\nb.ppm 1\n", "c.ppm 0\nc.ppm 2\n"),
              HasSubstr("val.txt:2: label 2 is a class that train lacks: its labels are 0 to 1"));
  EXPECT_THAT(error_of([] { open_split_files(SplitFiles{}); }), HasSubstr("no train split"));
  EXPECT_THAT(error_of([&] { open_split_files({.train = folder.path() / "none.txt"}); }),
              HasSubstr("none.txt: cannot be opened"));
}

std::string idx(std::vector<std::uint32_t> shape, const std::string& values) {
  std::string bytes = {'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (std::uint32_t n : shape)
    for (int shift : {24, 16, 8, 0}) bytes += static_cast<char>(n >> shift);
  return bytes + values;
}

std::string gzip(const std::string& bytes) {
  std::string out(bytes.size() + 100, '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  deflateEnd(&stream);
  return out.substr(0, stream.total_out);
}

TEST(Idx, reads_pictures_plain_and_gzipped) {
  const TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", idx({3, 1, 2}, "abcdef"));
  folder.write("train-labels-idx1-ubyte.gz", gzip(idx({3}, std::string("\0\2\1", 3))));
  folder.write("t10k-images-idx3-ubyte.gz", gzip(idx({1, 1, 2}, "xy")));
  folder.write("t10k-labels-idx1-ubyte", idx({1}, "\2"));
  const Splits splits = open_data(folder.path());
  EXPECT_THAT(splits.classes, ElementsAre("0", "1", "2"));
  EXPECT_THAT(labels(*splits.train), ElementsAre(0, 2, 1));
  EXPECT_EQ(splits.val, nullptr);
  const Image image = splits.train->image(1);
  EXPECT_EQ(image.width, 2);
  EXPECT_EQ(image.height, 1);
  EXPECT_THAT(image.rgb, ElementsAre('c', 'c', 'c', 'd', 'd', 'd'));
  EXPECT_THAT(splits.test->image(0).rgb, ElementsAre('x', 'x', 'x', 'y', 'y', 'y'));
  EXPECT_EQ(splits.test->name(0), (folder.path() / "t10k-images-idx3-ubyte.gz[0]").string());

  folder.write("t10k-labels-idx1-ubyte", idx({1}, "\3"));
  EXPECT_THAT(error(folder.path()), HasSubstr("label 3 is a class that train lacks"));
  folder.write("t10k-labels-idx1-ubyte", idx({2}, "\1\1"));
  EXPECT_THAT(error(folder.path()), HasSubstr("1 pictures, but"));
}

TEST(Idx, damaged_files_are_errors) {
  const TemporaryFolder folder;
  auto error_in = [&](const std::string& bytes) {
    const fs::path path = folder.write("file", bytes);
    return error_of([&] { read_idx(path); });
  };
  const std::string good = idx({2, 1, 3}, "abcdef");
  EXPECT_THAT(error_in("plain text"), HasSubstr("file: is not an IDX file"));
  EXPECT_THAT(error_in(std::string("\0\0\x0d\1", 4)), HasSubstr("not type 13"));
  EXPECT_THAT(error_in(std::string("\0\0\x08\7", 4)), HasSubstr("7 axes"));
  EXPECT_THAT(error_in(idx({0xffffffff, 0xffffffff, 0xffffffff}, "abc")), HasSubstr("more numbers than"));
  EXPECT_THAT(error_in(gzip(idx({60000, 1000, 1000}, "abc"))), HasSubstr("more numbers than"));
  EXPECT_THAT(error_in(good + "g"), HasSubstr("goes on after"));
  for (std::size_t size = 0; size < good.size(); ++size) error_in(good.substr(0, size));
  const std::string zipped = gzip(good);
  for (std::size_t size = 0; size < zipped.size(); ++size) error_in(zipped.substr(0, size));
  std::string wrong = zipped;
  wrong[wrong.size() - 5] ^= 1;  // its checksum
  EXPECT_THAT(error_in(wrong), HasSubstr("damaged gzip"));
}

TEST(Sources, every_one_says_what_it_wants) {
  const TemporaryFolder folder;
  const std::string message = error(folder.path());
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
