#include <gtest/gtest.h>

#include <limits>

#include "engine/tensor/tensor.h"
#include "peft/methods.h"
#include "tests/support/compare.h"
#include "tests/support/random_tensor.h"
#include "tools/training/prefix/activations.h"
#include "tools/training/prefix/cut.h"
#include "tools/training/prefix/options.h"

namespace training {
namespace {

using engine::Tensor;
using support::error_of;
using support::same_bits;

models::Vit small() {
  models::VitConfig c;
  c.image_height = c.image_width = 8, c.patch = 4, c.width = 8, c.depth = 3, c.heads = 2, c.hidden = 16,
  c.classes = 3;
  models::Vit model(c);
  models::initialize(model, 1);
  return model;
}

/// The highest cut once the method has set what trains.
Index cut_of(const std::string& method, const std::map<std::string, std::string>& options = {}) {
  models::Vit model = small();
  const auto made = peft::make_method(method, options);
  made->prepare(model, {});
  return highest_cut(model);
}

TEST(HighestCut, is_below_all_that_trains_or_is_attached) {
  EXPECT_EQ(cut_of("linear"), 4);
  EXPECT_EQ(cut_of("last-k", {{"blocks", "1"}}), 2);
  EXPECT_EQ(cut_of("last-k", {{"blocks", "2"}}), 1);
  EXPECT_EQ(cut_of("shira", {{"mask", "random"}, {"targets", "blocks.1.mlp.fc2.weight"}}), 1);
  EXPECT_EQ(cut_of("lora", {{"targets", "blocks.2.attn.qkv"}}), 2);
  for (const char* method : {"full", "bitfit", "ln", "lora", "adapter", "ssf", "vpt"})
    EXPECT_EQ(cut_of(method), 0) << method;
}

TEST(HighestCut, is_below_what_is_scored_and_above_what_is_frozen) {
  models::Vit model = small();
  for (const auto& [name, parameter] : engine::parameters(model)) parameter.freeze();
  EXPECT_EQ(highest_cut(model), 4);
  const auto with = [&](const std::string& wanted) {
    for (const auto& [name, parameter] : engine::parameters(model)) {
      if (name == wanted) parameter.observe({});
    }
    return highest_cut(model);
  };
  EXPECT_EQ(with("norm.weight"), 3);
  EXPECT_EQ(with("blocks.2.mlp.fc1.weight"), 2);
  EXPECT_EQ(with("pos_embed"), 0);
}

TEST(Cut, has_words) {
  EXPECT_EQ(words_below(1, 12), "block 1");
  EXPECT_EQ(words_below(8, 12), "blocks 1 to 8");
  EXPECT_EQ(words_below(12, 12), "all blocks");
  EXPECT_EQ(words_below(13, 12), "the backbone");
  EXPECT_EQ(name_above(8, 12), "block9");
  EXPECT_EQ(name_above(12, 12), "norm");
}

TEST(Activations, give_rows_of_parts_variants_and_more_images) {
  const Tensor first = support::random_tensor({2, 4}, 1), second = support::random_tensor({3, 4}, 2),
               other = support::random_tensor({1, 4}, 3);
  Activations all(2, {4}, 5);
  all.add(first);
  all.add(second);
  EXPECT_TRUE(same_bits(all.rows(std::vector<Index>{1}), first.slice(1, 2)));
  EXPECT_TRUE(same_bits(all.rows(std::vector<Index>{2, 3, 4}), second));
  Activations more(2, {4}, 1);
  more.add(other);
  all.add(more);
  EXPECT_TRUE(same_bits(all.rows(std::vector<Index>{5}), other));
  EXPECT_THROW(all.rows(std::vector<Index>{6}), engine::Error);

  Activations varied(2, {4}, 2);
  varied.add(first);
  varied.add(second.slice(0, 2));
  EXPECT_TRUE(same_bits(varied.rows(std::vector<Index>{0, 1}, 1), second.slice(0, 2)));
  EXPECT_THROW(varied.rows(std::vector<Index>{0}, 2), engine::Error);
  EXPECT_THROW(varied.add(more), engine::Error);
}

TEST(PrefixCacheOptions, are_words_sizes_and_folders) {
  const auto parse = PrefixCacheOptions::parse;
  EXPECT_TRUE(parse("off").off);
  EXPECT_FALSE(parse("auto").off || parse("auto").most || !parse("auto").folder.empty());
  EXPECT_EQ(parse("500MB").most, 500'000'000u);
  EXPECT_EQ(parse("1.5GiB").most, 1'610'612'736u);
  EXPECT_EQ(parse("kept/here").folder, "kept/here");
  EXPECT_EQ(parse("kept,4KB").folder, "kept");
  EXPECT_EQ(parse("kept,4KB").most, 4000u);
  EXPECT_EQ(parse("a,b").folder, "a,b");
  EXPECT_EQ(parse("myGB").folder, "myGB");
  EXPECT_EQ(parse("./500mb").folder, "./500mb");
  for (const char* wrong : {"", "500", "1.5", "9999999999TB", "500mb", "500 MB", "1e3MB", "-5MB", "auto,5MB",
                            "off,5MB", "kept,5mb"})
    EXPECT_NE(error_of([&] { parse(wrong); }), "");
}

}  // namespace
}  // namespace training
