#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tests/end_to_end/comparison.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// The cells of the rows of a Markdown file whose first cell is `first`.
std::vector<Words> rows(const std::string& markdown, const std::string& first) {
  std::vector<Words> found;
  std::istringstream text(markdown);
  for (std::string line; std::getline(text, line);) {
    Words cells;
    std::istringstream parts(line);
    for (std::string cell; std::getline(parts, cell, '|');)
      cells.push_back(cell.size() > 2 ? cell.substr(1, cell.size() - 2) : "");
    if (cells.size() > 1 && cells[1] == first) found.push_back(Words(cells.begin() + 1, cells.end()));
  }
  return found;
}

TEST(Compare, of_one_rate_has_the_classes_that_val_alone_has) {
  const Garden garden;
  for (const char* split : {"val", "test"}) {
    fs::create_directories(garden.data() + "/" + split + "/azure");
    write_text(garden.data() + "/" + split + "/azure/1.ppm", image(3, 1));
  }
  const auto words = [&](const std::string& rates) {
    return Words{"compare",
                 "--out",
                 garden / "compared",
                 "--model",
                 garden.model(),
                 "--task",
                 "t=" + garden.data(),
                 "--methods",
                 "linear",
                 "--seeds",
                 "1",
                 "--epochs",
                 "1",
                 "--batch-size",
                 "6",
                 "--json",
                 "--lrs",
                 rates};
  };
  EXPECT_THAT(run(words("0.003,0.03")).error(1), HasSubstr("1 class that train lacks: azure"))
      << "rates are chosen among runs on train";
  const Json all = run(words("0.003")).json();
  EXPECT_EQ(all["tasks"][0]["classes"], 4);
  ASSERT_EQ(all["runs"].size(), 1u);
}

TEST(Compare, makes_every_run_of_the_protocol_and_writes_the_tables) {
  const Comparison garden;
  const Outcome outcome = run(garden.words() + Words{"--json"});
  const Json all = outcome.json();
  const fs::path folder = garden.out();
  EXPECT_EQ(all, read_json(folder / "compare.json"));
  EXPECT_EQ(all["settings"]["epochs"], 3);
  EXPECT_EQ(all["settings"]["batch_size"], 6);
  EXPECT_EQ(all["settings"]["image_size"], 16);
  EXPECT_EQ(all["settings"]["seeds"], Json({0, 1}));
  EXPECT_EQ(all["settings"]["lrs"], Json({0.003, 0.03}));
  EXPECT_EQ(all["methods"][1], Json({{"label", "grft rows"},
                                     {"method", "grft"},
                                     {"options", {{"axis", "row"}, {"anchor", "0.1"}}},
                                     {"lrs", {0.003, 0.03}}}));
  EXPECT_EQ(all["tasks"][1], Json({{"name", "sides"},
                                   {"data", garden / "more"},
                                   {"classes", 2},
                                   {"train", 18},
                                   {"val", 6},
                                   {"test", 8}}));
  ASSERT_EQ(all["runs"].size(), 2u * 2 * (2 + 2)) << "2 searches and 2 seeds";

  for (const Json& one : all["runs"]) {
    const bool search = one["stage"] == "search";
    std::ostringstream lr;
    lr << one["lr"].get<double>();
    const fs::path run =
        garden.run_of(one["task"].get<std::string>() + '/' + one["method"].get<std::string>() + "/lr" +
                      lr.str() + "-seed" + one["seed"].dump() + '-' + one["stage"].get<std::string>());
    const Json result = read_json(run / "result.json"), config = read_json(run / "config.json");
    EXPECT_EQ(config["on"], search ? "train" : "train+val");
    EXPECT_EQ(config["lr"], one["lr"]);
    EXPECT_EQ(config["seed"], one["seed"]);
    const std::string split = search ? "val" : "test";
    EXPECT_EQ(one[split + "_top1"], result[split]["top1"]) << run;
    EXPECT_EQ(one[split + "_loss"], result[split]["loss"]) << run;
    EXPECT_FALSE(result.contains(search ? "test" : "val")) << run;
    EXPECT_EQ(one["trainable"], result["trainable"]);
    EXPECT_GT(one["seconds_per_epoch"], 0);
    EXPECT_LT(one["seconds_per_epoch"], one["seconds"]);
    EXPECT_FALSE(fs::exists(run / "checkpoint.safetensors"));
    EXPECT_FALSE(fs::exists(run / "checkpoint.previous.safetensors"));
    EXPECT_TRUE(fs::exists(run / "delta.safetensors"));
    EXPECT_EQ(one["knew_features"], one["method"] == "linear");
    if (search) continue;
    // The rate is the best of the two searches.
    std::vector<std::tuple<double, double, double>> searches;
    for (const Json& s : all["runs"]) {
      if (s["stage"] == "search" && s["task"] == one["task"] && s["method"] == one["method"])
        searches.emplace_back(-s["val_top1"].get<double>(), s["val_loss"], s["lr"]);
    }
    ASSERT_EQ(searches.size(), 2u);
    EXPECT_EQ(one["lr"], std::get<2>(std::ranges::min(searches)));
  }

  // As tune alone makes it.
  const Json& first = *std::ranges::find_if(all["runs"], [](const Json& r) { return r["stage"] == "final"; });
  const Outcome alone =
      garden.tune("linear", {"--on", "train+val", "--epochs", "3", "--lr", first["lr"].dump()});
  EXPECT_EQ(alone.json()["test"]["loss"], first["test_loss"]);
  EXPECT_TRUE(fs::exists(folder / "prefixes/colours/prefix-test-head-0.safetensors"))
      << "which spares a linear probe the images";
}

TEST(Compare, writes_tables_that_agree_with_its_json) {
  const Comparison garden;
  const Outcome outcome = run(garden.words());
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json all = read_json(fs::path(garden.out()) / "compare.json");
  const std::string markdown = read_text(fs::path(garden.out()) / "table.md"),
                    csv = read_text(fs::path(garden.out()) / "table.csv");
  EXPECT_EQ(outcome.out, markdown);
  ASSERT_EQ(all["table"].size(), 2u);
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  for (const Json& method : all["table"]) {
    double total = 0;
    for (const char* task : {"colours", "sides"}) {
      double sum = 0;
      int seeds = 0;
      for (const Json& r : all["runs"]) {
        if (r["stage"] != "final" || r["task"] != task || r["method"] != method["method"]) continue;
        sum += r["test_top1"].get<double>(), ++seeds;
      }
      EXPECT_EQ(seeds, 2);
      EXPECT_NEAR(method["accuracy"][task]["mean"], sum / seeds, 1e-9);
      total += sum / seeds;
    }
    EXPECT_NEAR(method["mean"], total / 2, 1e-9);

    const std::vector<Words> found = rows(markdown, method["method"]);
    ASSERT_GE(found.size(), 2u);
    EXPECT_NEAR(std::stod(found[0][1]), method["accuracy"]["colours"]["mean"], 0.0051) << found[0][1];
    EXPECT_NEAR(std::stod(found[0][3]), method["mean"], 0.0051);
    EXPECT_NEAR(std::stod(found[0][4]), method["rank"], 0.0051);
    EXPECT_EQ(std::stod(found[1][1]), method["lr"]["colours"]);
    std::getline(lines, line);
    EXPECT_EQ(line.find(method["method"].get<std::string>() + ',' +
                        method["accuracy"]["colours"]["mean"].dump() + ','),
              0u)
        << line;
  }
  ASSERT_EQ(all["pairs"].size(), 1u);
  EXPECT_EQ(all["pairs"][0]["a"], "grft rows");
  EXPECT_EQ(all["pairs"][0]["b"], "linear");
}

TEST(Compare, prints_its_runs_in_order_and_makes_none_with_dry_run) {
  const Comparison garden;
  const Outcome outcome = run(garden.words() + Words{"--dry-run"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  std::istringstream text(outcome.out);
  Words lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 16u);
  EXPECT_EQ(lines[0], "search, colours, linear, lr 0.003 seed 0");
  EXPECT_EQ(lines[2], "final, colours, linear, best lr of 0.003/0.03 seed 0");
  EXPECT_EQ(lines[15], "final, sides, grft rows, best lr of 0.003/0.03 seed 1");
  EXPECT_FALSE(fs::exists(garden.out()));

  write_text(fs::path(garden.out()) / "mine.txt", "");
  EXPECT_THAT(run(garden.words() + Words{"--dry-run"}).error(2), HasSubstr("not the folder of a comparison"));
  Words among = garden.words() + Words{"--dry-run"};
  *(std::ranges::find(among, "--out") + 1) = garden.data() + "/train/compared";
  EXPECT_THAT(run(among).error(2), HasSubstr("among the images"));
}

TEST(Compare, trains_by_the_recipes_of_papers_unless_options_are_given) {
  const Comparison garden;
  Words words = garden.words() + Words{"--recipe", "papers", "--json"};
  *(std::ranges::find(words, "--methods") + 1) = "linear,lrs=0.01;sift,rate=0.1;gps,epochs=2";
  words.erase(std::ranges::find(words, "--lrs"), std::ranges::find(words, "--lrs") + 2);
  const Json all = run(words).json();
  EXPECT_EQ(all["runs"].size(), 3u * 2 * 2);
  EXPECT_EQ(all["settings"]["recipe"], "papers");
  EXPECT_EQ(all["methods"][0]["options"], Json::object()) << "linear has none";
  EXPECT_EQ(all["methods"][1]["lrs"], Json({7e-5}));
  EXPECT_EQ(all["methods"][1]["options"], Json({{"targets", "blocks.*.attn.*.weight"},
                                                {"optimizer", "adamw"},
                                                {"schedule", "linear"},
                                                {"warmup-epochs", "0.6"},
                                                {"rate", "0.1"}}))
      << "without --epochs and --batch-size, which are given for all";
  const Json config = read_json(garden.run_of("sides/gps,epochs=2/lr0.002-seed1-final") / "config.json");
  EXPECT_EQ(config["epochs"], 2) << "its own";
  EXPECT_EQ(config["batch_size"], 6) << "of all";
  EXPECT_EQ(config["augment"], "vtab") << "its recipe's";
}

TEST(Compare, does_not_repeat_what_is_done) {
  const Comparison garden;
  ASSERT_EQ(run(garden.words()).status, 0);
  const std::string json = read_text(fs::path(garden.out()) / "compare.json");
  const Outcome again = run(garden.words());
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_FALSE(again.noted("run 1 of")) << again.err;
  EXPECT_EQ(read_text(fs::path(garden.out()) / "compare.json"), json);

  // A run that is gone is made again, with the same bits; what was made with other options is not taken.
  const fs::path search = garden.run_of("sides/grft rows/lr0.03-seed0-search");
  const std::string delta = read_text(search / "delta.safetensors");
  fs::remove_all(search);
  const Outcome mended = run(garden.words());
  EXPECT_TRUE(mended.noted("search, sides, grft rows, lr 0.03 seed 0")) << mended.err;
  EXPECT_FALSE(mended.noted("final,")) << mended.err;
  EXPECT_TRUE(read_text(search / "delta.safetensors") == delta);

  Words other = garden.words();
  *(std::ranges::find(other, "--epochs") + 1) = "1";
  EXPECT_THAT(run(other).error(2), HasSubstr("epochs was 3 and is 1"));
  other = other + Words{"--overwrite"};
  const Outcome shorter = run(other);
  EXPECT_EQ(shorter.status, 0) << shorter.err;
  EXPECT_TRUE(shorter.noted("run 16 of 16")) << shorter.err;
  EXPECT_EQ(read_json(search / "config.json")["epochs"], 1);

  // Images that are others, too.
  write_images(fs::path(garden / "more/train"), {"left", "right"}, 10);
  const Outcome grown = run(other);
  EXPECT_TRUE(grown.noted("sides")) << grown.err;
  EXPECT_FALSE(grown.noted("colours")) << grown.err;
}

TEST(Compare, leaves_the_test_images_alone_while_it_searches) {
  const Comparison garden;
  write_text(garden / "data/test/red/40.ppm", "none");  // whoever reads it fails
  const std::string error = run(garden.words()).error(1);
  EXPECT_THAT(error, AllOf(HasSubstr("4 of 16 runs failed"), HasSubstr("final, colours, linear")));
  const Json runs = read_json(fs::path(garden.out()) / "compare.json")["runs"];
  int searches = 0;
  for (const Json& r : runs) {
    searches += r["stage"] == "search";
    EXPECT_TRUE(r["stage"] == "search" || r["task"] == "sides");
  }
  EXPECT_EQ(searches, 8);
}

TEST(Compare, names_a_run_that_fails_and_makes_the_others) {
  const Comparison garden;
  Words words = garden.words();
  // At this rate the weights overflow at once.
  *(std::ranges::find(words, "--methods") + 1) = "linear;wild=full,lrs=1e38;bitfit,lrs=1e-3/1e38";
  const Outcome outcome = run(words);
  const std::string error = outcome.error(1);
  EXPECT_TRUE(outcome.noted("failed: final, colours, wild, lr 1e+38 seed 0: ")) << outcome.err;
  EXPECT_TRUE(outcome.noted("not finite")) << outcome.err;
  EXPECT_THAT(error, AllOf(HasSubstr("4 of 20 runs failed"), HasSubstr("final, sides, wild"),
                           Not(HasSubstr("search"))))
      << "a search that diverges is the worst of its rates";
  const Json all = read_json(fs::path(garden.out()) / "compare.json");
  ASSERT_EQ(all["table"].size(), 2u);
  EXPECT_EQ(all["table"][0]["method"], "linear");
  EXPECT_EQ(all["table"][1]["lr"]["colours"], 1e-3) << "the rate that came to an end";
  EXPECT_EQ(all["runs"].size(), 16u);
}

}  // namespace
}  // namespace end_to_end
