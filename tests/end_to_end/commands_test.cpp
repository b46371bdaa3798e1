#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "engine/io/sha256.h"
#include "peft/methods.h"
#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::SizeIs;

const Words kCommands{"tune",    "select", "eval",    "predict", "merge", "count", "inspect",
                      "methods", "models", "compare", "report",  "bench", "export"};

TEST(Program, says_its_name_and_version) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.out.starts_with("espalier ")) << outcome.out;
  EXPECT_EQ(outcome.err, "");
}

TEST(Program, lists_every_command_in_its_help) {
  const Outcome outcome = run({"--help"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  for (const std::string& command : kCommands) EXPECT_THAT(outcome.out, HasSubstr("  " + command + " "));
}

TEST(Program, explains_every_command) {
  for (const std::string& command : kCommands) {
    const Outcome outcome = run({command, "--help"});
    EXPECT_EQ(outcome.status, 0) << command;
    EXPECT_EQ(outcome.err, "") << command;
    EXPECT_THAT(outcome.out, HasSubstr("espalier " + command));
    EXPECT_THAT(outcome.out, HasSubstr("--threads")) << command;
    if (command == "report") continue;
    EXPECT_THAT(outcome.out, HasSubstr("--json")) << command;
  }
}

/// The options that the help of a command shows, each with the lines of its text in one.
std::vector<std::pair<std::string, std::string>> shown_options(const std::string& help) {
  std::vector<std::pair<std::string, std::string>> options;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    const bool continues = line.starts_with("     ");
    if (line.starts_with("  --"))
      options.emplace_back(line.substr(2, line.find(' ', 2) - 2), line);
    else if (continues && !options.empty())
      options.back().second += line;
  }
  return options;
}

TEST(Program, shows_the_default_of_every_option_and_an_example) {
  for (const std::string& command : kCommands) {
    for (const Words& more : {Words{}, Words{"--method", "gps"}}) {
      if (!more.empty() && run({command, "--help"}).out.find("--method") == std::string::npos) continue;
      const std::string help = run(Words{command, "--help-all"} + more).out;
      EXPECT_GE(shown_options(help).size(), 1u) << command;
      for (const auto& [option, text] : shown_options(help)) {
        EXPECT_TRUE(text.ends_with("]")) << command << ' ' << option;
        EXPECT_THAT(text, Not(HasSubstr("[]"))) << command << ' ' << option;
      }
      EXPECT_THAT(help, HasSubstr("\nExample:\n  espalier " + command)) << command;
    }
  }
}

TEST(Program, wraps_its_help_to_the_terminal) {
  for (const auto& [columns, width] : {std::pair("60", 60u), std::pair("", 80u), std::pair("no", 80u)}) {
    for (const std::string& command : kCommands) {
      const Outcome outcome =
          run({command, "--help-all"}, {.through = {"env", std::string("COLUMNS=") + columns}});
      std::istringstream lines(outcome.out);
      for (std::string line; std::getline(lines, line);)
        EXPECT_LE(line.size(), width) << command << ": " << line;
    }
  }
}

TEST(Program, keeps_the_help_of_tune_short) {
  const auto lines = [](const Words& words) { return std::ranges::count(run(words).out, '\n'); };
  EXPECT_LE(lines({"tune", "--help"}), 60);
  EXPECT_LE(lines({"tune", "--help-all"}), 120);
}

TEST(Methods, are_listed_and_have_a_page_each) {
  const Outcome list = run({"methods"});
  EXPECT_EQ(list.status, 0);
  for (const char* method : {"full", "linear", "bitfit", "grft", "gps", "sift", "vpt", "lt-sft", "green"}) {
    EXPECT_THAT(list.out, HasSubstr(std::string(method) + " "));
    const Outcome page = run({"methods", method});
    EXPECT_EQ(page.status, 0);
    EXPECT_TRUE(page.out.starts_with(std::string(method) + ": ")) << page.out;
  }
  EXPECT_THAT(run({"methods", "grft"}).out, HasSubstr("--anchor-layers all|N"));
  EXPECT_THAT(run({"methods", "--json"}).json(), SizeIs(peft::methods().size()));
}

TEST(Methods, have_the_standard_values_of_the_contract) {
  const Json methods = run({"methods", "grft", "gps", "sift", "--json"}).json();
  ASSERT_EQ(methods.size(), 3u);
  const auto standard = [&](std::size_t method, const char* option) {
    return methods[method]["options"][option]["default"].get<std::string>();
  };
  EXPECT_EQ(standard(0, "k"), "2");
  EXPECT_EQ(standard(0, "axis"), "short");
  EXPECT_EQ(standard(0, "anchor"), "0.01");
  EXPECT_EQ(standard(0, "anchor-layers"), "all");
  EXPECT_EQ(standard(0, "anchor-head"), "none");
  EXPECT_EQ(standard(0, "train-bias"), "off");
  EXPECT_EQ(standard(0, "score"), "supcon");
  EXPECT_EQ(standard(0, "temperature"), "0.07");
  EXPECT_EQ(standard(0, "score-batches"), "all");
  EXPECT_EQ(standard(0, "score-augment"), "simclr");
  EXPECT_EQ(standard(1, "k"), "1");
  EXPECT_EQ(standard(1, "train-bias"), "on");
  EXPECT_EQ(standard(2, "rate"), "0.01");
  EXPECT_EQ(standard(2, "score"), "ce");
  EXPECT_EQ(standard(2, "score-batches"), "1");
}

Json count(const Words& more) {
  return run(Words{"count", "--arch", "vit_tiny_patch16_224", "--classes", "10", "--json"} + more).json();
}

TEST(Count, has_the_fields_of_the_contract) {
  const Json json = count({"--method", "linear"});
  EXPECT_THAT(keys(json), IsSupersetOf({"trainable", "head", "total", "percent", "groups"}));
  EXPECT_EQ(json["head"], 1930);
  EXPECT_EQ(json["trainable"], 1930);
  EXPECT_EQ(json["total"], 5526346);
  EXPECT_DOUBLE_EQ(json["percent"], 100 * 1930 / 5526346.0);
  EXPECT_TRUE(json["groups"].is_object());
}

TEST(Count, knows_every_method) {
  EXPECT_EQ(count({"--method", "full"})["trainable"], 5526346);
  // Two rows of each matrix: qkv and fc1 are wide, so columns of 576 and 768; proj is square; fc2 has rows of
  // 768.
  const Index block = 2 * (576 + 192 + 768 + 768), patches = 2 * 768;
  EXPECT_EQ(count({"--method", "grft"})["trainable"], 12 * block + patches + 1930);
  const Index rows_of_a_block = 576 + 192 + 768 + 192, biases = 12 * rows_of_a_block + 192;
  EXPECT_EQ(count({"--method", "gps"})["trainable"], 12 * rows_of_a_block + 192 + biases + 1930);
  EXPECT_EQ(count({"--method", "gps", "--no-train-bias"})["trainable"], 12 * rows_of_a_block + 192 + 1930);
  const Index matrix = 192 * 192,
              share = (3 * matrix / 100 + 1) + (matrix / 100 + 1) + 2 * (4 * matrix / 100 + 1);
  EXPECT_EQ(count({"--method", "sift"})["trainable"], 12 * share + (192 * 768 / 100 + 1) + 1930);
  EXPECT_EQ(count({"--method", "bitfit"})["trainable"], biases + 25 * 192 + 1930);
}

TEST(Count, prints_a_table_for_people) {
  const Outcome outcome =
      run({"count", "--arch", "vit_base_patch16_224", "--classes", "100", "--method", "grft"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, HasSubstr("blocks.*.attn.qkv.weight x 12"));
}

TEST(Eval, has_the_fields_of_the_contract) {
  const Garden garden;
  garden.tune("linear");
  const Json json = run({"eval", "--model", garden.model(), "--delta",
                         garden.run_folder() + "/delta.safetensors", "--data", garden.data(), "--json"})
                        .json();
  EXPECT_THAT(keys(json),
              IsSupersetOf({"top1", "top5", "loss", "ece", "images", "seconds", "per_class", "confusion"}));
  EXPECT_EQ(json["images"], Garden::kClasses * Garden::kTest);
  EXPECT_EQ(json["top5"], 100);
  EXPECT_THAT(keys(json["per_class"]), ElementsAre("blue", "green", "red"));
  Index right = 0, all = 0;
  double mean = 0;
  ASSERT_EQ(json["confusion"].size(), 3u);
  for (std::size_t c = 0; c < 3; ++c) {
    ASSERT_EQ(json["confusion"][c].size(), 3u);
    right += json["confusion"][c][c].get<Index>();
    for (const Json& n : json["confusion"][c]) all += n.get<Index>();
  }
  EXPECT_EQ(all, json["images"]);
  for (const Json& p : json["per_class"]) mean += p.get<double>() / 3;
  EXPECT_NEAR(json["top1"], 100.0 * static_cast<double>(right) / static_cast<double>(all), 1e-9);
  EXPECT_NEAR(json["top1"], mean, 1e-9);
}

TEST(Eval, prints_figures_for_people) {
  const Garden garden;
  garden.tune("linear");
  const Outcome outcome = run({"eval", "--model", garden.model(), "--delta",
                               garden.run_folder() + "/delta.safetensors", "--data", garden.data()});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.out.starts_with("top-1 ")) << outcome.out;
  EXPECT_THAT(outcome.out, HasSubstr("green"));
}

TEST(Select, prints_and_writes_what_was_taken_and_the_gradients) {
  const Garden garden;
  const std::string selection = garden / "selection.safetensors",
                    gradients = garden / "gradients.safetensors";
  const Json json = run(Words{"select"} + garden.job("grft") +
                        Words{"--out", selection, "--gradients", gradients, "--json"})
                        .json();
  EXPECT_THAT(keys(json), IsSupersetOf({"score_seconds", "select_seconds", "peak_mb", "taken"}));
  EXPECT_EQ(json["taken"].size(), 9u);
  EXPECT_EQ(json["taken"]["blocks.0.attn.qkv.weight"]["units"], 2);
  EXPECT_EQ(json["taken"]["blocks.0.attn.qkv.weight"]["numbers"], 2 * 72);
  const double energy = json["taken"]["blocks.0.attn.qkv.weight"]["energy"];
  EXPECT_GT(energy, 0);
  EXPECT_LT(energy, 1);

  const engine::Safetensors chosen(selection), scored(gradients);
  EXPECT_EQ(scored.names().size(), 9u);
  const engine::Tensor g = scored.read("blocks.0.attn.qkv.weight");
  EXPECT_EQ(g.dtype(), engine::Dtype::f32);
  EXPECT_EQ(g.shape(), engine::Shape({72, 24}));
  EXPECT_EQ(scored.entry("patch_embed.proj.weight").shape(), engine::Shape({24, 3, 8, 8}));

  const auto stored = [&](const char* key) {
    return Json::parse(chosen.metadata().at(key))["blocks.0.attn.qkv.weight"];
  };
  double squares = 0;
  for (float x : g.data<float>()) squares += static_cast<double>(x) * static_cast<double>(x);
  EXPECT_EQ(stored("shapes"), Json({72, 24}));
  EXPECT_EQ(stored("energy"), energy);
  EXPECT_NEAR(stored("gradient_squares"), squares, 1e-9 * squares);

  // The two columns with the largest sums of squares, and those sums.
  std::vector<std::pair<double, std::int64_t>> sums(24);
  for (std::size_t i = 0; i < g.data<float>().size(); ++i) {
    sums[i % 24].first += static_cast<double>(g.data<float>()[i]) * g.data<float>()[i];
    sums[i % 24].second = static_cast<std::int64_t>(i % 24);
  }
  std::ranges::sort(sums, std::greater<>());
  std::vector<std::int64_t> best{sums[0].second, sums[1].second};
  std::ranges::sort(best);
  const engine::Tensor columns = chosen.read("blocks.0.attn.qkv.weight.columns");
  EXPECT_EQ(std::vector(columns.data<std::int64_t>().begin(), columns.data<std::int64_t>().end()), best);
  const engine::Tensor score = chosen.read("blocks.0.attn.qkv.weight.score");
  ASSERT_EQ(score.shape(), engine::Shape({2}));
  EXPECT_NEAR(score.data<float>()[0] + score.data<float>()[1], sums[0].first + sums[1].first,
              1e-4 * sums[0].first);
}

TEST(Select, prints_a_line_for_every_parameter) {
  const Garden garden;
  for (const char* method : {"grft", "gps", "sift"}) {
    const Outcome outcome = run(Words{"select"} + garden.job(method));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("blocks.1.mlp.fc2.weight\n"));
  }
}

TEST(Predict, names_the_most_probable_classes_of_every_image) {
  const Garden garden;
  garden.tune("linear");
  const std::string one = garden.data() + "/test/red/40.ppm", two = garden.data() + "/test/blue/41.ppm";
  const Words words{"predict",
                    "--model",
                    garden.model(),
                    "--delta",
                    garden.run_folder() + "/delta.safetensors",
                    "--top",
                    "2",
                    one,
                    two};
  const Json json = run(words + Words{"--json"}).json();
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["file"], one);
  EXPECT_EQ(json[1]["file"], two);
  for (const Json& image : json) {
    ASSERT_EQ(image["top"].size(), 2u);
    EXPECT_THAT((Words{"blue", "green", "red"}), Contains(image["top"][0]["class"].get<std::string>()));
    EXPECT_GE(image["top"][0]["probability"], image["top"][1]["probability"]);
    EXPECT_LE(image["top"][0]["probability"].get<double>() + image["top"][1]["probability"].get<double>(),
              1 + 1e-9);
  }
  EXPECT_THAT(run(words).out, HasSubstr(one));
}

TEST(Predict, counts_classes_that_have_no_names) {
  const Garden garden;
  const Json json =
      run({"predict", "--model", garden.model(), garden.data() + "/test/red/40.ppm", "--top", "9", "--json"})
          .json();
  ASSERT_EQ(json.size(), 1u);
  ASSERT_EQ(json[0]["top"].size(), 5u);
  double sum = 0;
  Words names;
  for (const Json& c : json[0]["top"]) {
    sum += c["probability"].get<double>();
    names.push_back(c["class"]);
  }
  EXPECT_NEAR(sum, 1, 1e-9);
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("0", "1", "2", "3", "4"));
}

TEST(Inspect, describes_a_checkpoint_a_delta_a_selection_and_a_run_folder) {
  const Garden garden;
  garden.tune("grft");
  const Json base = run({"inspect", garden.model(), "--json"}).json();
  EXPECT_EQ(base["sha256"], engine::sha256(garden.model()));
  EXPECT_EQ(base["tensors"]["cls_token"]["shape"], Json({1, 1, 24}));
  EXPECT_EQ(base["tensors"]["cls_token"]["dtype"], "F32");
  EXPECT_EQ(base["metadata"]["num_heads"], "3");

  const std::string folder = garden.run_folder();
  EXPECT_EQ(run({"inspect", folder + "/delta.safetensors", "--json"}).json()["kind"], "delta");
  EXPECT_EQ(run({"inspect", folder + "/selection.safetensors", "--json"}).json()["kind"], "selection");
  const Json tuned = run({"inspect", folder, "--json"}).json();
  EXPECT_EQ(tuned["kind"], "run");
  EXPECT_EQ(tuned["config"]["method"], "grft");
  EXPECT_EQ(tuned["result"], read_json(folder + "/result.json"));

  const Outcome plain = run({"inspect", garden.model(), folder});
  EXPECT_EQ(plain.status, 0);
  EXPECT_THAT(plain.out, HasSubstr("blocks.1.attn.qkv.weight"));
  EXPECT_THAT(plain.out, HasSubstr("delta.safetensors"));
}

/// What a selection has of another one: of itself all, of a sketched one less, of columns nothing in rows.
TEST(Inspect, compares_two_selections) {
  const Garden garden;
  const auto select = [&](const std::string& name, Words more) {
    Words words{"select", "--model",     garden.model(), "--data", garden.data(), "--method", "grft",
                "--out",  garden / name, "--batch-size", "6"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(words);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  };
  select("exact", {"--axis", "row", "--gradients", garden / "gradients"});
  select("sketched", {"--axis", "row", "--score-sketch", "1"});
  select("columns", {"--axis", "column"});
  const auto compare = [&](const std::string& a, const std::string& b) {
    return run({"inspect", garden / a, "--against", garden / b, "--gradients", garden / "gradients",
                "--json"})
        .json();
  };
  const Json same = compare("exact", "exact"), sketched = compare("sketched", "exact"),
             columns = compare("columns", "exact");
  for (const char* figure : {"overlap", "energy", "total"}) EXPECT_EQ(same[figure], 1) << figure;
  EXPECT_EQ(same["differences"], Json::array());
  EXPECT_EQ(columns["differences"], Json({R"(axis was "row" and is "column")"}));
  double overlaps = 0;
  for (const auto& [name, part] : sketched["parameters"].items()) overlaps += part["overlap"].get<double>();
  EXPECT_NEAR(sketched["overlap"].get<double>(),
              overlaps / static_cast<double>(sketched["parameters"].size()), 1e-12);
  EXPECT_LT(sketched["total"], 1);
  EXPECT_GT(sketched["total"], 0);
  EXPECT_EQ(columns["overlap"], 0);
  const Json one = sketched["parameters"]["blocks.1.mlp.fc1.weight"];
  EXPECT_EQ(one["units"], 2);
  EXPECT_EQ(one["overlap"].get<double>() * (4 - one["common"].get<double>()), one["common"].get<double>());
  EXPECT_THAT(run({"inspect", garden / "exact", "--against", garden / "columns"}).out,
              HasSubstr("mean overlap 0.0000\n"
                        "made otherwise than the other: axis was \"column\" and is \"row\"\n"));
  EXPECT_THAT(run({"inspect", garden / "exact", "--against", garden.model()}).error(1),
              HasSubstr("nothing was chosen in it"));
  EXPECT_THAT(run({"inspect", garden / "exact", "--gradients", garden / "gradients"}).error(2),
              HasSubstr("--gradients needs --against"));
  EXPECT_THAT(run({"select", "--model", garden.model(), "--data", garden.data(), "--batch-size", "6",
                   "--method", "grft", "--score-sketch", "2", "--gradients", garden / "none"})
                  .error(2),
              HasSubstr("--score-sketch accumulates no whole gradient"));
  EXPECT_THAT(run({"select", "--model", garden.model(), "--data", garden.data(), "--batch-size", "6",
                   "--method", "grft", "--score-image-size", "9"})
                  .error(2),
              HasSubstr("an image size of 9 is not a multiple of the patch size 8"));
  EXPECT_THAT(run({"select", "--model", garden.model(), "--data", garden.data(), "--batch-size", "6",
                   "--method", "grft", "--score-classes", "99"})
                  .error(2),
              HasSubstr("--score-classes 99 is more than the"));
}

}  // namespace
}  // namespace end_to_end
