#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "tests/end_to_end/garden.h"
#include "tests/support/paths.h"

namespace end_to_end {
namespace {

using engine::Safetensors;
using engine::Tensor;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<Json> steps_of(const Garden& garden, const std::string& name = "run") {
  return of_kind(read_lines(garden.run_folder(name) + "/metrics.jsonl"), "step");
}

std::vector<double> losses_of(const Garden& garden, const std::string& name = "run") {
  std::vector<double> losses;
  for (const Json& step : steps_of(garden, name)) losses.push_back(step["loss"]);
  return losses;
}

/// Writes the split of a garden as a list; returns its name.
std::string list_of(const Garden& garden, const std::string& split) {
  std::string text;
  const Words classes{"blue", "green", "red"};
  for (std::size_t c = 0; c < classes.size(); ++c) {
    std::vector<fs::path> files;
    for (const auto& file : fs::directory_iterator(garden.path() / "data" / split / classes[c]))
      files.push_back(file);
    std::ranges::sort(files);
    for (const fs::path& file : files)
      text += split + "/" + classes[c] + "/" + file.filename().string() + ' ' + std::to_string(c) + '\n';
  }
  write_text(garden / (split + ".txt"), text);
  return garden / (split + ".txt");
}

TEST(Lists, tune_as_the_folders_they_list) {
  const Garden garden;
  garden.tune("grft", {"--mixup", "0.3"}, "folders");
  const Words lists{"--train-list", list_of(garden, "train"), "--val-list",  list_of(garden, "val"),
                    "--test-list",  list_of(garden, "test"),  "--data-root", garden.data()};
  const Words words{"--model", garden.model(), "--batch-size", "6"};
  const Outcome outcome = run(Words{"tune", "--method", "grft", "--mixup", "0.3", "--epochs", "2", "--lr",
                                    "0.01", "--json", "--out", garden.run_folder("lists")} +
                              words + lists);
  const Json result = outcome.json();
  const Safetensors a(garden.run_folder("folders") + "/delta.safetensors"),
      b(garden.run_folder("lists") + "/delta.safetensors");
  EXPECT_EQ(a.names(), b.names());
  for (const std::string& name : a.names()) EXPECT_TRUE(bits_of(a, name) == bits_of(b, name)) << name;
  EXPECT_EQ(Json::parse(b.metadata().at("classes")), Json({"0", "1", "2"}));
  EXPECT_EQ(result["test"]["confusion"],
            read_json(garden.run_folder("folders") + "/result.json")["test"]["confusion"]);

  const std::string logits = garden / "logits.safetensors";
  const Words eval = Words{"eval",     "--delta", garden.run_folder("lists") + "/delta.safetensors",
                           "--logits", logits,    "--json"} +
                     words;
  const Json whole = run(eval + lists).json();
  EXPECT_EQ(whole["loss"], result["test"]["loss"]);
  const Json alone =
      run(eval + Words{"--test-list", garden / "test.txt", "--data-root", garden.data()}).json();
  EXPECT_EQ(alone["loss"], whole["loss"]);
  EXPECT_EQ(Json::parse(Safetensors(logits).metadata().at("files"))[8], garden.data() + "/test/red/42.ppm");

  write_text(garden / "one.txt", "test/green/40.ppm 1\ntest/green/41.ppm 1\n");
  write_text(garden / "first.txt", "test/blue/40.ppm 0\n");
  for (const auto& [list, images] : {std::pair{"one.txt", 2}, {"first.txt", 1}}) {
    const Words one{"--test-list", garden / list, "--data-root", garden.data()};
    EXPECT_EQ(run(eval + one).json()["images"], images) << list;
  }
}

TEST(Lists, are_taken_in_path_order_when_they_are_not_shuffled) {
  const Garden garden;
  const std::string list = list_of(garden, "train");
  Words lines;
  std::istringstream text(read_text(list));
  for (std::string line; std::getline(text, line);) lines.push_back(line + '\n');
  std::ranges::reverse(lines);
  std::string reversed;
  for (const std::string& line : lines) reversed += line;
  write_text(garden / "reversed.txt", reversed);
  const Words words{"tune",         "--method",        "grft", "--epochs",     "1", "--lr", "0.01", "--model",
                    garden.model(), "--score-batches", "1",    "--batch-size", "6"};
  const auto delta = [&](const std::string& train, const std::string& name) {
    const Words lists{"--train-list", train, "--data-root", garden.data(), "--out", garden.run_folder(name)};
    const Outcome outcome = run(words + lists + Words{"--no-shuffle"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return read_text(garden.run_folder(name) + "/delta.safetensors");
  };
  EXPECT_TRUE(delta(list, "a") == delta(garden / "reversed.txt", "b"));
  EXPECT_EQ(read_text(garden.run_folder("a") + "/selection.safetensors"),
            read_text(garden.run_folder("b") + "/selection.safetensors"));
}

std::string big_endian(std::uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

/// Gray images of 9 x 9, bright on one side or the other, as MNIST stores them.
void write_idx(const fs::path& dir, const std::string& split, int count) {
  std::string images("\0\0\x08\x03", 4), labels("\0\0\x08\x01", 4);
  images += big_endian(static_cast<std::uint32_t>(count)) + big_endian(9) + big_endian(9);
  labels += big_endian(static_cast<std::uint32_t>(count));
  for (int i = 0; i < count; ++i) {
    for (int at = 0; at < 81; ++at)
      images.push_back(static_cast<char>((at % 9 < 4) == (i % 2 == 0) ? 200 + i % 40 : 20));
    labels.push_back(static_cast<char>(i % 2));
  }
  write_text(dir / (split + "-images-idx3-ubyte"), images);
  write_text(dir / (split + "-labels-idx1-ubyte"), labels);
}

TEST(Idx, data_is_tuned_on_and_evaluated) {
  const Garden garden;
  write_idx(garden.path() / "idx", "train", 24);
  write_idx(garden.path() / "idx", "t10k", 10);
  const Words words{"--model", garden.model(), "--data", garden.path() / "idx", "--batch-size",
                    "6",       "--json"};
  const Json result =
      run(Words{"tune", "--method", "full", "--epochs", "8", "--lr", "0.003", "--out", garden.run_folder()} +
          words)
          .json();
  EXPECT_FALSE(result.contains("val"));
  EXPECT_EQ(result["test"]["images"], 10);
  EXPECT_EQ(result["test"]["top1"], 100);
  EXPECT_THAT(keys(result["test"]["per_class"]), ElementsAre("0", "1"));
}

TEST(Training, lowers_the_loss_and_separates_the_colours) {
  for (const char* method : {"full", "linear", "bitfit", "grft", "gps", "sift"}) {
    const Garden garden;
    const Json result = garden.tune(method, {"--epochs", "10"}).json();
    const std::vector<double> losses = losses_of(garden);
    EXPECT_LT(losses.back(), 0.9 * losses.front()) << method;
    EXPECT_EQ(result["test"]["top1"], 100) << method;
  }
}

TEST(Training, on_train_and_val_takes_both_and_does_not_evaluate_on_val) {
  const Garden garden;
  const Json result = garden.tune("linear", {"--on", "train+val", "--epochs", "1"}).json();
  EXPECT_EQ(steps_of(garden).size(), 4u) << "27 images in batches of 6";
  EXPECT_FALSE(result.contains("val"));
  EXPECT_TRUE(result.contains("test"));
}

TEST(Training, on_train_and_val_has_a_class_that_val_alone_has) {
  const Garden garden;
  for (const char* split : {"val", "test"}) {
    fs::create_directories(garden.data() + "/" + split + "/azure");
    write_text(garden.data() + "/" + split + "/azure/1.ppm", image(3, 1));
  }
  const Json result = garden.tune("linear", {"--on", "train+val", "--epochs", "1"}).json();
  EXPECT_THAT(read_json(garden.run_folder() + "/config.json")["classes"],
              ElementsAre("azure", "blue", "green", "red"));
  EXPECT_THAT(keys(result["test"]["per_class"]), ElementsAre("azure", "blue", "green", "red"));
  const Outcome eval = run({"eval", "--model", garden.model(), "--delta",
                            garden.run_folder() + "/delta.safetensors", "--data", garden.data(), "--json"});
  EXPECT_EQ(eval.json()["confusion"], result["test"]["confusion"]);
  EXPECT_FALSE(read_text(garden.run_folder() + "/report.html").find("azure") == std::string::npos);
}

TEST(Training, on_train_and_val_of_idx_files_has_a_class_that_val_alone_has) {
  const Garden garden;
  write_idx(garden.path() / "idx", "train", 12);
  write_idx(garden.path() / "idx", "val", 12);
  const std::string labels = garden.path() / "idx/val-labels-idx1-ubyte";
  std::string bytes = read_text(labels);
  bytes.back() = '\2';
  write_text(labels, bytes);
  const Words words{"tune",     "--model", garden.model(),      "--data", garden.path() / "idx",
                    "--method", "linear",  "--epochs",          "1",      "--lr",
                    "0.01",     "--out",   garden.run_folder(), "--json"};
  EXPECT_THAT(run(words).error(1), HasSubstr("label 2 is a class that train lacks"));
  EXPECT_EQ(run(words + Words{"--on", "train+val", "--batch-size", "6"}).status, 0);
  EXPECT_THAT(read_json(garden.run_folder() + "/config.json")["classes"], ElementsAre("0", "1", "2"));
}

TEST(Training, in_sorted_order_sees_the_classes_one_after_the_other) {
  const Garden garden;
  garden.tune("linear", {"--no-shuffle", "--epochs", "1", "--init-head", "zeros", "--head", "new", "--lr",
                         "0.5", "--optimizer", "sgd"});
  const std::vector<double> losses = losses_of(garden);
  ASSERT_EQ(losses.size(), 3u);
  EXPECT_NEAR(losses[0], std::log(3.0), 1e-6) << "a head of zeros takes all classes for equal";
  EXPECT_GT(losses[1], losses[0]) << "it was trained on blue alone, and now comes green";
  EXPECT_GT(losses[2], losses[0]);

  // With the first image of every class out of the way the batches are others; a shuffled run mixes
  // classes.
  garden.tune("linear",
              {"--epochs", "1", "--init-head", "zeros", "--head", "new", "--lr", "0.5", "--optimizer", "sgd"},
              "shuffled");
  EXPECT_NE(losses_of(garden, "shuffled"), losses);
}

TEST(Training, of_so_many_steps_ends_in_the_middle_of_an_epoch) {
  const Garden garden;
  garden.tune("linear", {"--steps", "5"}, "steps");
  EXPECT_EQ(steps_of(garden, "steps").size(), 5u);
  EXPECT_EQ(steps_of(garden, "steps").back()["epoch"], 1);
  garden.tune("linear", {"--epochs", "2", "--schedule", "constant"}, "epochs");
  garden.tune("linear", {"--steps", "6", "--schedule", "constant"}, "as_many");
  EXPECT_TRUE(read_text(garden.run_folder("epochs") + "/delta.safetensors") ==
              read_text(garden.run_folder("as_many") + "/delta.safetensors"));
}

TEST(Training, judges_on_val_every_so_many_epochs_and_at_the_end) {
  const Garden garden;
  garden.tune("linear", {"--epochs", "5", "--eval-every", "2"});
  std::vector<int> epochs;
  for (const Json& e : of_kind(read_lines(garden.run_folder() + "/metrics.jsonl"), "eval")) {
    if (e["split"] == "val") epochs.push_back(e["epoch"]);
  }
  EXPECT_THAT(epochs, ElementsAre(1, 3, 4));
}

TEST(Training, keeps_the_numbers_that_were_best_on_val) {
  const Garden garden;
  // First it learns, then a rate beyond all bounds throws it off: the best is not the last.
  const Words wild{"--epochs",        "8",   "--optimizer", "sgd", "--schedule", "linear",
                   "--warmup-epochs", "7.9", "--lr",        "400", "--clip",     "1"};
  const Json last = garden.tune("full", wild, "last").json(),
             best = garden.tune("full", wild + Words{"--keep", "best"}, "best").json();
  // Of equally good epochs the first is kept, so the loss shows which one it was.
  Json top{{"top1", -1.0}};
  for (const Json& e : of_kind(read_lines(garden.run_folder("best") + "/metrics.jsonl"), "eval")) {
    if (e["split"] == "val" && e["top1"].get<double>() > top["top1"].get<double>()) top = e;
  }
  EXPECT_EQ(best["val"]["top1"], top["top1"]);
  EXPECT_EQ(best["val"]["loss"], top["loss"]);
  EXPECT_NE(best["val"]["loss"], last["val"]["loss"]);
  EXPECT_EQ(losses_of(garden, "best"), losses_of(garden, "last")) << "training itself is the same";
}

/// The head of the delta in a run folder, which one step with a tiny rate leaves as it began.
Tensor head_after(const Garden& garden, const Words& more) {
  garden.tune("linear", Words{"--steps", "1", "--lr", "1e-30", "--optimizer", "sgd"} + more);
  const fs::path folder = garden.run_folder();
  const Tensor head = Safetensors(folder / "delta.safetensors").read("head.weight");
  fs::remove_all(folder);
  return head;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.data<float>(), b.data<float>());
}

TEST(Head, is_kept_when_its_class_count_fits_unless_a_new_one_is_asked_for) {
  const Garden garden;
  models::VitConfig config = small_config();
  config.classes = Garden::kClasses;
  engine::NamedTensors state = small_state(config);
  // Other names of as many classes change nothing.
  for (const char* classes : {"", R"(["blue","green","red"])", R"(["x","y","z"])"}) {
    engine::Metadata metadata{{"num_heads", "3"}};
    if (*classes != 0) metadata["classes"] = classes;
    write_model(garden.model(), state, metadata);
    const Tensor& own = tensor_of(state, "head.weight");
    for (const char* how : {"auto", "keep"})
      EXPECT_TRUE(same(head_after(garden, {"--head", how}), own)) << how << classes;
  }
  EXPECT_FALSE(same(head_after(garden, {"--head", "new"}), tensor_of(state, "head.weight")));
}

TEST(Head, is_kept_with_a_note_on_the_classes_that_get_the_row_of_another_name) {
  const Garden garden;
  models::VitConfig config = small_config();
  config.classes = Garden::kClasses;
  write_model(garden.model(), small_state(config),
              {{"num_heads", "3"}, {"classes", R"(["green","blue","zebra"])"}});
  const Words call = Words{"tune", "--dry-run"} + garden.job("linear");
  EXPECT_THAT(run(call).err,
              HasSubstr("the head is kept though the model does not know 1 of the 3 classes: the "
                        "others get the rows of their names, 'red' that of 'zebra'; --head new"));
}

TEST(Head, is_new_when_the_class_count_differs_and_begins_as_requested) {
  const Garden garden;
  const Tensor normal = head_after(garden, {}), again = head_after(garden, {"--head", "new"}),
               other = head_after(garden, {"--seed", "1"});
  EXPECT_EQ(normal.shape(), engine::Shape({3, 24}));
  EXPECT_TRUE(same(normal, again));
  EXPECT_FALSE(same(normal, other));
  for (float x : normal.data<float>()) EXPECT_LE(std::abs(x), 2.0f);
  const Tensor zeros = head_after(garden, {"--init-head", "zeros"});
  EXPECT_TRUE(std::ranges::all_of(zeros.data<float>(), [](float x) { return std::abs(x) < 1e-20f; }));
}

TEST(Architecture, is_named_by_the_size_of_the_images_it_has_in_the_end) {
  const Garden garden;
  garden.tune("linear");
  const std::string merged = garden / "merged.safetensors";
  EXPECT_EQ(run({"merge", "--model", garden.model(), "--delta", garden.run_folder() + "/delta.safetensors",
                 "--image-size", "32", "--out", merged})
                .status,
            0);
  EXPECT_EQ(Safetensors(merged).metadata().at("arch"), "vit_24w_2d_patch8_32");
  EXPECT_EQ(
      run({"tune", "--arch", "vit_tiny_patch16_224", "--image-size", "32", "--data", garden.data(),
           "--method", "linear", "--steps", "1", "--batch-size", "6", "--out", garden.run_folder("arch")})
          .status,
      0);
  EXPECT_EQ(Safetensors(garden.run_folder("arch") + "/delta.safetensors").metadata().at("arch"),
            "vit_192w_12d_patch16_32");
}

TEST(Scoring, with_a_head_of_zeros_and_cross_entropy_names_what_to_use) {
  const Garden garden;
  const Words zeros = Words{"select"} + garden.job("gps") + Words{"--init-head", "zeros"};
  EXPECT_THAT(run(zeros + Words{"--score", "ce"}).error(1),
              AllOf(HasSubstr("zeros"), HasSubstr("--init-head trunc-normal"), HasSubstr("--score supcon")));
  EXPECT_EQ(run(zeros).status, 0);
}

TEST(Scoring, of_a_loss_that_is_not_finite_names_batch_and_images) {
  const Garden garden;
  engine::NamedTensors state = small_state();
  for (float& x : tensor_of(state, "norm.weight").data<float>()) x = 3e38f;
  write_model(garden.model(), state);
  EXPECT_THAT(
      run(Words{"select", "--score", "ce"} + garden.job("gps")).error(1),
      AllOf(HasSubstr("the loss of batch 0 is"), HasSubstr("; its images are"), Not(HasSubstr(" ;"))));
}

TEST(Schedule, with_a_warm_up_beyond_all_numbers_warms_up_to_the_end) {
  const Garden garden;
  const Outcome tuned = garden.tune("linear", {"--steps", "4", "--warmup-epochs", "1e300", "--lr", "0.01"});
  EXPECT_THAT(tuned.err, ::testing::HasSubstr("--warmup-epochs 1e+300 is longer than 4 steps"));
  const auto steps = of_kind(read_lines(garden.run_folder() + "/metrics.jsonl"), "step");
  ASSERT_EQ(steps.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_DOUBLE_EQ(steps[i]["lr"], 0.01 * static_cast<double>(i + 1) / 4);
}

TEST(RandomWeights, of_an_architecture_are_tuned_and_evaluated_without_a_checkpoint) {
  const Garden garden;
  const Words words{
      "--arch", "vit_tiny_patch16_224", "--image-size", "32", "--seed", "3", "--batch-size", "6",
      "--data", garden.data(),          "--json"};
  const Outcome outcome = run(Words{"tune", "--method", "grft", "--steps", "1", "--score-batches", "1",
                                    "--out", garden.run_folder()} +
                              words);
  Json result = outcome.json()["test"];
  EXPECT_TRUE(outcome.noted("random weights")) << outcome.err;
  EXPECT_TRUE(outcome.noted("mean = std = 0.5, bicubic, squash")) << outcome.err;
  Json again = run(Words{"eval", "--delta", garden.run_folder() + "/delta.safetensors"} + words).json();
  result.erase("seconds"), again.erase("seconds");
  EXPECT_EQ(again, result);
}

/// The names of ImageNet-1k's classes, each with its place.
std::map<std::string, std::size_t> imagenet_classes() {
  std::istringstream lines(
      read_text(fs::path(ESPALIER_SOURCE_DIR) / "tools/training/pretrained/imagenet_classes.def"));
  std::map<std::string, std::size_t> places;
  for (std::string line; std::getline(lines, line);) {
    const std::string before = "\", \"", after = "\")";
    if (!line.starts_with("IMAGENET_CLASS")) continue;
    const std::size_t at = line.find(before) + before.size();
    places.emplace(line.substr(at, line.size() - after.size() - at), places.size());
  }
  return places;
}

class RealCheckpoint : public ::testing::TestWithParam<const char*> {};

TEST_P(RealCheckpoint, predicts_real_images_as_pytorch_does) {
  const fs::path model = support::shared_dir() / "models" / GetParam();
  const fs::path golden =
      support::shared_dir() / "golden" / (std::string(GetParam()) + ".golden.safetensors");
  if (!fs::exists(model / "model.safetensors") || !fs::exists(golden))
    GTEST_SKIP() << "needs " << model << " and " << golden
                 << "; ESPALIER_SHARED names the folder that has them";
  const Safetensors expected(golden);
  const Tensor logits = expected.read("logits").to(engine::Dtype::f64);
  Words images;
  for (const Json& name : Json::parse(expected.metadata().at("images")))
    images.push_back(support::shared_dir() / name.get<std::string>());
  const std::map<std::string, std::size_t> places = imagenet_classes();
  ASSERT_EQ(places.size(), 1000u);
  const Outcome outcome =
      run(Words{"predict", "--model", model, "--top", "3", "--json", "--threads", "2"} + images);
  EXPECT_TRUE(outcome.noted("so its classes are shown by ImageNet-1k's names")) << outcome.err;
  const Json predictions = outcome.json();
  ASSERT_EQ(predictions.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto row = logits.data<double>().subspan(i * 1000, 1000);
    double sum = 0;
    for (double x : row) sum += std::exp(x);
    ASSERT_EQ(predictions[i]["top"].size(), 3u);
    EXPECT_EQ(places.at(predictions[i]["top"][0]["class"]), std::ranges::max_element(row) - row.begin());
    for (const Json& c : predictions[i]["top"])
      EXPECT_NEAR(c["probability"], std::exp(row[places.at(c["class"])]) / sum, 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(, RealCheckpoint,
                         ::testing::Values("vit_tiny_patch16_224.augreg_in21k_ft_in1k",
                                           "deit_tiny_patch16_224.fb_in1k"),
                         [](const auto& c) {
                           return std::string(c.param).substr(0, std::string(c.param).find('_'));
                         });

}  // namespace
}  // namespace end_to_end
