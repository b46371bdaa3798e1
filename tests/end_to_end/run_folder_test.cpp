#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/io/sha256.h"
#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using engine::Safetensors;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

/// What a method's delta holds of blocks.0.attn.qkv.weight [72, 24] and its bias.
struct MethodCase {
  const char* name;
  bool selects;
  const char* part;  ///< the kind of part, "" when the whole matrix trains, "none" when nothing of it does
  engine::Shape values;  ///< of the part
  bool bias;             ///< the layer's bias trains
};
void PrintTo(const MethodCase& m, std::ostream* os) {
  *os << m.name;
}

class EveryMethod : public ::testing::TestWithParam<MethodCase> {};

TEST_P(EveryMethod, has_every_file_of_the_contract) {
  const MethodCase& method = GetParam();
  const Garden garden;
  const Outcome outcome = garden.tune(method.name);
  const Json result = outcome.json();
  const fs::path folder = garden.run_folder();

  for (const char* file : {"config.json", "metrics.jsonl", "delta.safetensors", "checkpoint.safetensors",
                           "judged.json", "result.json", "report.html"})
    EXPECT_TRUE(fs::exists(folder / file)) << file;
  EXPECT_EQ(fs::exists(folder / "selection.safetensors"), method.selects);
  for (const auto& entry : fs::directory_iterator(folder))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();

  EXPECT_EQ(read_text(folder / "result.json"), outcome.out);
  EXPECT_THAT(keys(result), IsSupersetOf({"val", "test", "trainable", "total", "seconds", "peak_mb",
                                          "delta_bytes", "phases"}));
  double spent = 0;
  for (const auto& [name, seconds] : result["phases"].items()) spent += seconds.get<double>();
  EXPECT_GT(result["phases"]["step"], 0);
  EXPECT_LE(spent, result["seconds"]);
  EXPECT_THAT(keys(result["val"]),
              IsSupersetOf({"top1", "top5", "loss", "ece", "images", "seconds", "per_class", "confusion"}));
  EXPECT_EQ(result["delta_bytes"], fs::file_size(folder / "delta.safetensors"));
}

TEST_P(EveryMethod, holds_a_delta_with_the_parts_that_trained) {
  const MethodCase& method = GetParam();
  const Garden garden;
  const Words options = method.selects ? Words{"--no-train-bias"} : Words{};
  const Json result = garden.tune(method.name, options).json();
  const Safetensors delta(garden.run_folder() + "/delta.safetensors"), base(garden.model());
  EXPECT_EQ(delta.entry("head.weight").shape(), engine::Shape({3, 24}));
  EXPECT_EQ(delta.entry("head.bias").shape(), engine::Shape({3}));
  const std::string name = "blocks.0.attn.qkv.weight", part = method.part;
  EXPECT_EQ(delta.contains("blocks.0.attn.qkv.bias"), method.bias);
  EXPECT_EQ(delta.contains(name), part.empty());
  if (part.empty()) {
    EXPECT_EQ(delta.entry(name).shape(), engine::Shape({72, 24}));
  } else if (part == "none") {
    for (const std::string& stored : delta.names()) EXPECT_FALSE(stored.starts_with(name)) << stored;
  } else {
    const engine::Tensor at = delta.read(name + part);
    EXPECT_EQ(at.dtype(), engine::Dtype::i64);
    EXPECT_EQ(at.shape().rank(), 1);
    EXPECT_TRUE(std::ranges::is_sorted(at.data<std::int64_t>()));
    EXPECT_EQ(delta.entry(name + ".values").shape(), method.values);
    EXPECT_EQ(delta.entry(name + ".values").dtype, "F32");
  }
  Index values = 0;
  for (const auto& entry : delta.entries()) values += entry.dtype == "F32" ? entry.shape().numel() : 0;
  EXPECT_EQ(result["trainable"], values);

  const auto& metadata = delta.metadata();
  EXPECT_EQ(metadata.at("format"), "espalier-delta");
  EXPECT_EQ(metadata.at("version"), "1");
  EXPECT_EQ(metadata.at("method"), method.name);
  EXPECT_EQ(metadata.at("base_sha256"), engine::sha256(garden.model()));
  EXPECT_EQ(Json::parse(metadata.at("classes")), Json({"blue", "green", "red"}));
  EXPECT_TRUE(Json::parse(metadata.at("options")).is_object());
  EXPECT_EQ(Json::parse(metadata.at("preprocessing"))["image_size"], 16);
  EXPECT_NE(metadata.at("arch"), "");
}

TEST(Selection, by_what_is_no_gradient_has_no_squared_gradient) {
  const Garden garden;
  garden.tune("magnitude");
  const Safetensors selection(garden.run_folder() + "/selection.safetensors");
  EXPECT_TRUE(selection.metadata().contains("shapes"));
  for (const char* key : {"energy", "gradient_squares"})
    EXPECT_FALSE(selection.metadata().contains(key)) << key;
}

TEST_P(EveryMethod, holds_the_selection_that_the_delta_has) {
  const MethodCase& method = GetParam();
  const Garden garden;
  garden.tune(method.name);
  if (!method.selects) {
    EXPECT_FALSE(fs::exists(garden.run_folder() + "/selection.safetensors"));
    return;
  }
  const Safetensors selection(garden.run_folder() + "/selection.safetensors"),
      delta(garden.run_folder() + "/delta.safetensors");
  EXPECT_EQ(selection.metadata().at("format"), "espalier-selection");
  EXPECT_EQ(selection.metadata().at("version"), "1");
  EXPECT_EQ(selection.metadata().at("method"), method.name);
  EXPECT_EQ(selection.metadata().at("base_sha256"), engine::sha256(garden.model()));
  EXPECT_TRUE(Json::parse(selection.metadata().at("options")).contains("score"));
  Index parameters = 0;
  for (const auto& entry : selection.entries()) {
    if (entry.name.ends_with(".score")) {
      EXPECT_EQ(entry.dtype, "F32");
      continue;
    }
    ++parameters;
    EXPECT_EQ(entry.dtype, "I64");
    EXPECT_TRUE(std::ranges::is_sorted(selection.read(entry.name).data<std::int64_t>()));
    EXPECT_EQ(bits_of(selection, entry.name), bits_of(delta, entry.name));
    const std::string parameter = entry.name.substr(0, entry.name.rfind('.'));
    EXPECT_EQ(selection.entry(parameter + ".score").shape(), entry.shape());
  }
  EXPECT_EQ(parameters, 9);
}

INSTANTIATE_TEST_SUITE_P(, EveryMethod,
                         ::testing::Values(MethodCase{"full", false, "", {}, true},
                                           MethodCase{"linear", false, "none", {}, false},
                                           MethodCase{"bitfit", false, "none", {}, true},
                                           MethodCase{"grft", true, ".columns", {72, 2}, false},
                                           MethodCase{"gps", true, ".elements", {72}, false},
                                           MethodCase{"sift", true, ".elements", {18}, false}),
                         [](const auto& method) { return method.param.name; });

TEST(RunFolder, holds_rows_where_the_rows_are_fewer) {
  const Garden garden;
  garden.tune("grft", {"--k", "3"});
  const Safetensors delta(garden.run_folder() + "/delta.safetensors");
  EXPECT_EQ(delta.entry("blocks.0.mlp.fc2.weight.rows").shape(), engine::Shape({3}));
  EXPECT_EQ(delta.entry("blocks.0.mlp.fc2.weight.values").shape(), engine::Shape({3, 48}));
  EXPECT_EQ(delta.entry("patch_embed.proj.weight.rows").shape(), engine::Shape({3}));
}

TEST(RunFolder, records_every_resolved_option_in_config_json) {
  const Garden garden;
  garden.tune("grft", {"--lr", "0.02", "--clip", "1", "--k", "3", "--workers", "1", "--seed", "7"});
  const Json config = read_json(garden.run_folder() + "/config.json");
  EXPECT_EQ(config["method"], "grft");
  EXPECT_EQ(config["lr"], 0.02);
  EXPECT_EQ(config["clip"], 1);
  EXPECT_EQ(config["seed"], 7);
  EXPECT_EQ(config["workers"], 1);
  EXPECT_EQ(config["threads"], 2);
  EXPECT_EQ(config["batch_size"], 6);
  EXPECT_EQ(config["epochs"], 2);
  EXPECT_EQ(config["optimizer"], "adam");
  EXPECT_EQ(config["on"], "train");
  EXPECT_EQ(config["method_options"]["k"], "3");
  EXPECT_EQ(config["method_options"]["temperature"], "0.07");
  EXPECT_EQ(config["base_sha256"], engine::sha256(garden.model()));
  EXPECT_EQ(config["classes"], Json({"blue", "green", "red"}));
  EXPECT_EQ(run({"--version"}).out, "espalier " + config["version"].get<std::string>() + "\n");
  EXPECT_EQ(config["out"], garden.run_folder());
}

TEST(RunFolder, logs_scores_steps_and_evaluations) {
  const Garden garden;
  const Json result = garden.tune("grft", {"--epochs", "3", "--min-lr", "0.001"}).json();
  const std::vector<Json> lines = read_lines(garden.run_folder() + "/metrics.jsonl");
  const std::vector<Json> scores = of_kind(lines, "score"), steps = of_kind(lines, "step"),
                          evals = of_kind(lines, "eval");
  ASSERT_EQ(scores.size(), 3u);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    EXPECT_THAT(keys(scores[i]), IsSupersetOf({"kind", "batch", "loss"}));
    EXPECT_EQ(scores[i]["batch"], i);
    EXPECT_GT(scores[i]["loss"], 0);
  }
  ASSERT_EQ(steps.size(), 9u);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_THAT(keys(steps[i]),
                IsSupersetOf({"kind", "step", "epoch", "loss", "penalty", "lr", "images_per_s"}));
    EXPECT_EQ(steps[i]["step"], i);
    EXPECT_EQ(steps[i]["epoch"], i / 3);
    EXPECT_GT(steps[i]["images_per_s"], 0);
  }
  EXPECT_EQ(steps[0]["penalty"], 0);
  EXPECT_GT(steps[8]["penalty"], 0);
  EXPECT_DOUBLE_EQ(steps[0]["lr"], 0.01);
  EXPECT_LT(steps[8]["lr"], 0.002);
  ASSERT_EQ(evals.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(keys(evals[i]), IsSupersetOf({"kind", "epoch", "split", "loss", "top1", "top5"}));
    EXPECT_EQ(evals[i]["split"], "val");
    EXPECT_EQ(evals[i]["epoch"], i);
  }
  EXPECT_EQ(evals[3]["split"], "test");
  EXPECT_EQ(evals[3]["epoch"], 2);
  for (const char* field : {"loss", "top1", "top5"}) {
    EXPECT_EQ(evals[2][field], result["val"][field]) << field;
    EXPECT_EQ(evals[3][field], result["test"][field]) << field;
  }
}

TEST(RunFolder, logs_the_epoch_that_the_steps_really_reached) {
  const Garden garden;
  garden.tune("linear", {"--steps", "4"});
  const std::vector<Json> lines = read_lines(garden.run_folder() + "/metrics.jsonl"),
                          evals = of_kind(lines, "eval");
  EXPECT_EQ(of_kind(lines, "step").size(), 4u);
  ASSERT_FALSE(evals.empty());
  EXPECT_EQ(evals.back()["split"], "test");
  EXPECT_EQ(evals.back()["epoch"], 1);
}

TEST(RunFolder, gets_the_lowest_free_name_below_runs) {
  const Garden garden;
  const Words words = Words{"tune"} + garden.job("linear") + Words{"--steps", "1"};
  for (int i = 0; i < 2; ++i) {
    const Outcome outcome = run(words, {.folder = garden.path()});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_TRUE(outcome.out.find("run folder: runs/data-linear-" + std::to_string(i + 1)) !=
                std::string::npos)
        << outcome.out;
  }
  EXPECT_TRUE(fs::exists(garden.path() / "runs/data-linear-2/result.json"));
}

TEST(RunFolder, that_exists_is_refused_and_only_a_run_is_overwritten) {
  const Garden garden;
  garden.tune("linear");
  const Words again =
      Words{"tune"} + garden.job("linear") + Words{"--steps", "1", "--out", garden.run_folder()};
  const std::string before = read_text(garden.run_folder() + "/result.json");
  const std::string error = run(again).error(2);
  EXPECT_NE(error.find(garden.run_folder()), std::string::npos) << error;
  EXPECT_NE(error.find("--resume"), std::string::npos) << error;
  EXPECT_EQ(read_text(garden.run_folder() + "/result.json"), before);

  write_text(garden.run_folder() + "/mine.txt", "keep me");
  EXPECT_EQ(run(again + Words{"--overwrite"}).status, 0);
  EXPECT_EQ(of_kind(read_lines(garden.run_folder() + "/metrics.jsonl"), "step").size(), 1u);
  EXPECT_EQ(read_text(garden.run_folder() + "/mine.txt"), "keep me");
}

TEST(RunFolder, leaves_foreign_folders_alone) {
  const Garden garden;
  write_text(garden / "mine/config.json", "{}");  // as a model's folder has
  write_text(garden / "mine/model.safetensors", "weights");
  for (const char* how : {"--overwrite", "--resume"}) {
    const Outcome outcome = run(Words{"tune"} + garden.job("linear") + Words{"--out", garden / "mine", how});
    EXPECT_NE(outcome.error(2).find("mine"), std::string::npos);
    EXPECT_EQ(read_text(garden / "mine/config.json"), "{}");
    EXPECT_EQ(read_text(garden / "mine/model.safetensors"), "weights");
    EXPECT_FALSE(fs::exists(garden / "mine/metrics.jsonl"));
  }
}

TEST(RunFolder, is_not_made_when_the_job_cannot_begin) {
  const Garden garden;
  run({"tune", "--model", garden / "nothing.safetensors", "--data", garden.data(), "--out",
       garden.run_folder()})
      .error(1);
  EXPECT_FALSE(fs::exists(garden.run_folder()));
}

TEST(Progress, is_a_first_and_a_last_line_when_stderr_is_no_terminal) {
  const Garden garden;
  const Outcome outcome = garden.tune("linear", {"--epochs", "12", "--prefix-cache", "off"});
  EXPECT_EQ(outcome.err.find('\r'), std::string::npos);
  const auto lines = std::ranges::count(outcome.err, '\n');
  EXPECT_LE(lines, 9) << outcome.err;
  EXPECT_NE(outcome.err.find("36/36"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace end_to_end
