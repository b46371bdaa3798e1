#include "tools/training/identity.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/training/small_run.h"
#include "tools/training/json_text.h"
#include "tools/training/usage_error.h"

namespace training {
namespace {

using nlohmann::ordered_json;

TEST(Identity, of_an_earlier_run_gets_the_names_of_today) {
  const ordered_json before{
      {"lr", 1}, {"preprocessing_told", nullptr}, {"pictures", 7}, {"pictures_sha256", "ab"}};
  const nlohmann::json now = with_present_names(before);
  const nlohmann::json expected{
      {"lr", 1}, {"preprocessing_stored", nullptr}, {"images", 7}, {"images_sha256", "ab"}};
  EXPECT_EQ(now, expected);
  EXPECT_EQ(nlohmann::json(with_present_names(expected)), expected);
}

TEST(Identity, names_every_difference_and_passes_over_what_was_not_recorded) {
  const RunIdentity identity(
      {{"identity_version", 2}, {"lr", 0.1}, {"seed", 1}, {"method_options", {{"k", "2"}}}});
  const auto texts = [&](const ordered_json& recorded) {
    std::vector<std::string> all;
    for (const auto& d : identity.differences(recorded)) all.push_back(d.text);
    return all;
  };
  EXPECT_TRUE(texts(identity.fields()).empty());
  EXPECT_TRUE(texts({{"identity_version", 2}, {"seed", 1}, {"lr", 0.1}, {"out", "x"}}).empty());
  EXPECT_EQ(texts({{"identity_version", 2}, {"lr", 0.2}, {"method_options", {{"k", "3"}}}}),
            (std::vector<std::string>{"lr was 0.2 and is 0.1", "k was \"3\" and is \"2\""}));
  EXPECT_THROW(identity.check("file", R"({"lr":0.2})"), UsageError);
  EXPECT_THROW(identity.check("file", "damaged"), UsageError);
  EXPECT_NO_THROW(identity.check("file", identity.text()));
}

TEST(Identity, of_an_earlier_run_whose_epochs_end_otherwise_is_another_one) {
  const auto texts = [&](ordered_json recorded, const ordered_json& version) {
    const RunIdentity identity([&] {
      recorded["identity_version"] = kIdentityVersion;
      return recorded;
    }());
    recorded.erase("identity_version");
    recorded.update(version);
    std::vector<std::string> all;
    for (const auto& d : identity.differences(recorded)) all.push_back(d.text);
    return all;
  };
  const ordered_json even{{"images", 33}, {"batch_size", 4}, {"grad_accum", 4}};
  const ordered_json short_last{{"images", 30}, {"batch_size", 4}, {"grad_accum", 4}};
  const ordered_json single{{"images", 30}, {"batch_size", 4}, {"grad_accum", 1}};
  for (const ordered_json& earlier : {ordered_json::object(), ordered_json{{"identity_version", 2}}}) {
    EXPECT_TRUE(texts(even, earlier).empty());
    EXPECT_TRUE(texts(single, earlier).empty());
    EXPECT_EQ(texts(short_last, earlier),
              (std::vector<std::string>{
                  "with --grad-accum 4 it left out the last batches of an epoch, which now are a step"}));
  }
  EXPECT_TRUE(texts(short_last, {{"identity_version", kIdentityVersion}}).empty());
  EXPECT_EQ(texts(single, {{"identity_version", kIdentityVersion + 1}}).size(), 1) << "of a later one";
}

TEST(Identity, of_the_images_depends_on_names_below_the_root_alone) {
  const SmallRun small;
  const auto run = open_run(small.config(), {"train", "val"});
  const auto contents = [](const std::string& root) { return std::make_shared<ImageContents>(root); };
  const auto& images = *run.splits.train;
  const ordered_json here = identity_of({"a"}, images, *contents(small / "data"));
  EXPECT_EQ(here, identity_of({"a"}, images, *contents(small / "data/")));
  EXPECT_EQ(here, identity_of({"a"}, images, *contents(small / "data/../data")));
  EXPECT_NE(here, identity_of({"b"}, images, *contents(small / "data")));
  EXPECT_NE(here, identity_of({"a"}, *run.splits.val, *contents(small / "data")));
  EXPECT_EQ(here["images"], 12);
}

TEST(Identity, has_how_often_val_is_evaluated_only_where_the_best_weights_are_kept) {
  const SmallRun small;
  const auto difference = [&](const std::string& keep) {
    TrainConfig config = small.config();
    config.keep = keep;
    const auto run = open_run(config, {"train", "val"});
    const ordered_json before = identity_of(run, config).fields();
    config.eval_every = 2;
    std::string all;
    for (const auto& d : identity_of(run, config).differences(before)) all += d.text;
    return all;
  };
  EXPECT_EQ(difference("last"), "");
  EXPECT_EQ(difference("best"), "eval_every was 1 and is 2");
}

TEST(ImageContents, are_looked_at_again_only_where_size_or_time_differ) {
  const SmallRun small;
  TrainConfig config = small.config();
  auto run = open_run(config, {"train", "val"});
  for (Index i = 0; i < run.images->size(); ++i) run.images->image(i);
  engine::put(small / "images.jsonl", run.contents->new_lines() + "half a li");
  const ImageStamps recorded = read_image_stamps(small / "images.jsonl");
  ASSERT_EQ(recorded.size(), 12u);
  EXPECT_TRUE(run.contents->new_lines().empty());

  const std::string image = small / "data/train/a/0.ppm", bytes = engine::get(image);
  const auto changed = [&] {
    auto other = open_run(config, {"train", "val"});
    return changed_images(other, config, recorded);
  };
  EXPECT_TRUE(changed().empty());
  std::filesystem::last_write_time(image,
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(changed().empty()) << "touched, but the same";
  std::string other = bytes;
  other.back() ^= 1;
  engine::put(image, other);
  EXPECT_EQ(changed(), (std::vector<std::string>{"train/a/0.ppm"}));
  engine::put(image, bytes);
  const auto time = std::filesystem::last_write_time(image);
  auto again = open_run(config, {"train", "val"});
  for (Index i = 0; i < again.images->size(); ++i) again.images->image(i);
  engine::put(small / "again.jsonl", again.contents->new_lines());
  engine::put(image, other);
  std::filesystem::last_write_time(image, time);
  auto exchanged = open_run(config, {"train", "val"});
  EXPECT_EQ(changed_images(exchanged, config, read_image_stamps(small / "again.jsonl")),
            (std::vector<std::string>{"train/a/0.ppm"}))
      << "of the same size and time";
  std::filesystem::copy(small / "data", small / "moved", std::filesystem::copy_options::recursive);
  engine::put(small / "moved/train/a/0.ppm", bytes);
  config.data.data = small / "moved";
  EXPECT_TRUE(changed().empty()) << "another folder and other times, the same contents";
}

TEST(ImageContents, takes_only_hashes_from_a_record) {
  const engine::TemporaryFolder folder;
  const std::string hash(64, 'a');
  std::string text;
  for (const std::string& recorded : {hash, std::string("aa"), std::string(64, 'x'), hash + "a"})
    text += json_text({{"file", recorded}, {"bytes", 1}, {"modified", 2}, {"sha256", recorded}}) + '\n';
  engine::put(folder / "images.jsonl", text);
  const ImageStamps stamps = read_image_stamps(folder / "images.jsonl");
  ASSERT_EQ(stamps.size(), 1u);
  EXPECT_EQ(stamps.at(hash).sha256, hash);
}

TEST(ALongerRun, is_one_of_a_constant_rate_whose_steps_do_not_look_at_the_end) {
  const SmallRun small;
  TrainConfig config = small.config();
  config.schedule = "constant";
  const auto why = [&] {
    const auto run = open_run(config, {"train", "val"});
    return why_not_longer(run, config, {{"epochs", 1}, {"steps", 0}});
  };
  EXPECT_EQ(why(), "");
  config.warmup_epochs = 0.5;
  EXPECT_EQ(why(), "");
  config.warmup_epochs = 3;
  EXPECT_NE(why(), "") << "of one epoch";
  config.warmup_epochs = 0;
  config.schedule = "cosine";
  EXPECT_NE(why(), "");
  config.schedule = "constant";
  config.method = "sara";
  EXPECT_NE(why(), "") << "selects again at half of the steps";
  config.method = "lp-ft";
  EXPECT_NE(why(), "");
  config.method = "grft";
  config.keep = "best", config.eval_every = 2;
  EXPECT_NE(why(), "") << "evaluated at its end only because it was the end";
  config.eval_every = 1;
  EXPECT_EQ(why(), "");
}

TEST(ALongerRun, is_told_from_a_shorter_one_whatever_number_is_recorded) {
  const SmallRun small;
  TrainConfig config = small.config();
  config.schedule = "constant";
  const auto run = open_run(config, {"train", "val"});
  for (const Index epochs : {Index{1} << 62, (Index{1} << 62) + 1, std::numeric_limits<Index>::max()}) {
    const std::string why = why_not_longer(run, config, {{"epochs", epochs}, {"steps", 0}});
    EXPECT_NE(why.find("but not shorter"), std::string::npos) << epochs << ": " << why;
  }
}

}  // namespace
}  // namespace training
