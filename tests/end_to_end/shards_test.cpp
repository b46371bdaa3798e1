// A checkpoint that is cut into shards, wherever --model takes one.

#include <gmock/gmock.h>

#include <limits>

#include "engine/io/sha256.h"
#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kFailed = 1, kCalledWrongly = 2;
constexpr const char *kFirst = "model-00001-of-00002.safetensors",
                     *kSecond = "model-00002-of-00002.safetensors", *kIndex = "model.safetensors.index.json";

/// The garden's checkpoint with a head for its three classes, and the same in two shards, their tensors dealt
/// out in turn.
struct Sharded : Garden {
  engine::NamedTensors state = [] {
    models::VitConfig config = small_config();
    config.classes = kClasses;
    return small_state(config);
  }();

  Sharded() {
    write_model(model(), state);
    write_shards();
  }
  std::string folder() const { return path() / "sharded"; }
  std::string index() const { return folder() + "/" + kIndex; }
  void write_shards(std::uint64_t wrong_bytes = 0) const {
    engine::NamedTensors shards[2];
    Json map;
    std::uint64_t bytes = wrong_bytes;
    for (std::size_t i = 0; i < state.size(); ++i) {
      const auto& [name, tensor] = state[i];
      shards[i % 2].push_back(state[i]);
      map[name] = i % 2 == 0 ? kFirst : kSecond;
      bytes += tensor.bytes();
    }
    write_model(folder() + "/" + kFirst, shards[0]);
    write_model(folder() + "/" + kSecond, shards[1]);
    write_text(index(), Json{{"metadata", {{"total_size", bytes}}}, {"weight_map", map}}.dump(2));
  }
  /// The logits of the test split, with a path that --model takes.
  std::string logits(const Words& model_words) const {
    const std::string file = *this / "logits.safetensors";
    const Outcome outcome = run(Words{"eval", "--data", data(), "--logits", file} + model_words);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_FALSE(outcome.noted("total_size")) << outcome.err;
    return bits_of(engine::Safetensors(file), "logits");
  }
};

TEST(Shards, give_the_logits_of_the_one_file_bit_for_bit) {
  const Sharded garden;
  const std::string expected = garden.logits({"--model", garden.model()});
  EXPECT_EQ(expected.size(), 9u * 3 * 4);
  EXPECT_TRUE(garden.logits({"--model", garden.folder()}) == expected) << "by the folder";
  EXPECT_TRUE(garden.logits({"--model", garden.index()}) == expected) << "by the index";
}

/// What `sha256sum` prints for what `sha256sum` prints for the two shards.
std::string hash_of_hashes(const Sharded& garden) {
  std::string lines;
  for (const char* name : {kFirst, kSecond})
    lines += engine::sha256(garden.folder() + "/" + name) + "  " + name + "\n";
  const std::string file = garden / "lines";
  write_text(file, lines);
  return engine::sha256(file);
}

TEST(Shards, are_tuned_to_the_same_numbers_by_a_delta_of_their_own) {
  const Sharded garden;
  const Words rest{"--data", garden.data(), "--method", "grft", "--batch-size",
                   "6",      "--steps",     "3",        "--lr", "0.01"};
  for (const auto& [model, name] : {std::pair(garden.model(), "one"), std::pair(garden.folder(), "two")}) {
    const Outcome tuned = run(Words{"tune", "--model", model, "--out", garden.run_folder(name)} + rest);
    ASSERT_EQ(tuned.status, 0) << tuned.err;
  }
  const std::string delta = garden.run_folder("two") + "/delta.safetensors";
  const engine::Safetensors one(garden.run_folder("one") + "/delta.safetensors"), two(delta);
  EXPECT_EQ(two.metadata().at("base_sha256"), hash_of_hashes(garden));
  ASSERT_EQ(one.names(), two.names());
  for (const std::string& name : one.names()) EXPECT_TRUE(bits_of(one, name) == bits_of(two, name)) << name;

  const Words base{"--model", garden.folder(), "--delta", delta};
  const std::string logits = garden.logits(base);
  EXPECT_TRUE(garden.logits({"--model", garden.model(), "--delta", one.path()}) == logits);
  EXPECT_THAT(
      run(Words{"predict", "--model", garden.model(), "--delta", delta, garden.data() + "/test/red/40.ppm"})
          .error(kFailed),
      AllOf(HasSubstr("another base"), HasSubstr(hash_of_hashes(garden))));
  EXPECT_EQ(run(Words{"predict", garden.data() + "/test/red/40.ppm"} + base).status, 0);

  const std::string merged = garden / "merged.safetensors";
  EXPECT_EQ(run(Words{"merge", "--out", merged, "--json"} + base).json()["largest_difference"], 0);
  EXPECT_TRUE(garden.logits({"--model", merged}) == logits);
}

TEST(Shards, are_distinguished_by_inspect) {
  const Sharded garden;
  const Json json = run({"inspect", garden.folder(), "--json"}).json();
  EXPECT_EQ(json["sha256"], hash_of_hashes(garden));
  EXPECT_EQ(json["path"], garden.index());
  EXPECT_EQ(json["shards"], Json({garden.folder() + "/" + kFirst, garden.folder() + "/" + kSecond}));
  EXPECT_EQ(json["tensors"].size(), garden.state.size());
  EXPECT_THAT(run({"inspect", garden.index()}).out, HasSubstr(kSecond));
}

TEST(Shards, with_a_wrong_total_size_are_read_with_a_note) {
  const Sharded garden;
  garden.write_shards(8);
  const Outcome outcome = run({"eval", "--model", garden.folder(), "--data", garden.data()});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.noted("note: " + garden.index() + ": total_size is")) << outcome.err;
}

TEST(Shards, that_are_missing_or_hold_other_tensors_are_refused_by_name) {
  const Sharded garden;
  const Words eval{"eval", "--model", garden.folder(), "--data", garden.data()};
  const std::string second = garden.folder() + "/" + kSecond;
  const std::string whole = read_text(second);
  fs::remove(second);
  EXPECT_THAT(run(eval).error(kFailed), AllOf(HasSubstr(second), HasSubstr(garden.index())));
  write_model(second, {{"more", engine::Tensor::zeros({1})}});
  EXPECT_THAT(run(eval).error(kFailed), AllOf(HasSubstr(second), HasSubstr("'more'")));
  write_text(second, whole);
  write_text(garden.index(), R"({"weight_map":{"cls_token":"../model.safetensors"}})");
  EXPECT_THAT(run(eval).error(kFailed),
              AllOf(HasSubstr(garden.index()), HasSubstr("'../model.safetensors'")));
}

TEST(Shards, with_numbers_that_are_not_finite_are_refused_by_file_tensor_count_and_first_index) {
  Sharded garden;
  auto values = tensor_of(garden.state, "blocks.1.mlp.fc1.weight").data<float>();
  values[17] = values[30] = std::numeric_limits<float>::quiet_NaN();
  values[40] = -std::numeric_limits<float>::infinity();
  garden.write_shards();
  const engine::Safetensors first(garden.folder() + "/" + kFirst);
  const std::string file = first.contains("blocks.1.mlp.fc1.weight") ? kFirst : kSecond;
  EXPECT_THAT(run({"eval", "--model", garden.folder(), "--data", garden.data()}).error(kFailed),
              HasSubstr(garden.folder() + "/" + file +
                        ": tensor 'blocks.1.mlp.fc1.weight' has 3 of 1152 values that are NaN or infinite as "
                        "f32, the first at index 17"));
}

TEST(Shards, are_not_overwritten) {
  const Sharded garden;
  for (const char* name : {kFirst, kSecond, kIndex}) {
    const std::string file = garden.folder() + "/" + name, before = read_text(file);
    EXPECT_THAT(run({"eval", "--model", garden.folder(), "--data", garden.data(), "--logits", file})
                    .error(kCalledWrongly),
                HasSubstr("--model"));
    EXPECT_TRUE(read_text(file) == before) << name;
  }
}

}  // namespace
}  // namespace end_to_end
