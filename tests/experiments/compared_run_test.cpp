#include "tools/experiments/compared_run.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/engine/io/temporary_folder.h"
#include "tools/training/json_text.h"

namespace experiments {
namespace {

using engine::put;
using engine::TemporaryFolder;
using Json = nlohmann::ordered_json;

TEST(ComparedRun, is_known_again_by_a_path_that_is_no_utf8) {
  const TemporaryFolder folder;
  const Json identity{{"data", "/data/caf\xe9"}, {"lr", 0.1}};
  put(folder / "config.json", training::json_text(identity));
  EXPECT_TRUE(is_run_of(folder.path(), identity));
  EXPECT_FALSE(is_run_of(folder.path(), Json{{"data", "/data/cafe"}, {"lr", 0.1}}));
}

TEST(ComparedRun, takes_the_seconds_of_a_batch_from_full_and_short_steps) {
  const TemporaryFolder folder;
  std::string log;  // of 7 batches of 2 images: 4 batches in 4 s, 3 in 6 s, 4 in 4 s
  for (const auto& [step, rate] : {std::pair{0, 2.0}, std::pair{1, 1.0}, std::pair{2, 2.0}})
    log += Json{{"kind", "step"}, {"step", step}, {"images_per_s", rate}}.dump() + '\n';
  put(folder / "metrics.jsonl", log);
  EXPECT_EQ(seconds_per_batch(folder / "metrics.jsonl", 2, {7, 4}), 14.0 / 11);
  put(folder / "metrics.jsonl", R"({"kind":"step","step":-1,"images_per_s":2})"
                                "\n");
  EXPECT_THROW(seconds_per_batch(folder / "metrics.jsonl", 2, {7, 4}), engine::Error);
}

TEST(ComparedRun, that_knew_its_scores_has_what_they_took_and_counts_as_no_scoring) {
  const TemporaryFolder folder;
  const Json identity{{"batch_size", 1}, {"grad_accum", 1}};
  put(folder / "config.json", R"({"batch_size":1,"grad_accum":1,"features":"","images":5})");
  const Json evaluated{{"top1", 1.0}, {"loss", 1.0}, {"ece", 0.0}};
  put(folder / "result.json", Json{{"test", evaluated},
                                   {"trainable", 1},
                                   {"total", 2},
                                   {"delta_bytes", 3},
                                   {"seconds", 4.0},
                                   {"phases", {{"score", 0.5}}},
                                   {"peak_mb", 300.0},
                                   {"resumed", false}}
                                  .dump());
  const auto read = [&](const char* scoring) {
    put(folder / "metrics.jsonl",
        std::string(scoring) + "\n{\"kind\":\"step\",\"step\":0,\"images_per_s\":10}\n");
    return read_run(folder.path(), identity, {.task = "t", .method = "grft"}).value();
  };
  const RunRecord own = read(R"({"kind":"score","batch":0,"loss":1.5})");
  EXPECT_TRUE(own.scored);
  EXPECT_FALSE(own.knew_scores);
  EXPECT_EQ(own.score_seconds, 0.5);
  EXPECT_EQ(own.peak_mb, 300);
  const RunRecord known = read(R"({"kind":"scores","batches":3,"seconds":2.5,"peak_mb":700.0})");
  EXPECT_FALSE(known.scored);
  EXPECT_TRUE(known.knew_scores);
  EXPECT_EQ(known.score_seconds, 3);
  EXPECT_EQ(known.peak_mb, 700);
  EXPECT_EQ(known.seconds, 4);
  const auto all = comparison_json(
      Json{{"methods", Json::array({{{"label", "grft"}}})}, {"tasks", Json::array({{{"name", "t"}}})}},
      {own, known, known});
  EXPECT_EQ(all["scorings"], 1);
  EXPECT_EQ(all["runs"][1]["knew_scores"], true);
}

TEST(ComparedRun, of_a_thousand_classes_is_read) {
  const TemporaryFolder folder;
  const Json identity{{"batch_size", 1}, {"grad_accum", 1}};
  put(folder / "config.json", R"({"batch_size":1,"grad_accum":1,"features":"","images":5})");
  put(folder / "metrics.jsonl", R"({"kind":"step","step":0,"images_per_s":10})"
                                "\n");
  const Json confusion = std::vector(1000, std::vector<int>(1000));
  const Json evaluated{{"top1", 1.0}, {"loss", 1.0}, {"ece", 0.0}, {"confusion", confusion}};
  put(folder / "result.json", training::json_text({{"val", evaluated},
                                                   {"trainable", 1},
                                                   {"total", 2},
                                                   {"delta_bytes", 3},
                                                   {"seconds", 1.0},
                                                   {"phases", {{"score", 0.0}}},
                                                   {"peak_mb", 1.0},
                                                   {"resumed", false}},
                                                  2));
  EXPECT_TRUE(read_run(folder.path(), identity, {.stage = Stage::search}).has_value());
}

}  // namespace
}  // namespace experiments
