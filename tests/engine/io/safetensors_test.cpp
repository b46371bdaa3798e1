#include "engine/io/safetensors.h"

#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <thread>

#include "engine/io/sha256.h"
#include "engine/tensor/half.h"
#include "engine/tensor/random.h"
#include "tests/engine/io/safetensors_bytes.h"
#include "tests/engine/io/temporary_folder.h"

namespace engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Dtype kDtypes[] = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i64, Dtype::u8};

/// A tensor of any dtype whose bytes are all different from their neighbours.
Tensor counting(Shape shape, Dtype dtype) {
  Tensor t = Tensor::uninitialized(std::move(shape), dtype);
  for (std::size_t i = 0; i < t.bytes(); ++i) t.raw()[i] = static_cast<std::byte>(i * 37 + 11);
  return t;
}

/// 0, 1, 2, ... as bf16 or f16.
Tensor halves(Index count, Dtype dtype) {
  Tensor t = Tensor::uninitialized({count}, dtype);
  for (Index i = 0; i < count; ++i) {
    const float value = static_cast<float>(i % 200);
    const std::uint16_t bits = dtype == Dtype::f16 ? f32_to_f16(value) : f32_to_bf16(value);
    std::memcpy(t.raw() + 2 * i, &bits, 2);
  }
  return t;
}

void expect_same(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.dtype(), b.dtype());
  ASSERT_EQ(a.shape(), b.shape());
  EXPECT_EQ(std::memcmp(a.raw(), b.raw(), a.bytes()), 0);
}

TEST(Safetensors, every_dtype_and_shape_comes_back) {
  const TemporaryFolder folder;
  NamedTensors tensors;
  for (const Dtype dtype : kDtypes)
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{1}, Shape{2, 3}, Shape{5, 0, 2}, Shape{1, 7, 1, 3}})
      tensors.emplace_back(say(dtype, shape), counting(shape, dtype));
  write_safetensors(folder / "a.safetensors", tensors, {{"format", "pt"}, {"note", "ü\n"}});
  const Safetensors file(folder / "a.safetensors");
  EXPECT_EQ(file.entries().size(), tensors.size());
  EXPECT_EQ(file.metadata(), (Metadata{{"format", "pt"}, {"note", "ü\n"}}));
  for (const auto& [name, tensor] : tensors) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(file.contains(name));
    expect_same(file.read(name), tensor);
    Tensor target = Tensor::zeros(tensor.shape(), tensor.dtype());
    file.read_into(name, target);
    expect_same(target, tensor);
  }
  EXPECT_THAT(folder.names(), ElementsAre("a.safetensors"));
}

TEST(Safetensors, random_tensors_come_back) {
  const TemporaryFolder folder;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed, Random::Use::test);
    NamedTensors tensors;
    for (Index i = random.below(8); i-- > 0;) {
      std::vector<Index> dims;
      for (Index axis = random.below(7); axis-- > 0;) dims.push_back(random.below(4));
      tensors.emplace_back("t" + std::to_string(i), counting(Shape(dims), kDtypes[random.below(6)]));
    }
    write_safetensors(folder / "a", tensors);
    const Safetensors file(folder / "a");
    for (const auto& [name, tensor] : tensors) expect_same(file.read(name), tensor);
  }
}

TEST(Safetensors, the_same_tensors_give_the_same_bytes) {
  const TemporaryFolder folder;
  const NamedTensors one = {{"b", counting({3}, Dtype::f32)},
                            {"a", counting({5}, Dtype::f32)},
                            {"c", counting({2, 2}, Dtype::u8)},
                            {"d", counting({2}, Dtype::i64)}};
  const NamedTensors other(one.rbegin(), one.rend());
  const Metadata metadata = {{"z", "1"}, {"a", "2"}};
  write_safetensors(folder / "one", one, metadata);
  write_safetensors(folder / "other", other, metadata);
  EXPECT_EQ(get(folder / "one"), get(folder / "other"));
  EXPECT_THAT(Safetensors(folder / "one").names(), ElementsAre("d", "a", "b", "c"));
  EXPECT_EQ(sha256_of_safetensors(one, metadata), sha256(folder / "one"));
  EXPECT_EQ(sha256_of_safetensors(other, metadata), sha256(folder / "one"));
  EXPECT_NE(sha256_of_safetensors(one), sha256(folder / "one"));
}

TEST(Safetensors, is_written_byte_for_byte_as_the_reference_does) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", {{"attn.0", Tensor::of<float>({1, 2, 3}, {0, 1, 2, 3, 4, 5})}});
  const float values[] = {0, 1, 2, 3, 4, 5};
  EXPECT_EQ(get(folder / "a"), length_bytes(64) +
                                   R"({"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}})" +
                                   std::string(reinterpret_cast<const char*>(values), sizeof values));
}

TEST(Safetensors, a_slice_is_written_as_a_tensor_of_its_own) {
  const TemporaryFolder folder;
  const Tensor all = counting({4, 3}, Dtype::f32);
  write_safetensors(folder / "a", {{"middle", all.slice(1, 3)}});
  expect_same(Safetensors(folder / "a").read("middle"), all.slice(1, 3).clone());
}

TEST(Safetensors, floating_dtypes_are_converted) {
  const TemporaryFolder folder;
  constexpr Index count = 200'001;  // more than one piece of read_into
  NamedTensors tensors = {{"f16", halves(count, Dtype::f16)}, {"bf16", halves(count, Dtype::bf16)}};
  tensors.emplace_back("f32", tensors[0].second.to(Dtype::f32));
  tensors.emplace_back("f64", tensors[0].second.to(Dtype::f64));
  write_safetensors(folder / "a", tensors);
  const Safetensors file(folder / "a");
  for (const auto& [name, tensor] : tensors) {
    for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
      SCOPED_TRACE(say(name, "as", dtype));
      expect_same(file.read_as(name, dtype), tensor.to(dtype));
      Tensor target = Tensor::zeros({count}, dtype);
      file.read_into(name, target);
      expect_same(target, tensor.to(dtype));
    }
  }
}

TEST(Safetensors, other_conversions_name_the_tensor_and_its_dtype) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", {{"steps", Tensor::of<std::int64_t>({2}, {1, 2})}});
  const Safetensors file(folder / "a");
  EXPECT_THAT(message_of<Error>([&] { file.read_as("steps", Dtype::f32); }),
              HasSubstr("tensor 'steps' is of type I64 which is not turned into f32"));
  expect_same(file.read_as("steps", Dtype::i64), Tensor::of<std::int64_t>({2}, {1, 2}));
  Tensor target = Tensor::zeros({2});
  EXPECT_THROW(file.read_into("steps", target), Error);

  put(folder / "b", file_of(R"({"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}})", 4));
  const Safetensors foreign(folder / "b");
  EXPECT_EQ(foreign.entry("a").dtype, "I32");
  EXPECT_THAT(message_of<Error>([&] { foreign.read("a"); }), HasSubstr("tensor 'a' is of type I32"));
}

TEST(Safetensors, read_into_needs_the_same_shape) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", {{"w", Tensor::full({2, 3}, 1)}});
  const Safetensors file(folder / "a");
  Tensor transposed = Tensor::zeros({3, 2}), none;
  EXPECT_THAT(message_of<Error>([&] { file.read_into("w", transposed); }),
              HasSubstr("tensor 'w' has shape [2, 3] but [3, 2] is expected"));
  EXPECT_THROW(file.read_into("w", none), Error);
}

TEST(Safetensors, suggests_names_for_one_that_is_missing) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", {{"head.weight", Tensor::zeros({1})}, {"head.bias", Tensor::zeros({1})}});
  const Safetensors file(folder / "a");
  EXPECT_FALSE(file.contains("head.wight"));
  EXPECT_THAT(message_of<Error>([&] { file.read("head.wight"); }),
              HasSubstr("no tensor 'head.wight'; did you mean head.weight"));
}

TEST(Safetensors, stays_usable_after_a_move) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", {{"w", Tensor::full({2}, 3)}});
  Safetensors file(folder / "a");
  const Safetensors moved = std::move(file);
  EXPECT_EQ(moved.read("w").data<float>()[1], 3);
}

TEST(Safetensors, is_read_by_several_threads_at_once) {
  const TemporaryFolder folder;
  NamedTensors tensors;
  for (int i = 0; i < 20; ++i) tensors.emplace_back(std::to_string(i), counting({100 + i, 7}, Dtype::f32));
  write_safetensors(folder / "a", tensors);
  const Safetensors file(folder / "a");
  std::vector<std::thread> threads;
  std::array<int, 4> same{};
  for (int& count : same) {
    threads.emplace_back([&] {
      for (const auto& [name, tensor] : tensors) {
        const Tensor read = file.read(name);
        count += read.shape() == tensor.shape() && std::memcmp(read.raw(), tensor.raw(), tensor.bytes()) == 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(same, testing::Each(20));
}

TEST(Safetensors, may_be_written_over_the_file_that_is_being_read) {
  const TemporaryFolder folder;
  const Tensor old = counting({100'000}, Dtype::f32), fresh = counting({3}, Dtype::u8);
  write_safetensors(folder / "a", {{"w", old}});
  const Safetensors reader(folder / "a");
  write_safetensors(folder / "a", {{"w", fresh}});
  expect_same(reader.read("w"), old);
  expect_same(Safetensors(folder / "a").read("w"), fresh);
}

TEST(Safetensors, reads_data_at_odd_places) {
  const TemporaryFolder folder;
  const std::string json = R"({"u":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                           R"("a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  put(folder / "a", length_bytes(json.size()) + json + std::string("\x07\x00\x00\x80\x3f", 5));
  const Safetensors file(folder / "a");
  EXPECT_EQ(file.read("a").item(), 1);
}

TEST(Safetensors, a_file_that_cannot_be_written_leaves_the_old_one) {
  const TemporaryFolder folder;
  const Tensor w = Tensor::zeros({2});
  put(folder / "a", "old");
  EXPECT_THAT(message_of<Error>([&] {
                write_safetensors(folder / "a", {{"w", w}, {"w", w}});
              }),
              HasSubstr("key 'w' is given twice"));
  EXPECT_THAT(message_of<Error>([&] {
                write_safetensors(folder / "a", {{"w", Tensor()}});
              }),
              HasSubstr("tensor 'w' is empty"));
  EXPECT_EQ(get(folder / "a"), "old");
  EXPECT_THAT(folder.names(), ElementsAre("a"));
}

TEST(Safetensors, says_which_file_is_wrong) {
  const TemporaryFolder folder;
  const auto path = put(folder / "model.safetensors", "no header at all");
  EXPECT_THAT(message_of<SafetensorsError>([&] { Safetensors{path}; }),
              testing::StartsWith(path.string() + ": is not a safetensors file"));
  EXPECT_THAT(message_of<Error>([&] { Safetensors(folder / "none"); }), HasSubstr("no such file"));
}

/// Opens a file and reads all it can. True when the file was accepted; anything but Error is a failure.
bool loads(const std::filesystem::path& path) {
  try {
    const Safetensors file(path);
    for (const SafetensorsEntry& entry : file.entries()) {
      try {
        EXPECT_EQ(file.read(entry.name).bytes(), entry.bytes);
      } catch (const Error&) {  // a dtype that tensors do not have
      }
    }
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::string small_file(const TemporaryFolder& folder) {
  write_safetensors(folder / "small", {{"a", counting({2}, Dtype::f32)}, {"b", counting({3}, Dtype::f16)}},
                    {{"k", "v"}});
  return get(folder / "small");
}

TEST(Safetensors, no_prefix_of_a_file_loads) {
  const TemporaryFolder folder;
  const std::string whole = small_file(folder);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(loads(put(folder / "cut", whole.substr(0, size)))) << size;
  EXPECT_TRUE(loads(put(folder / "cut", whole)));
  EXPECT_FALSE(loads(put(folder / "cut", whole + '\0')));
}

TEST(Safetensors, a_flipped_bit_loads_or_throws) {
  const TemporaryFolder folder;
  const std::string whole = small_file(folder);
  int accepted = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    accepted += loads(put(folder / "flipped", flipped));
  }
  EXPECT_GE(accepted, 8 * 14);  // at least every bit of the 14 bytes of data
}

}  // namespace
}  // namespace engine
