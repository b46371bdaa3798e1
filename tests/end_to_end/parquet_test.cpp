// Images in Parquet files are trained on, evaluated and resumed with as the same images in folders.

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/end_to_end/garden.h"
#include "tests/support/parquet_bytes.h"
#include "tests/support/paths.h"

namespace end_to_end {
namespace {

using engine::Safetensors;
using ::testing::HasSubstr;

const fs::path kDemo = fs::path(ESPALIER_SOURCE_DIR) / "data/demo";

/// A garden whose images lie in Parquet files, too: parquet/data/<split>-0000<n>-of-00002.parquet.
struct ParquetGarden : Garden {
  int codec;

  explicit ParquetGarden(int of_pages = 0) : codec(of_pages) {
    write_split("train", "train"), write_split("val", "validation"), write_split("test", "test");
  }
  std::string parquet() const { return *this / "parquet"; }
  std::string shard(const std::string& name, int number) const {
    return *this / ("parquet/data/" + name + "-0000" + std::to_string(number) + "-of-00002.parquet");
  }

  void write_split(const std::string& folder, const std::string& name,
                   const std::string& null_image = "") const {
    std::vector<fs::path> files;
    for (const auto& file : fs::recursive_directory_iterator(path() / "data" / folder))
      if (file.is_regular_file()) files.push_back(file.path());
    std::ranges::sort(files);
    const std::size_t half = files.size() * 2 / 3;  // more than ten of train
    for (const int number : {0, 1}) {
      support::ParquetFile content{
          .columns = {{.name = "image.bytes"}, {.name = "image.path"}, {.name = "label", .type = 2}},
          .rows_a_group = 4,
          .metadata = {{"huggingface", R"({"info": {"features": {"image": {"_type":
          "Image"}, "label": {"_type": "ClassLabel", "names": ["blue", "green", "red"]}}}})"}}};
      content.columns[0].codec = codec;
      for (std::size_t i = number == 0 ? 0 : half; i < (number == 0 ? half : files.size()); ++i) {
        const std::string of_class = files[i].parent_path().filename();
        content.columns[0].values.emplace_back(read_text(files[i]));
        if (files[i].filename() == null_image) content.columns[0].values.back() = std::nullopt;
        content.columns[1].values.emplace_back(files[i].filename());
        content.columns[2].values.push_back(support::int64_of(of_class == "blue"    ? 0
                                                              : of_class == "green" ? 1
                                                                                    : 2));
      }
      write_text(shard(name, number), support::parquet_of(content));
    }
  }

  Outcome tune_on(const std::string& data, const std::string& name, const Words& more = {}) const {
    return run(Words{"tune", "--model", model(), "--data", data, "--method", "grft", "--batch-size", "6",
                     "--epochs", "2", "--lr", "0.01", "--json", "--out", run_folder(name)} +
               more);
  }
};

std::string tensors_of(const std::string& delta) {
  const Safetensors file(delta);
  std::string all;
  for (const std::string& name : file.names()) {
    const auto tensor = file.read(name);
    all.append(name).append(reinterpret_cast<const char*>(tensor.raw()), tensor.bytes());
  }
  return all;
}

TEST(Parquet, is_trained_on_as_the_same_images_in_folders) {
  for (const int codec : {0, 1, 2, 6}) {
    const ParquetGarden garden(codec);
    const auto folders = garden.tune_on(garden.data(), "folders").json(),
               parquet = garden.tune_on(garden.parquet(), "parquet").json();
    EXPECT_EQ(tensors_of(garden.run_folder("folders") + "/delta.safetensors"),
              tensors_of(garden.run_folder("parquet") + "/delta.safetensors"))
        << codec;
    EXPECT_EQ(folders["test"]["confusion"], parquet["test"]["confusion"]);
    EXPECT_EQ(folders["val"]["loss"], parquet["val"]["loss"]);
  }
}

TEST(Parquet, without_shuffling_is_taken_row_by_row) {
  const ParquetGarden garden;
  for (const std::string& data : {garden.data(), garden.parquet()})
    garden.tune_on(data, data == garden.data() ? "folders" : "parquet", {"--no-shuffle"}).json();
  EXPECT_EQ(tensors_of(garden.run_folder("folders") + "/delta.safetensors"),
            tensors_of(garden.run_folder("parquet") + "/delta.safetensors"));
}

TEST(Parquet, is_evaluated_as_a_folder_and_as_a_single_file) {
  const ParquetGarden garden;
  ASSERT_EQ(garden.tune_on(garden.data(), "run").status, 0);
  const auto judged = [&](const std::string& data, const Words& more = {}) {
    return run(Words{"eval", "--model", garden.model(), "--delta", garden.run_folder() + "/delta.safetensors",
                     "--data", data, "--split", "test", "--json"} +
               more)
        .json();
  };
  EXPECT_EQ(judged(garden.parquet())["confusion"], judged(garden.data())["confusion"]);
  EXPECT_EQ(judged(garden.shard("test", 0))["images"], 6);
  fs::remove(garden.shard("train", 0)), fs::remove(garden.shard("train", 1));
  EXPECT_EQ(judged(garden.parquet())["confusion"], judged(garden.data())["confusion"]);
}

TEST(Parquet, with_a_null_image_is_refused_or_goes_without_it) {
  const ParquetGarden garden;
  garden.write_split("train", "train", "03.ppm");
  const std::string error = garden.tune_on(garden.parquet(), "run").error(1);
  EXPECT_THAT(error,
              HasSubstr("train-00000-of-00002.parquet:3: column image.bytes is null; an image has bytes"));
  EXPECT_THAT(error,
              HasSubstr("3 of the 18 images of train cannot be opened; --on-bad-image skip leaves them out"));
  EXPECT_EQ(garden.tune_on(garden.parquet(), "run", {"--on-bad-image", "skip"}).json()["skipped"], 3);
}

TEST(Parquet, that_has_changed_does_not_go_on_a_run) {
  const ParquetGarden garden;
  ASSERT_EQ(garden.tune_on(garden.parquet(), "run").status, 0);
  const std::vector<Json> lines = read_lines(garden.run_folder() + "/images.jsonl");
  ASSERT_EQ(lines.size(), 36u);
  for (const Json& line : lines) {
    const std::string file = line["file"];
    const fs::path shard = garden.parquet() + "/" + file.substr(0, file.rfind(':'));
    EXPECT_EQ(line["bytes"], fs::file_size(shard)) << file;
  }
  // The same bytes at another time, then others.
  const std::string shard = garden.shard("train", 1);
  std::string bytes = read_text(shard);
  write_text(shard, bytes);
  const Outcome again = garden.tune_on(garden.parquet(), "run", {"--resume"});
  EXPECT_EQ(again.status, 0) << again.err;
  bytes[bytes.find("P6 ") + 40] ^= 1;
  write_text(shard, bytes);
  EXPECT_THAT(garden.tune_on(garden.parquet(), "run", {"--resume"}).error(2),
              HasSubstr("image \"data/train-00001-of-00002.parquet:0\" is not what it was"));
}

TEST(Parquet, in_one_file_is_cut_resumed_and_evaluated) {
  const ParquetGarden garden;
  const std::string all = garden / "all.parquet", cut = garden.run_folder() + "/split.csv";
  fs::copy_file(garden.shard("train", 0), all);
  const Json tuned = garden.tune_on(all, "run").json();
  const std::string listed = read_text(cut), tensors = tensors_of(garden.run_folder() + "/delta.safetensors");
  EXPECT_THAT(listed, HasSubstr("all.parquet:0,blue,"));
  const Outcome resumed = garden.tune_on(all, "run", {"--resume"});
  EXPECT_TRUE(resumed.noted("as " + cut + " has them")) << resumed.err;
  EXPECT_EQ(resumed.json()["test"]["confusion"], tuned["test"]["confusion"]);
  EXPECT_EQ(read_text(cut), listed);
  EXPECT_EQ(tensors_of(garden.run_folder() + "/delta.safetensors"), tensors);
  const Json judged =
      run({"eval", "--model", garden.model(), "--delta", garden.run_folder() + "/delta.safetensors", "--data",
           all, "--split", "test", "--json"})
          .json();
  EXPECT_EQ(judged["confusion"], tuned["test"]["confusion"]);
  EXPECT_EQ(judged["loss"], tuned["test"]["loss"]);
}

TEST(ParquetOfEveryWriter, is_cut_and_trained_on_to_the_same_bits_and_evaluated_as_its_images_in_folders) {
  const fs::path golden = support::shared_dir() / "golden/exports/parquet";
  if (!fs::exists(golden)) GTEST_SKIP() << "needs " << golden;
  const Folder folder;
  const Words model{"--model", kDemo / "model.safetensors", "--json", "--threads", "1", "--workers", "0"};
  const auto evaluated = [&](const std::string& data, const std::string& delta) {
    return run(Words{"eval", "--data", data, "--delta", delta, "--split", "test"} + model).json();
  };
  fs::create_directories(folder.path() / "folders");
  fs::create_directory_symlink(golden / "source", folder.path() / "folders/test");
  std::string trained, named;
  std::vector<Json> rows;
  Index read = 0, refused = 0;
  for (const auto& file : fs::directory_iterator(golden)) {
    if (file.path().extension() != ".parquet") continue;
    SCOPED_TRACE(file.path());
    const std::string name = file.path().stem(), out = folder / ("runs/" + name),
                      delta = out + "/delta.safetensors";
    const Outcome tuned = run(Words{"tune", "--data", file.path(), "--method", "linear", "--steps", "2",
                                    "--batch-size", "2", "--out", out} +
                              model);
    if (tuned.status == 1) {
      EXPECT_THAT(tuned.error(1), HasSubstr(name + ".parquet"));
      ++refused;
      continue;
    }
    ++read;
    const std::string values = tensors_of(delta);
    if (trained.empty()) trained = values;
    EXPECT_EQ(values, trained);
    EXPECT_EQ(evaluated(file.path(), delta)["confusion"], tuned.json()["test"]["confusion"]);
    // All of it as one split, as the folder that it was made of.
    const fs::path whole = folder.path() / "whole" / name;
    fs::create_directories(whole);
    fs::create_symlink(file.path(), whole / "test-00000-of-00001.parquet");
    const Json of_rows = evaluated(whole, delta);
    rows.push_back({of_rows["top1"], of_rows["confusion"]});
    // Files that name no classes call them 0, 1 and 2, in the same order.
    if (read_json(out + "/config.json")["classes"].back() != "2") named = delta;
  }
  const Json of_images = evaluated(folder / "folders", named);
  for (const Json& of_rows : rows) EXPECT_EQ(of_rows, Json({of_images["top1"], of_images["confusion"]}));
  EXPECT_EQ(read, 39);
  EXPECT_EQ(refused, 7);
}

TEST(Parquet, may_have_a_run_in_its_folder) {
  const ParquetGarden garden;
  const std::string out = garden.parquet() + "/run";
  const Words words{"--model", garden.model(), "--data", garden.parquet(), "--json"};
  const Json tuned =
      run(Words{"tune", "--method", "linear", "--batch-size", "6", "--epochs", "1", "--out", out} + words)
          .json();
  const Json judged = run(Words{"eval", "--delta", out + "/delta.safetensors"} + words).json();
  EXPECT_EQ(judged["confusion"], tuned["test"]["confusion"]);
  EXPECT_THAT(
      run(Words{"tune", "--method", "linear", "--out", garden.parquet(), "--overwrite"} + words).error(2),
      HasSubstr("is --data too"));
}

}  // namespace
}  // namespace end_to_end
