#include "data/idx.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include "tests/data/bytes.h"
#include "tests/data/split_support.h"
#include "tests/support/memory_limit.h"

namespace data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

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

TEST(Idx, files_with_a_dot_in_their_names_are_found) {
  const TemporaryFolder folder;
  folder.write("train-images.idx3-ubyte", idx({3, 1, 2}, "abcdef"));
  folder.write("train-labels.idx1-ubyte", idx({3}, std::string("\0\2\1", 3)));
  folder.write("t10k-images.idx3-ubyte.gz", gzip(idx({1, 1, 2}, "xy")));
  folder.write("t10k-labels.idx1-ubyte", idx({1}, "\2"));
  const Splits splits = open_idx(folder.path());
  EXPECT_EQ(splits.train->size(), 3);
  EXPECT_EQ(splits.test->size(), 1);
}

TEST(Idx, reads_images_plain_and_gzipped) {
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
  EXPECT_THAT(open_error(folder.path()), HasSubstr("label 3 is a class that train lacks"));
  folder.write("classes.txt", "red\ngreen\nblue\n");
  EXPECT_THAT(open_error(folder.path()),
              HasSubstr("label 3 is no class; the 3 lines of classes.txt are 0 to 2"));
  folder.write("t10k-labels-idx1-ubyte", idx({2}, "\1\1"));
  EXPECT_THAT(open_error(folder.path()), HasSubstr("1 images, but"));
}

/// Reads the bytes as an IDX file.
IdxArray read(const TemporaryFolder& folder, const std::string& bytes) {
  return read_idx(folder.write("file", bytes));
}
std::string error_in(const TemporaryFolder& folder, const std::string& bytes) {
  return error_of([&] { read(folder, bytes); });
}

TEST(Idx, damaged_files_are_errors) {
  const TemporaryFolder folder;
  const std::string good = idx({2, 1, 3}, "abcdef"), zipped = gzip(good);
  EXPECT_THAT(error_in(folder, "plain text"), HasSubstr("file: is not an IDX file"));
  EXPECT_THAT(error_in(folder, std::string("\0\0\x0d\1", 4)), HasSubstr("not type 13"));
  EXPECT_THAT(error_in(folder, std::string("\0\0\x08\7", 4)), HasSubstr("7 axes"));
  EXPECT_THAT(error_in(folder, good + "g"), HasSubstr("goes on after"));
  EXPECT_THAT(error_in(folder, gzip(good + "g")), HasSubstr("goes on after"));
  EXPECT_THAT(error_in(folder, zipped + "g"), HasSubstr("is a damaged gzip file: 1 bytes follow its end"));
  EXPECT_THAT(error_in(folder, zipped + zipped), HasSubstr("bytes follow its end"));
  EXPECT_THAT(error_in(folder, zipped.substr(0, zipped.size() - 1)),
              HasSubstr("is a damaged gzip file: it is cut off"));
  std::string wrong = zipped;
  wrong[wrong.size() - 5] ^= 1;  // its checksum
  EXPECT_THAT(error_in(folder, wrong), HasSubstr("damaged gzip file: incorrect data check"));
}

TEST(Idx, that_announces_more_than_there_is_takes_no_memory) {
  const TemporaryFolder folder;
  const std::string bomb = gzip(idx({4, 1, 1}, std::string(64 << 20, '\0')));
  const std::string promise = gzip(idx({1000, 1000, 60}, "abc") + std::string(64 << 10, 'x'));
  const support::MemoryLimit limit(16 << 20);
  EXPECT_THAT(error_in(folder, idx({0xffffffff, 0xffffffff, 0xffffffff}, "abc")),
              HasSubstr("more values than"));
  EXPECT_THAT(error_in(folder, idx({0x80000000, 0x80000000, 4}, "abc")), HasSubstr("more values than"));
  EXPECT_THAT(error_in(folder, idx({60000, 28, 28}, "abc")), HasSubstr("more values than"));
  EXPECT_THAT(error_in(folder, gzip(idx({60000, 1000, 1000}, "abc"))), HasSubstr("more values than"));
  EXPECT_THAT(error_in(folder, promise + std::string(60'000, '.')),
              HasSubstr("is cut off: 65539 bytes of values"));
  EXPECT_THAT(error_in(folder, bomb), HasSubstr("goes on after the values it announces"));
}

TEST(Idx, with_any_small_damage_loads_or_is_an_error_that_names_the_file) {
  const TemporaryFolder folder;
  const std::string good = idx({2, 1, 3}, "abcdef"), zipped = gzip(good),
                    path = (folder.path() / "file").string();
  for (const std::string& bytes : {good, zipped}) {
    EXPECT_EQ(read(folder, bytes).values.size(), 6u);
    const int errors = damage(bytes, [&](const std::string& damaged) {
      try {
        read(folder, damaged);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), testing::StartsWith(path + ": "));
        throw;
      }
    });
    EXPECT_GE(errors, static_cast<int>(bytes.size())) << "every prefix is one";
  }
}

TEST(Idx, files_have_the_classes_of_val_too_where_val_is_trained_on) {
  const TemporaryFolder folder;
  for (const auto& [split, label] : {std::pair{"train", "\1"}, std::pair{"val", "\3"}, {"test", "\3"}}) {
    folder.write(split + std::string("-images-idx3-ubyte"), idx({1, 1, 1}, "a"));
    folder.write(split + std::string("-labels-idx1-ubyte"), idx({1}, label));
  }
  EXPECT_THAT(open_error(folder.path()), HasSubstr("label 3 is a class that train lacks"));
  const Splits splits = open_data(folder.path(), {.val_counts = true});
  EXPECT_THAT(splits.classes, ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(labels(*splits.val), ElementsAre(3));
  folder.write("test-labels-idx1-ubyte", idx({1}, "\4"));
  EXPECT_THAT(error_of([&] { open_data(folder.path(), {.val_counts = true}); }),
              HasSubstr("label 4 is a class that train lacks: its labels are 0 to 3"));
  folder.write("classes.txt", "a\nb\nc\n");
  EXPECT_THAT(error_of([&] { open_data(folder.path(), {.val_counts = true}); }),
              HasSubstr("label 3 is no class"));
}

}  // namespace
}  // namespace data
