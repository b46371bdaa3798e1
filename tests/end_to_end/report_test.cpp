#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/end_to_end/garden.h"
#include "tests/experiments/report/comparison.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// What the scripts of a report are given.
Json data_of(const fs::path& report) {
  const std::string page = read_text(report), mark = "id=\"data\">";
  const std::size_t begin = page.find(mark) + mark.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST(Report, of_a_run_shows_what_its_files_hold) {
  const Garden garden;
  const Json result = garden.tune("grft", {"--lr", "0.0001"}).json();
  const fs::path folder = garden.run_folder();
  const Json report = data_of(folder / "report.html");
  EXPECT_EQ(report["kind"], "run");
  EXPECT_EQ(report["name"], "run");
  EXPECT_EQ(report["classes"], Json({"blue", "green", "red"}));
  EXPECT_EQ(report["config"]["method"], "grft");
  EXPECT_EQ(report["result"]["trainable"], result["trainable"]);
  EXPECT_EQ(report["result"]["test"]["top1"], result["test"]["top1"]);

  const std::vector<Json> steps = of_kind(read_lines(folder / "metrics.jsonl"), "step");
  ASSERT_EQ(report["curves"]["steps"]["loss"].size(), steps.size());
  EXPECT_NEAR(report["curves"]["steps"]["loss"][3], steps[3]["loss"], 1e-5);
  EXPECT_EQ(report["curves"]["val"]["step"], Json({3.0, 6.0}));
  EXPECT_EQ(report["curves"]["test"]["step"], Json({6.0})) << "after the last step";
  EXPECT_EQ(report["curves"]["left_out"], 0);

  EXPECT_EQ(report["confusion"]["split"], "test");
  Index images = 0;
  for (const Json& cell : report["confusion"]["cells"]) {
    EXPECT_EQ(cell[2], result["test"]["confusion"][cell[0].get<int>()][cell[1].get<int>()]);
    images += cell[2].get<Index>();
  }
  EXPECT_EQ(images, Garden::kClasses * Garden::kTest);
}

TEST(Report, of_a_run_shows_the_images_it_gets_most_wrong) {
  const Garden garden;
  const Json result =
      garden.tune("linear", {"--lr", "1e-9", "--init-head", "trunc-normal"}).json();  // learns nothing
  const Json report = data_of(garden.run_folder() + "/report.html");
  const std::size_t wrong =
      9 - static_cast<std::size_t>(std::lround(9 * result["test"]["top1"].get<double>() / 100));
  ASSERT_GT(wrong, 0u);
  ASSERT_EQ(report["mistakes"].size(), wrong);
  double before = 0;
  for (const Json& mistake : report["mistakes"]) {
    EXPECT_THAT(mistake["file"], HasSubstr("/test/" + mistake["class"].get<std::string>() + "/"));
    EXPECT_NE(mistake["class"], mistake["predicted"]);
    EXPECT_LE(before, mistake["p_class"]);
    EXPECT_GT(mistake["p_predicted"], mistake["p_class"]);
    EXPECT_TRUE(mistake["image"].get<std::string>().starts_with("data:image/jpeg;base64,/9j/"));
    before = mistake["p_class"];
  }
}

TEST(Report, of_a_run_shows_where_the_selection_fell) {
  const Garden garden;
  for (const auto& [method, kind] : {std::pair{"grft", "columns"}, {"sift", "elements"}}) {
    garden.tune(method, {}, method);
    const fs::path folder = garden.run_folder(method);
    const engine::Safetensors file(folder / "selection.safetensors");
    const Json selection = data_of(folder / "report.html")["selection"];
    ASSERT_EQ(selection.size(), 9u);
    EXPECT_EQ(selection[0]["name"], "patch_embed.proj.weight") << "then the blocks in their order";
    for (const Json& matrix : selection) {
      if (matrix["name"] != "blocks.0.attn.qkv.weight") continue;
      EXPECT_EQ(matrix["kind"], kind);
      EXPECT_EQ(matrix["rows"], 72);
      EXPECT_EQ(matrix["columns"], 24);
      EXPECT_GT(matrix["energy"], 0);
      EXPECT_GT(matrix["squares"], 0);
      const engine::Tensor at = file.read("blocks.0.attn.qkv.weight." + std::string(kind));
      EXPECT_EQ(matrix["units"], at.numel());
      if (matrix["kind"] == "columns") {
        EXPECT_EQ(matrix["at"], Json(std::vector<std::int64_t>(at.data<std::int64_t>().begin(),
                                                               at.data<std::int64_t>().end())));
        EXPECT_EQ(matrix["scores"].size(), 2u);
      } else {
        std::vector<Index> counts(72);
        for (const std::int64_t i : at.data<std::int64_t>()) ++counts[static_cast<std::size_t>(i / 24)];
        EXPECT_EQ(matrix["per_row"], Json({{"size", 1}, {"counts", counts}}));
      }
    }
  }
}

TEST(Report, shows_when_the_choice_is_stable) {
  const Garden garden;
  garden.tune("gps", {"--score-batches", "auto"});
  const Json choices = data_of(garden.run_folder() + "/report.html")["curves"]["choices"];
  ASSERT_GE(choices["batches"].size(), 3u);
  EXPECT_EQ(choices["batches"][2], 3);
  for (const char* what : {"overlap", "held"}) {
    EXPECT_EQ(choices[what].size(), choices["batches"].size());
    for (const Json& percent : choices[what]) EXPECT_TRUE(percent > 0 && percent <= 100) << what << percent;
  }
}

TEST(Report, by_its_command_is_that_of_the_run) {
  const Garden garden;
  garden.tune("grft");
  const fs::path report = garden.run_folder() + "/report.html";
  const std::string written = read_text(report);
  fs::remove(report);
  const Outcome outcome = run({"report", garden.run_folder()});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, report.string() + "\n");
  EXPECT_TRUE(read_text(report) == written);
}

TEST(Report, of_a_run_whose_images_are_gone_lacks_them_and_notes_it) {
  const Garden garden;
  garden.tune("linear", {"--lr", "1e-9", "--init-head", "trunc-normal"});
  fs::rename(garden.data(), garden.data() + "-moved");
  const Outcome outcome = run({"report", garden.run_folder()});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(outcome.noted("note: the report has no images: ")) << outcome.err;
  const Json data = data_of(garden.run_folder() + "/report.html");
  for (const Json& mistake : data["mistakes"]) EXPECT_FALSE(mistake.contains("image"));
}

TEST(Report, of_a_run_that_has_not_ended_shows_its_beginning) {
  const Garden garden;
  garden.tune("grft");
  for (const char* file : {"result.json", "judged.json", "delta.safetensors"})
    fs::remove(fs::path(garden.run_folder()) / file);
  write_text(garden.run_folder() + "/metrics.jsonl",
             read_text(garden.run_folder() + "/metrics.jsonl") + "{\"kind\":\"st");
  EXPECT_EQ(run({"report", garden.run_folder()}).status, 0);
  const Json report = data_of(garden.run_folder() + "/report.html");
  EXPECT_FALSE(report.contains("result"));
  EXPECT_EQ(report["curves"]["steps"]["loss"].size(), 6u);
  EXPECT_EQ(report["curves"]["left_out"], 1) << "half a line";
}

TEST(Report, of_a_comparison_is_made_by_the_same_command) {
  const Garden garden;
  write_text(garden / "papers/compare.json", experiments::sample_comparison().dump());
  const Outcome outcome = run({"report", garden / "papers"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const Json report = data_of(garden / "papers/report.html");
  EXPECT_EQ(report["kind"], "comparison");
  EXPECT_EQ(report["name"], "papers");
}

TEST(Report, of_a_damaged_folder_is_one_line_that_names_the_file) {
  const Garden garden;
  garden.tune("grft");
  const fs::path folder = garden.run_folder(), report = folder / "report.html";
  const std::string before = read_text(report);
  struct Damage {
    const char *file, *content, *error;
  };
  for (const Damage& damage :
       {Damage{"config.json", "{\"method\": ", "config.json"},
        {"config.json", "[]", "object"},
        {"config.json", "{\"classes\": [\"a\", 5]}", "classes[1]"},
        {"result.json", "{\"test\": 3}", "test"},
        {"result.json", "{\"test\": {\"confusion\": [[1]]}}", "confusion"},
        {"judged.json", "{\"split\": \"test\", \"mistakes\": [{\"file\": 1}]}", "file"},
        {"selection.safetensors", "\x08\0\0\0", "selection.safetensors"},
        {"delta.safetensors", "none", "delta.safetensors"}}) {
    const std::string whole = read_text(folder / damage.file);
    write_text(folder / damage.file, damage.content);
    EXPECT_THAT(run({"report", folder}).error(1), AllOf(HasSubstr(damage.file), HasSubstr(damage.error)));
    write_text(folder / damage.file, whole);
  }
  EXPECT_TRUE(read_text(report) == before) << "the old report stays";
  EXPECT_THAT(run({"report", garden.data()}).error(1), HasSubstr("not the folder of a run or a comparison"));
  EXPECT_THAT(run({"report", garden.path() / "none"}).error(1), HasSubstr("no such folder"));
  EXPECT_THAT(run({"report"}).error(2), HasSubstr("folder"));
}

}  // namespace
}  // namespace end_to_end
