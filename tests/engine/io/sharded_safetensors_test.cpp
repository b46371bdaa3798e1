#include "engine/io/sharded_safetensors.h"

#include <gmock/gmock.h>

#include "engine/io/sha256.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/compare.h"

namespace engine {
namespace {

using support::same_bits;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char *kFirst = "model-00001-of-00002.safetensors",
                     *kSecond = "model-00002-of-00002.safetensors", *kIndex = "model.safetensors.index.json";

/// A checkpoint of three tensors in two shards, each part of which a test may put another way.
struct Checkpoint {
  NamedTensors first = {{"b", Tensor::of<float>({3}, {1, 2, 3})}};
  NamedTensors second = {{"a", Tensor::of<float>({1, 2}, {4, 5})},
                         {"c", Tensor::of<std::int64_t>({2}, {6, 7})}};
  Metadata first_metadata = {{"format", "pt"}}, second_metadata = {{"format", "pt"}};
  std::string map =
      "\"a\":\"" + std::string(kSecond) + "\",\"b\":\"" + kFirst + "\",\"c\":\"" + kSecond + '"';
  std::string total_size = "36";

  /// Writes it and gives the path of the index.
  std::filesystem::path write(const TemporaryFolder& folder) const {
    write_safetensors(folder / kFirst, first, first_metadata);
    write_safetensors(folder / kSecond, second, second_metadata);
    return put(folder / kIndex,
               "{\"metadata\":{\"total_size\":" + total_size + "},\"weight_map\":{" + map + "}}");
  }
};

/// What is said of a checkpoint that is not taken.
std::string refusal(const TemporaryFolder& folder, const Checkpoint& checkpoint) {
  const auto index = checkpoint.write(folder);
  return message_of<Error>([&] { ShardedSafetensors{index}; });
}

TEST(ShardedSafetensors, reads_tensors_from_their_shards) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint;
  const ShardedSafetensors all(checkpoint.write(folder));
  EXPECT_THAT(all.names(), ElementsAre("b", "c", "a"));
  EXPECT_EQ(all.file_of("a").path(), folder / kSecond);
  EXPECT_EQ(all.file_of("b").path(), folder / kFirst);
  EXPECT_TRUE(same_bits(all.read("b"), checkpoint.first[0].second));
  EXPECT_TRUE(same_bits(all.read("a"), checkpoint.second[0].second));
  EXPECT_TRUE(same_bits(all.read("c"), checkpoint.second[1].second));
  EXPECT_EQ(all.bytes(), 36u);
  EXPECT_EQ(all.wrong_total_size(), std::nullopt);
  EXPECT_EQ(all.path(), folder / kIndex);
}

TEST(ShardedSafetensors, reads_one_file_as_it_is) {
  const TemporaryFolder folder;
  const NamedTensors tensors = {{"a", Tensor::of<float>({2}, {1, 2})}};
  write_safetensors(folder / "model.safetensors", tensors, {{"num_heads", "3"}});
  const ShardedSafetensors one(folder / "model.safetensors");
  EXPECT_EQ(one.files().size(), 1u);
  EXPECT_TRUE(same_bits(one.read("a"), tensors[0].second));
  EXPECT_EQ(one.metadata(), (Metadata{{"num_heads", "3"}}));
  EXPECT_EQ(one.sha256(), sha256(folder / "model.safetensors"));
}

TEST(ShardedSafetensors, hashes_shards_as_sha256sum_of_sha256sum_does) {
  const TemporaryFolder folder;
  const ShardedSafetensors all(Checkpoint().write(folder));
  const auto lines = put(folder / "lines", sha256(folder / kFirst) + "  " + kFirst + "\n" +
                                               sha256(folder / kSecond) + "  " + kSecond + "\n");
  EXPECT_EQ(all.sha256(), sha256(lines));
  Checkpoint other;
  other.first[0].second = Tensor::of<float>({3}, {1, 2, 4});
  EXPECT_NE(ShardedSafetensors(other.write(folder)).sha256(), sha256(lines)) << "one value is another";
}

TEST(ShardedSafetensors, knows_what_no_two_shards_say_differently) {
  const TemporaryFolder folder;
  Checkpoint checkpoint;
  checkpoint.first_metadata = {{"format", "pt"}, {"shard", "1"}, {"num_heads", "3"}};
  checkpoint.second_metadata = {{"format", "pt"}, {"shard", "2"}};
  EXPECT_EQ(ShardedSafetensors(checkpoint.write(folder)).metadata(),
            (Metadata{{"format", "pt"}, {"num_heads", "3"}}));
}

TEST(ShardedSafetensors, tells_a_total_size_that_is_not_so_without_refusing_it) {
  const TemporaryFolder folder;
  EXPECT_EQ(ShardedSafetensors(Checkpoint{.total_size = "37"}.write(folder)).wrong_total_size(), 37u);
  EXPECT_EQ(ShardedSafetensors(Checkpoint{.total_size = "null"}.write(folder)).wrong_total_size(),
            std::nullopt);
}

TEST(ShardedSafetensors, refuses_a_shard_that_is_not_there) {
  const TemporaryFolder folder;
  const auto index = Checkpoint().write(folder);
  std::filesystem::remove(folder / kSecond);
  EXPECT_EQ(
      message_of<Error>([&] { ShardedSafetensors{index}; }),
      (folder / kSecond).string() + ": no such file, but the weight_map of " + index.string() + " names it");
}

TEST(ShardedSafetensors, refuses_a_shard_that_is_no_safetensors_file) {
  const TemporaryFolder folder;
  const auto index = Checkpoint().write(folder);
  put(folder / kSecond, "version https://git-lfs");
  EXPECT_THAT(message_of<SafetensorsError>([&] { ShardedSafetensors{index}; }),
              StartsWith((folder / kSecond).string() + ": "));
}

TEST(ShardedSafetensors, refuses_a_tensor_that_its_shard_lacks) {
  const TemporaryFolder folder;
  Checkpoint checkpoint;
  checkpoint.map += std::string(R"(,"d":")") + kFirst + '"';
  EXPECT_EQ(refusal(folder, checkpoint), (folder / kFirst).string() +
                                             ": there is no tensor 'd', but the weight_map of " +
                                             (folder / kIndex).string() + " places it there");
}

TEST(ShardedSafetensors, refuses_a_tensor_that_the_index_does_not_list) {
  const TemporaryFolder folder;
  Checkpoint checkpoint;
  checkpoint.second.emplace_back("d", Tensor::zeros({1}));
  EXPECT_EQ(refusal(folder, checkpoint),
            (folder / kSecond).string() + ": tensor 'd' is not in the weight_map of " +
                (folder / kIndex).string() + "; it should be in both or in neither");
}

TEST(ShardedSafetensors, refuses_a_tensor_in_two_shards) {
  const TemporaryFolder folder;
  Checkpoint checkpoint;
  checkpoint.first.emplace_back("a", Tensor::zeros({1}));
  EXPECT_EQ(refusal(folder, checkpoint), (folder / kFirst).string() + ": tensor 'a' should be in '" +
                                             kSecond + "' alone, by the weight_map of " +
                                             (folder / kIndex).string());
}

TEST(ShardedSafetensors, refuses_an_index_that_breaks_its_rules) {
  const TemporaryFolder folder;
  EXPECT_THAT(refusal(folder, {.map = R"("b":"../model.safetensors")"}),
              AllOf(StartsWith((folder / kIndex).string()), HasSubstr("'b'"), HasSubstr("same folder")));
  EXPECT_THAT(message_of<Error>([&] { ShardedSafetensors(folder / "none.safetensors.index.json"); }),
              HasSubstr("no such file"));
}

TEST(ShardedSafetensors, suggests_names_for_one_that_is_missing) {
  const TemporaryFolder folder;
  Checkpoint checkpoint;
  checkpoint.first = {{"head.bias", Tensor::zeros({9})}};
  checkpoint.map =
      std::string(R"("head.bias":")") + kFirst + R"(","a":")" + kSecond + R"(","c":")" + kSecond + '"';
  const ShardedSafetensors all(checkpoint.write(folder));
  EXPECT_THAT(message_of<Error>([&] { all.read("head.bais"); }),
              HasSubstr("no tensor 'head.bais'; did you mean head.bias"));
}

TEST(ShardedSafetensors, opens_a_thousand_shards) {
  const TemporaryFolder folder;
  std::string map;
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i);
    put(folder / (number + ".safetensors"), [&] {
      const std::string header = "{\"" + number + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})";
      return std::string{static_cast<char>(header.size())} + std::string(7, '\0') + header;
    }());
    map += (i ? ",\"" : "\"") + number + "\":\"" + number + ".safetensors\"";
  }
  const auto index = put(folder / kIndex, "{\"weight_map\":{" + map + "}}");
  EXPECT_EQ(ShardedSafetensors(index).names().size(), 1000u);
}

TEST(ShardedSafetensors, an_index_with_a_flipped_bit_or_cut_off_loads_or_throws) {
  const TemporaryFolder folder;
  const auto index = Checkpoint().write(folder);
  const std::string whole = get(index);
  const auto loads = [&](const std::string& bytes) {
    put(index, bytes);
    try {
      return ShardedSafetensors(index).names().size() == 3;
    } catch (const Error&) {
      return false;
    }
  };
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(loads(whole.substr(0, size))) << size;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    loads(flipped);
  }
  EXPECT_TRUE(loads(whole));
}

}  // namespace
}  // namespace engine
