// Tables of predictions: eval --csv and predict --csv, and predictions in batches.

#include <gmock/gmock.h>

#include <algorithm>

#include "data/table.h"
#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using ::testing::HasSubstr;

/// A CSV file as a reader of tables sees it.
struct Rows {
  Words columns;
  std::vector<Words> rows;

  explicit Rows(const std::string& path) {
    data::Table table(path);
    columns = table.columns();
    while (table.next()) {
      Words& row = rows.emplace_back();
      for (std::size_t i = 0; i < columns.size(); ++i) row.push_back(table.field(i));
    }
  }
};

/// The images of three splits, with a model that was tuned.
struct TunedGarden : Garden {
  TunedGarden() { tune("linear", {"--epochs", "1"}); }
  Words tuned() const {
    return {"--model", model(), "--delta", run_folder() + "/delta.safetensors", "--threads", "1"};
  }
};

TEST(Csv, of_eval_has_a_row_for_every_image) {
  const TunedGarden garden;
  const Json judged =
      run(Words{"eval", "--data", garden.data(), "--csv", garden / "all.csv", "--json"} + garden.tuned())
          .json();
  const Rows table(garden / "all.csv");
  ASSERT_EQ(table.rows.size(), 9u);
  EXPECT_EQ(table.columns, (Words{"file", "label", "predicted", "probability"}));
  const Json predicted = run(Words{"predict", garden.data() + "/test", "--json"} + garden.tuned()).json();
  double right = 0;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    EXPECT_EQ(table.rows[i].at(0), predicted[i]["file"]);
    EXPECT_EQ(table.rows[i].at(1), fs::path(table.rows[i].at(0)).parent_path().filename());
    EXPECT_EQ(table.rows[i].at(2), predicted[i]["top"][0]["class"]);
    EXPECT_EQ(table.rows[i].at(3), predicted[i]["top"][0]["probability"].dump());
    right += table.rows[i].at(1) == table.rows[i].at(2);
  }
  EXPECT_DOUBLE_EQ(judged["top1"], 100 * right / 9);
}

TEST(Csv, of_predict_has_the_probability_of_every_class_and_quotes) {
  const Garden garden;
  for (const char* split : {"train", "val", "test"})
    fs::rename(garden.path() / "data" / split / "red", garden.path() / "data" / split / "a \"b\", c");
  garden.tune("linear", {"--epochs", "1"});
  const std::string odd = garden / "odd, \"image\".ppm", bad = garden / "bad.ppm";
  write_text(odd, image(0, 3)), write_text(bad, "no image");
  const std::string csv = garden / "all.csv";
  const Words words{"predict", odd,
                    bad,       garden.data() + "/test/blue/40.ppm",
                    "--model", garden.model(),
                    "--delta", garden.run_folder() + "/delta.safetensors",
                    "--csv",   csv};
  const Outcome outcome = run(words + Words{"--json"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("skipped " + bad + ": is not a JPEG"));
  EXPECT_THAT(outcome.err, HasSubstr("1 of 3 images have no prediction; the first is " + bad));
  const Json predicted = Json::parse(outcome.out);
  ASSERT_EQ(predicted.size(), 2u);
  EXPECT_TRUE(read_text(csv).starts_with("file,class,probability,\"p_a \"\"b\"\", c\",p_blue,p_green\n"));
  const Rows table(csv);
  ASSERT_EQ(table.rows.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(table.rows[i].at(0), predicted[i]["file"]);
    for (const Json& c : predicted[i]["top"]) {
      const auto at = std::ranges::find(table.columns, "p_" + c["class"].get<std::string>());
      ASSERT_NE(at, table.columns.end());
      EXPECT_EQ(table.rows[i].at(static_cast<std::size_t>(at - table.columns.begin())),
                c["probability"].dump());
    }
    EXPECT_EQ(table.rows[i].at(1), predicted[i]["top"][0]["class"]);
    EXPECT_EQ(table.rows[i].at(2), predicted[i]["top"][0]["probability"].dump());
  }
  // Written over when it is such a table, and not otherwise.
  EXPECT_EQ(run(words).status, 1);
  write_text(csv, "path,label\n");
  EXPECT_THAT(run(words).error(2),
              HasSubstr("all.csv: is there and is no CSV file that starts with file,class"));
  EXPECT_EQ(read_text(csv), "path,label\n");
  EXPECT_THAT(
      run(Words{"predict", odd, "--model", garden.model(), "--csv", garden.path().string() + "/none/all.csv"})
          .error(1),
      HasSubstr("all.csv"));
}

TEST(Csv, is_an_output_like_others) {
  const TunedGarden garden;
  write_text(garden / "all.csv", "path,label\n");
  const Words eval = Words{"eval", "--data", garden.data()} + garden.tuned();
  EXPECT_THAT(run(eval + Words{"--csv", garden / "all.csv"}).error(2), HasSubstr("is no CSV file"));
  EXPECT_THAT(run(eval + Words{"--csv", garden / "x", "--logits", garden / "x"}).error(2),
              HasSubstr("is a file of --logits too"));
  EXPECT_THAT(run(eval + Words{"--csv", garden.model()}).error(2), HasSubstr("--model"));
}

TEST(Predict, has_the_same_bits_in_batches_of_any_size) {
  const TunedGarden garden;
  const auto all = [&](const char* batch, const char* workers) {
    return run(Words{"predict", garden.data(), "--json", "--batch-size", batch, "--workers", workers} +
               garden.tuned())
        .json();
  };
  const Json one_by_one = all("1", "0");
  ASSERT_EQ(one_by_one.size(), 36u);
  EXPECT_EQ(all("5", "2"), one_by_one);
  EXPECT_EQ(all("36", "1"), one_by_one);
  const Json alone = run(Words{"predict", one_by_one[7]["file"], "--json"} + garden.tuned()).json();
  EXPECT_EQ(alone[0], one_by_one[7]);
}

TEST(Eval, prints_top_5_where_there_are_more_classes_than_five) {
  const Garden garden;
  write_images(garden.path() / "six/test", {"0", "1", "2", "3", "4", "5"}, 1);
  models::VitConfig six = small_config();
  six.classes = 6;
  write_model(garden.path() / "six.safetensors", small_state(six));
  const Words of_six{"eval", "--model", garden / "six.safetensors", "--data", garden / "six"};
  EXPECT_THAT(run(of_six).out, HasSubstr("top-5"));
  garden.tune("linear", {"--epochs", "1"});
  const Outcome of_three = run({"eval", "--model", garden.model(), "--delta",
                                garden.run_folder() + "/delta.safetensors", "--data", garden.data()});
  EXPECT_THAT(of_three.out, ::testing::Not(HasSubstr("top-5")));
  EXPECT_THAT(of_three.out, HasSubstr("top-1"));
}

}  // namespace
}  // namespace end_to_end
