#include "engine/io/npz.h"

#include <gmock/gmock.h>

#include "engine/tensor/named_tensors.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/compare.h"
#include "tests/support/zip_bytes.h"

namespace engine {
namespace {

using support::dictionary;
using support::npy_of;
using support::zip_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

const std::vector<float> kSix{1, 2, 3, 4, 5, 6};

/// The error of an archive with one array, or "" when it is read.
std::string error_of(const std::string& npy, const std::string& name = "a.npy") {
  const TemporaryFolder folder;
  const auto path = put(folder / "x.npz", zip_of({{.name = name, .content = npy}}));
  const std::string error = message_of<Error>([&] { Npz(path).read("a"); });
  EXPECT_THAT(error, HasSubstr(path.string() + ": member '" + name + "'"));
  return error;
}

TEST(Npz, gives_arrays_of_every_float_in_both_orders_and_versions) {
  const TemporaryFolder folder;
  const std::string f4 = bytes_of(kSix);
  const Npz file(put(
      folder / "x.npz",
      zip_of(
          {{.name = "c.npy", .content = npy_of(dictionary("<f4", "(2, 3)"), f4)},
           {.name = "fortran.npy", .content = npy_of(dictionary("<f4", "(3, 2)", true), f4), .deflate = true},
           {.name = "two.npy", .content = npy_of(dictionary("<f4", "(2, 3)"), f4, 2)},
           {.name = "f8.npy", .content = npy_of(dictionary("<f8", "(2,)"), bytes_of<double>({7, 8}))},
           {.name = "f2.npy", .content = npy_of(dictionary("<f2", "(1,)"), std::string("\0\x3c", 2))},
           {.name = "i8.npy", .content = npy_of(dictionary("<i8", "()"), bytes_of<std::int64_t>({9}))},
           {.name = "none.npy", .content = npy_of(dictionary("<f4", "(0, 3)"), "")}})));
  EXPECT_EQ(file.arrays().size(), 7u);
  EXPECT_TRUE(support::same_bits(file.read("c"), Tensor::of<float>({2, 3}, kSix)));
  EXPECT_TRUE(support::same_bits(file.read("fortran"), Tensor::of<float>({3, 2}, {1, 4, 2, 5, 3, 6})));
  EXPECT_TRUE(support::same_bits(file.read("two"), Tensor::of<float>({2, 3}, kSix)));
  EXPECT_TRUE(support::same_bits(file.read("f8"), Tensor::of<double>({2}, {7, 8})));
  EXPECT_EQ(file.read("f2").dtype(), Dtype::f16);
  EXPECT_EQ(file.read("f2").to(Dtype::f32).item(), 1);
  EXPECT_TRUE(support::same_bits(file.read("i8"), Tensor::of<std::int64_t>({}, {9})));
  EXPECT_EQ(file.read("none").numel(), 0);
  EXPECT_THAT(message_of<Error>([&] { file.read("fortrand"); }), HasSubstr("did you mean fortran"));
}

TEST(Npz, is_known_by_its_content) {
  const TemporaryFolder folder;
  const std::string npz = zip_of({{.name = "a/b.npy", .content = "x"}});
  EXPECT_TRUE(is_npz(File(put(folder / "x", npz))));
  EXPECT_FALSE(is_npz(File(put(folder / "x", zip_of({{.name = "archive/data.pkl", .content = npz}})))));
  for (const std::string& other : {std::string(), std::string("PK\x03\x04"), std::string(64, 'x')})
    EXPECT_FALSE(is_npz(File(put(folder / "x", other))));
}

TEST(Npz, refuses_what_is_no_array_of_numbers) {
  const std::string f4 = bytes_of(kSix);
  EXPECT_THAT(error_of("no array"), HasSubstr("is no .npy array"));
  EXPECT_THAT(error_of(npy_of(dictionary("<f4", "(6,)"), f4), "a.txt"), HasSubstr("is no .npy array"));
  EXPECT_THAT(error_of(npy_of(dictionary("|O", "(1,)"), "pickle!!")), HasSubstr("Python objects"));
  EXPECT_THAT(error_of(npy_of("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (6,)}", f4)),
              HasSubstr("structures"));
  for (const char* descr : {">f4", "<U4", "|S8", "<f16", "<c8", "f4", "|V2", ""})
    EXPECT_THAT(error_of(npy_of(dictionary(descr, "(6,)"), f4)), HasSubstr("which are not read")) << descr;
  EXPECT_THAT(error_of(npy_of(dictionary("<i4", "(6,)"), f4)), HasSubstr("I32"));
  EXPECT_THAT(error_of(npy_of(dictionary("<f4", "(6,)"), f4, 3)), HasSubstr("version 3"));
}

TEST(Npz, refuses_shapes_that_are_not_those_of_its_bytes) {
  const std::string f4 = bytes_of(kSix);
  for (const char* shape : {"(2, 4)", "(5,)", "()", "(0,)", "(4611686018427387904,)"})
    EXPECT_THAT(error_of(npy_of(dictionary("<f4", shape), f4)), HasSubstr("needs another number")) << shape;
  EXPECT_THAT(error_of(npy_of(dictionary("<f4", "(4294967296, 4294967296)"), f4)), HasSubstr("shape"));
  EXPECT_THAT(error_of(npy_of(dictionary("<f4", "(6,)"), f4 + "x")), HasSubstr("needs another number"));
}

TEST(Npz, refuses_headers_that_are_no_dictionary_of_the_three_keys) {
  const std::string f4 = bytes_of(kSix), descr = "'descr': '<f4', ", order = "'fortran_order': False, ",
                    shape = "'shape': (6,)";
  const auto refused = [&](const std::string& text) {
    EXPECT_THAT(error_of(npy_of(text, f4)), HasSubstr("its .npy header ")) << text;
  };
  refused("{" + descr + order + "}");
  refused("{" + descr + order + shape + ", " + shape + "}");
  refused("{" + descr + order + shape + ", 'x': 1}");
  refused("{" + descr + order + shape + "} x");
  refused("{" + descr + order + shape);
  refused("{" + descr + "'fortran_order': 0, " + shape + "}");
  refused("{'descr': '<f4, " + order + shape + "}");
  for (const char* other : {"(6)", "6", "(6.0,)", "(-6,)", "(,)", "(6 6)", "(6,", "(99999999999999999999,)"})
    refused("{" + descr + order + "'shape': " + other + "}");
  std::string axes = "(6,";
  for (int i = 0; i < 32; ++i) axes += " 1,";
  refused("{" + descr + order + "'shape': " + axes + ")}");
  EXPECT_THAT(error_of(npy_of("{" + descr + order + shape + "}" + std::string(10'000, ' '), f4)),
              HasSubstr(".npy header of"));
}

/// A file whose members are packed in all ways.
std::string small_file() {
  return zip_of(
      {{.name = "a.npy", .content = npy_of(dictionary("<f4", "(2, 3)"), bytes_of(kSix)), .zip64 = true},
       {.name = "b.npy",
        .content = npy_of(dictionary("<f4", "(3, 2)", true), bytes_of(kSix)),
        .deflate = true}},
      true);
}

/// Nothing when the file is refused by one line; all that is read from it otherwise.
std::optional<NamedTensors> read_all(const std::filesystem::path& path) {
  try {
    const Npz file(path);
    NamedTensors all;
    for (const Npz::Array& array : file.arrays()) all.emplace_back(array.name, file.read(array.name));
    return all;
  } catch (const Error& e) {
    EXPECT_EQ(std::string_view(e.what()).find('\n'), std::string_view::npos) << e.what();
    return {};
  }
}

TEST(Npz, no_prefix_of_a_file_is_read) {
  const TemporaryFolder folder;
  const std::string whole = small_file();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(read_all(put(folder / "cut", whole.substr(0, size)))) << size;
  EXPECT_TRUE(read_all(put(folder / "cut", whole)));
}

TEST(Npz, a_flipped_bit_is_refused_or_changes_nothing) {
  const TemporaryFolder folder;
  const std::string whole = small_file();
  const NamedTensors right = read_all(put(folder / "whole", whole)).value();
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const auto read = read_all(put(folder / "flipped", flipped));
    refused += !read;
    if (!read) continue;
    ASSERT_EQ(read->size(), right.size()) << bit;
    for (std::size_t i = 0; i < right.size(); ++i) {
      EXPECT_EQ((*read)[i].first, right[i].first) << bit;
      EXPECT_TRUE(support::same_bits((*read)[i].second, right[i].second)) << bit;
    }
  }
  EXPECT_GT(refused, 8 * 300);  // at least every bit of the arrays
}

}  // namespace
}  // namespace engine
