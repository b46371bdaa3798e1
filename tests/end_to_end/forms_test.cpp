// Images in every form in which people have labelled them, from the demo's data set, with its checkpoint.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <webp/encode.h>

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>

#include "data/idx.h"
#include "tests/end_to_end/garden.h"
#include "tests/support/gif_bytes.h"
#include "tests/support/parquet_bytes.h"

namespace end_to_end {
namespace {

using ::testing::HasSubstr;

const fs::path kDemo = fs::path(ESPALIER_SOURCE_DIR) / "data/demo";
const Words kClasses{"t-shirt", "pullover", "coat", "shirt"};
constexpr int kEach = 5;

/// "<class>/<n>.pgm" of the images that were written, class by class.
using Names = std::vector<std::pair<std::string, std::string>>;

/// Writes the first images of every class as DIR/<class>/<n>.pgm.
Names write_demo(const fs::path& dir, int each = kEach) {
  const data::IdxArray images = data::read_idx(kDemo / "pictures/train-images-idx3-ubyte.gz"),
                       labels = data::read_idx(kDemo / "pictures/train-labels-idx1-ubyte.gz");
  const auto size = static_cast<std::size_t>(images.shape[1] * images.shape[2]);
  std::map<std::size_t, int> written;
  Names names;
  for (std::size_t i = 0; i < labels.values.size(); ++i) {
    const std::size_t label = std::to_integer<std::size_t>(std::byte(labels.values[i]));
    if (written[label] == each) continue;
    std::string text =
        "P5 " + std::to_string(images.shape[2]) + ' ' + std::to_string(images.shape[1]) + " 255\n";
    text.append(reinterpret_cast<const char*>(images.values.data()) + i * size, size);
    const std::string name = kClasses[label] + '/' + std::to_string(written[label]++) + ".pgm";
    fs::create_directories((dir / name).parent_path());
    write_text(dir / name, text);
    names.emplace_back(name, kClasses[label]);
  }
  return names;
}

using Pixels = std::vector<std::uint8_t>;

/// Gray pixels as a lossless WebP.
std::string webp_of(int width, int height, const Pixels& gray) {
  Pixels rgb;
  for (const std::uint8_t value : gray) rgb.insert(rgb.end(), 3, value);
  std::uint8_t* bytes = nullptr;
  const std::size_t size = WebPEncodeLosslessRGB(rgb.data(), width, height, 3 * width, &bytes);
  const std::unique_ptr<std::uint8_t, decltype(&WebPFree)> owner(bytes, WebPFree);
  return {reinterpret_cast<const char*>(bytes), size};
}

/// Writes the same images below another folder, as files of another format.
void write_again(const fs::path& from, const Names& names, const fs::path& to, const std::string& extension,
                 std::string (*file_of)(int width, int height, const Pixels& gray)) {
  for (const auto& [name, label] : names) {
    std::istringstream pgm(read_text(from / name));
    std::string magic, rest;
    int width = 0, height = 0, largest = 0;
    pgm >> magic >> width >> height >> largest;
    pgm.get();
    Pixels gray(static_cast<std::size_t>(width * height));
    pgm.read(reinterpret_cast<char*>(gray.data()), static_cast<std::streamsize>(gray.size()));
    const fs::path file = (to / name).replace_extension(extension);
    fs::create_directories(file.parent_path());
    write_text(file, file_of(width, height, gray));
  }
}

/// The images with their labels as texts in one Parquet file.
std::string parquet_of(const fs::path& dir, const Names& names) {
  support::ParquetFile content{
      .columns = {{.name = "image.bytes"}, {.name = "image.path"}, {.name = "label"}}, .rows_a_group = 6};
  for (const auto& [name, label] : names) {
    content.columns[0].values.emplace_back(read_text(dir / name));
    content.columns[1].values.emplace_back(name);
    content.columns[2].values.emplace_back(label);
  }
  return support::parquet_of(content);
}

/// A table of these images with that between fields.
std::string table_of(const Names& names, const std::string& header, char between) {
  std::string text = header;
  std::ranges::replace(text, ',', between);
  for (const auto& [name, label] : names) text += '\n' + name + between + label;
  return text + '\n';
}

std::string objects_of(const Names& names, const std::string& path) {
  std::string text;
  for (const auto& [name, label] : names) text += Json({{path, name}, {"label", label}}).dump() + '\n';
  return text;
}

/// Counts of split.csv by "class split".
std::map<std::string, int> counts_of(const std::string& csv) {
  std::map<std::string, int> counts;
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "path,label,split");
  while (std::getline(lines, line)) {
    const auto comma = line.find(',');
    std::string rest = line.substr(comma + 1);
    std::ranges::replace(rest, ',', ' ');
    ++counts[rest];
  }
  return counts;
}

/// One thread: many threads that wait for each other take long on a machine that has other work.
const Words kOneThread{"--threads", "1", "--workers", "0"};

Words job(const std::string& data, const std::string& out, const Words& more = {}) {
  return Words{"tune",
               "--model",
               kDemo / "model.safetensors",
               "--data",
               data,
               "--method",
               "grft",
               "--epochs",
               "1",
               "--batch-size",
               "4",
               "--score-batches",
               "1",
               "--out",
               out} +
         kOneThread + more;
}

/// All tensors of a file, without its metadata.
std::string values_of(const std::string& path) {
  const engine::Safetensors file(path);
  std::string all;
  for (const std::string& name : file.names()) all += name + bits_of(file, name);
  return all;
}

TEST(Forms, go_through_tune_eval_and_predict_with_the_bits_of_folders) {
  const Folder folder;
  Names names = write_demo(folder / "images");
  fs::copy(folder / "images", folder / "beside", fs::copy_options::recursive);
  fs::copy(folder / "images", folder / "objects", fs::copy_options::recursive);
  std::ranges::reverse(names);  // a list may have any order
  write_text(folder / "images/all.csv", table_of(names, "path,label", ','));
  write_text(folder / "images/all.tsv", table_of(names, "file,class", '\t'));
  write_text(folder / "images/all.jsonl", objects_of(names, "image"));
  write_text(folder / "beside/metadata.csv", table_of(names, "file_name,label", ','));
  write_text(folder / "objects/metadata.jsonl", objects_of(names, "file_name"));
  write_again(folder / "images", names, folder / "webp", ".webp", webp_of);
  write_again(folder / "images", names, folder / "gif", ".gif",
              [](int width, int height, const Pixels& gray) { return support::gif_of(width, height, gray); });
  std::ranges::sort(names);  // rows are numbered, and a cut goes by class and name
  write_text(folder / "all.parquet", parquet_of(folder / "images", names));

  std::map<std::string, std::string> first;
  const auto same = [&](const std::string& what, const std::string& form, const std::string& value) {
    const auto [at, is_new] = first.emplace(what, value);
    EXPECT_TRUE(is_new || at->second == value) << what << " of " << form;
  };
  for (const std::string form : {"images", "images/all.csv", "images/all.tsv", "images/all.jsonl", "beside",
                                 "objects", "all.parquet", "webp", "gif"}) {
    const bool own_names = form == "all.parquet" || form == "webp" || form == "gif";
    std::string out = "runs/" + form;
    std::ranges::replace(out, '.', '-');
    out = folder / out;
    const Outcome tuned = run(job(folder / form, out, {"--json"}));
    const Json result = tuned.json();
    EXPECT_TRUE(
        tuned.noted("has no splits: cut into 12 train, 4 val, 4 test images, by --val-split 0.2 --test-split "
                    "0.2 --seed 0"))
        << tuned.err;
    for (const char* split : {"val", "test"})
      for (const char* field : {"top1", "loss"})
        same(split + std::string(field), form, result[split][field].dump());
    same("delta", form, values_of(out + "/delta.safetensors"));
    if (!own_names) same("split.csv", form, read_text(out + "/split.csv"));
    const Words tuned_model{
        "--model", kDemo / "model.safetensors", "--delta", out + "/delta.safetensors", "--threads", "1"};
    const Outcome judged =
        run(Words{"eval", "--data", folder / form, "--split", "test", "--json"} + tuned_model);
    for (const char* field : {"top1", "loss", "confusion"})
      EXPECT_EQ(judged.json()[field], result["test"][field]) << form;
    EXPECT_TRUE(judged.noted("as " + out + "/split.csv has them")) << judged.err;
    const std::string images = form == "webp" || form == "gif" ? form : "images";
    const Json predicted =
        run(Words{"predict", folder / (images + "/coat"), "--top", "1", "--json"} + tuned_model).json();
    EXPECT_EQ(predicted.size(), static_cast<std::size_t>(kEach));
    std::string classes;
    for (const Json& one : predicted) classes += one["top"].dump();
    same("predicted", form, classes);
  }
  // 5 of each class: 0.2 of them are one.
  for (const std::string& name : kClasses) {
    std::map<std::string, int> counts = counts_of(first["split.csv"]);
    EXPECT_EQ(counts[name + " train"], 3) << name;
    EXPECT_EQ(counts[name + " val"], 1) << name;
    EXPECT_EQ(counts[name + " test"], 1) << name;
  }
}

TEST(Forms, a_list_says_itself_which_split_an_image_is_in) {
  const Folder folder;
  const Names names = write_demo(folder / "images");
  const std::string a = folder / "a", b = folder / "b", c = folder / "c";
  ASSERT_EQ(run(job(folder / "images", a)).status, 0);
  // The record of a cut is such a list.
  write_text(folder / "images/all.csv", read_text(a + "/split.csv"));
  const Outcome listed = run(job(folder / "images/all.csv", b));
  ASSERT_EQ(listed.status, 0) << listed.err;
  EXPECT_FALSE(listed.noted("has no splits"));
  EXPECT_FALSE(fs::exists(b + "/split.csv"));
  const Outcome lists =
      run(Words{"tune", "--model", kDemo / "model.safetensors", "--train-list", folder / "images/all.csv",
                "--data-root", folder / "images", "--method", "grft", "--epochs", "1", "--batch-size", "4",
                "--score-batches", "1", "--out", c} +
          kOneThread);
  ASSERT_EQ(lists.status, 0) << lists.err;
  EXPECT_TRUE(read_text(b + "/delta.safetensors") == read_text(c + "/delta.safetensors"));
  // Where there was no cut, a delta has no record of one.
  const engine::Safetensors cut(a + "/delta.safetensors"), given(b + "/delta.safetensors");
  ASSERT_EQ(cut.names(), given.names());
  for (const std::string& name : cut.names()) EXPECT_EQ(bits_of(cut, name), bits_of(given, name)) << name;
  EXPECT_TRUE(cut.metadata().contains("cut_sha256"));
  EXPECT_FALSE(given.metadata().contains("cut_sha256"));
}

TEST(Cut, belongs_to_the_identity_of_a_run_and_is_taken_when_it_is_resumed) {
  const Folder folder;
  write_demo(folder / "images");
  const std::string out = folder / "run", data = folder / "images";
  ASSERT_EQ(run(job(data, out, {"--val-split", "0.2", "--seed", "3"})).status, 0);
  const std::string cut = read_text(out + "/split.csv"), delta = read_text(out + "/delta.safetensors");
  const Json config = read_json(out + "/config.json");
  EXPECT_EQ(config["val_split"], 0.2);
  EXPECT_EQ(config["test_split"], 0.0);
  EXPECT_EQ(config["identity"]["val_split"], 0.2);
  EXPECT_EQ(config["identity"]["cut_sha256"].get<std::string>().size(), 64u);

  const auto resumed = [&](const Words& more) { return run(job(data, out, Words{"--resume"} + more)); };
  const Outcome same = resumed({"--val-split", "0.2", "--seed", "3"});
  EXPECT_EQ(same.status, 0) << same.err;
  EXPECT_TRUE(same.noted("as " + out + "/split.csv has them")) << same.err;
  EXPECT_EQ(read_text(out + "/split.csv"), cut);
  EXPECT_TRUE(read_text(out + "/delta.safetensors") == delta);
  EXPECT_THAT(resumed({"--val-split", "0.3", "--seed", "3"}).error(2),
              HasSubstr("val_split was 0.2 and is 0.3"));
  EXPECT_THAT(resumed({"--val-split", "0.2", "--test-split", "0.2", "--seed", "3"}).error(2),
              HasSubstr("test_split was 0.0 and is 0.2"));
  EXPECT_THAT(resumed({"--val-split", "0.2", "--seed", "3", "--class-order", "natural"}).error(2),
              HasSubstr("class_order was \"sorted\" and is \"natural\""));
  EXPECT_THAT(resumed({"--val-split", "0.2", "--seed", "3", "--class-weights", "balanced"}).error(2),
              HasSubstr("class_weights was \"none\" and is \"balanced\""));

  fs::copy_file(fs::path(data) / "coat/0.pgm", fs::path(data) / "coat/new.pgm");
  EXPECT_THAT(resumed({"--val-split", "0.2", "--seed", "3"}).error(1),
              HasSubstr("split.csv: lacks coat/new.pgm, which is in the data; the cut is of other images"));
  fs::remove(fs::path(data) / "coat/new.pgm");
  fs::rename(fs::path(data) / "coat/0.pgm", folder / "gone.pgm");
  EXPECT_THAT(resumed({"--val-split", "0.2", "--seed", "3"}).error(1),
              HasSubstr("split.csv: lists coat/0.pgm which is not in the data"));
}

TEST(Cut, of_train_is_made_where_it_is_asked_for) {
  const Garden garden;
  fs::remove_all(garden.path() / "data/val");
  const Words words = garden.job("linear");
  const auto tune = [&](const std::string& name, const Words& more) {
    return run(Words{"tune", "--out", garden.run_folder(name)} + words + more);
  };
  EXPECT_FALSE(tune("uncut", {}).noted("cut into"));
  EXPECT_FALSE(fs::exists(garden.run_folder("uncut") + "/split.csv"));
  const Outcome cut = tune("cut", {"--val-split", "0.34"});
  ASSERT_EQ(cut.status, 0) << cut.err;
  EXPECT_TRUE(cut.noted("has no val split: train is cut into 12 train, 6 val images")) << cut.err;
  EXPECT_EQ(read_json(garden.run_folder("cut") + "/result.json")["test"]["images"], 9);
  EXPECT_THAT(tune("x", {"--test-split", "0.2"}).error(2),
              HasSubstr("--test-split: " + garden.data() + " has a test split already"));
  fs::remove_all(garden.path() / "data/test");
  EXPECT_THAT(tune("x", {"--test-split", "0.2"}).error(2),
              HasSubstr("--test-split has no effect: " + garden.data() +
                        " has a train split, which is cut only by --val-split"));
  EXPECT_THAT(tune("x", {"--group", "patient"}).error(2), HasSubstr("--group has no effect"));
  EXPECT_THAT(tune("x", {"--val-split", "0.34", "--group", "patient"}).error(2),
              HasSubstr("--group patient: " + garden.data() + " has no list"));
  EXPECT_THAT(tune("x", {"--val-split", "0.6", "--test-split", "0.4"}).error(2),
              HasSubstr("leave nothing to train on"));
  const Garden whole;
  EXPECT_THAT(run(Words{"tune", "--val-split", "0.2"} + whole.job("linear")).error(2),
              HasSubstr("--val-split: " + whole.data() + " has a val split already"));
}

TEST(Cut, keeps_the_images_of_a_patient_together) {
  const Folder folder;
  const Names names = write_demo(folder / "images", 15);
  std::string list = "path,label,patient\n";
  for (std::size_t i = 0; i < names.size(); ++i)
    list += names[i].first + ',' + names[i].second + ",p" + std::to_string(i / 3) + '\n';
  write_text(folder / "images/all.csv", list);
  ASSERT_EQ(run(job(folder / "images/all.csv", folder / "run", {"--group", "patient"})).status, 0);
  std::map<std::string, std::string> split_of;
  std::istringstream lines(read_text(folder / "run/split.csv"));
  for (std::string line; std::getline(lines, line);)
    split_of[line.substr(0, line.find(','))] = line.substr(line.rfind(',') + 1);
  for (std::size_t i = 0; i < names.size(); ++i) {
    ASSERT_TRUE(split_of.contains(names[i].first));
    EXPECT_EQ(split_of[names[i].first], split_of[names[i / 3 * 3].first]) << names[i].first;
  }
  EXPECT_EQ(counts_of(read_text(folder / "run/split.csv"))["coat val"], 3);
  EXPECT_EQ(read_json(folder / "run/config.json")["identity"]["group"], "patient");
}

TEST(ClassOrder, numbers_the_classes_of_a_run) {
  const Garden garden;
  for (const char* split : {"train", "val", "test"}) {
    int number = 10;
    for (const char* name : {"blue", "green", "red"}) {
      fs::rename(garden.path() / "data" / split / name,
                 garden.path() / "data" / split / std::to_string(number));
      number = number == 10 ? 9 : 100;
    }
  }
  garden.tune("linear", {}, "sorted");
  garden.tune("linear", {"--class-order", "natural"}, "natural");
  EXPECT_EQ(read_json(garden.run_folder("sorted") + "/config.json")["classes"], Json({"10", "100", "9"}));
  EXPECT_EQ(read_json(garden.run_folder("natural") + "/config.json")["classes"], Json({"9", "10", "100"}));
  EXPECT_EQ(read_json(garden.run_folder("natural") + "/config.json")["identity"]["class_order"], "natural");
  write_text(garden / "data/classes.txt", "100\n9\n10\n");
  garden.tune("linear", {}, "map");
  EXPECT_EQ(read_json(garden.run_folder("map") + "/config.json")["classes"], Json({"100", "9", "10"}));
  EXPECT_THAT(
      run(Words{"tune", "--class-order", "natural"} + garden.job("linear")).error(2),
      HasSubstr("--class-order natural: the classes have the order of " + garden.data() + "/classes.txt"));
}

TEST(ClassWeights, act_on_the_loss_that_is_trained_on) {
  const Garden garden;
  for (const char* name : {"03.ppm", "04.ppm", "05.ppm"})
    ASSERT_TRUE(fs::remove(garden.path() / "data/train/red" / name));
  garden.tune("linear", {}, "plain");
  garden.tune("linear", {"--class-weights", "balanced"}, "balanced");
  EXPECT_FALSE(read_text(garden.run_folder("plain") + "/delta.safetensors") ==
               read_text(garden.run_folder("balanced") + "/delta.safetensors"));
  EXPECT_EQ(read_json(garden.run_folder("balanced") + "/config.json")["class_weights"], "balanced");
  EXPECT_EQ(read_json(garden.run_folder("plain") + "/config.json")["class_weights"], "none");
  fs::remove_all(garden.path() / "data/train/red");
  fs::create_directory(garden.path() / "data/train/red");
  EXPECT_THAT(run(Words{"tune", "--allow-empty-class", "--class-weights", "balanced"} + garden.job("linear"))
                  .error(1),
              HasSubstr("--class-weights balanced: class red has no image to train on"));
}

TEST(Forms, without_labels_are_predicted_and_evaluated_as_far_as_that_goes) {
  const Garden garden;
  fs::create_directory(garden.path() / "flat");
  for (int i = 0; i < 3; ++i) write_text(garden / ("flat/" + std::to_string(i) + ".ppm"), image(i, i));
  const Words model = Words{"--model", garden.model()};
  const Json all = run(Words{"predict", "--json", garden / "flat", garden / "flat/0.ppm"} + model).json();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0], all[3]);
  EXPECT_EQ(all[1]["file"], garden / "flat/1.ppm");

  const Words eval = Words{"eval", "--data", garden / "flat"} + model;
  const Json judged =
      run(eval + Words{"--json", "--csv", garden / "all.csv", "--logits", garden / "all.safetensors"}).json();
  EXPECT_EQ(keys(judged), (Words{"images", "skipped", "seconds", "confidence", "predicted"}));
  EXPECT_EQ(judged["images"], 3);
  std::map<std::string, int> counts;
  double confidence = 0;
  std::string csv = "file,label,predicted,probability\n";
  for (int i = 0; i < 3; ++i) {
    const Json best = all[static_cast<std::size_t>(i)]["top"][0];
    const std::string name = best["class"];
    ++counts[name], confidence += best["probability"].get<double>() / 3;
    csv += garden / ("flat/" + std::to_string(i) + ".ppm,,") + name + ',';
    csv += best["probability"].dump() + '\n';
  }
  for (const auto& [name, count] : counts) EXPECT_EQ(judged["predicted"][name], count);
  EXPECT_EQ(judged["predicted"].size(), counts.size());
  EXPECT_NEAR(judged["confidence"], confidence, 1e-12);
  EXPECT_EQ(read_text(garden / "all.csv"), csv);
  const engine::Tensor labels = engine::Safetensors(garden / "all.safetensors").read("labels");
  EXPECT_THAT(labels.data<std::int64_t>(), ::testing::ElementsAre(-1, -1, -1));
  EXPECT_THAT(run(eval).out, HasSubstr("3 images without labels"));
  write_text(garden / "flat/bad.png", "no image");
  EXPECT_THAT(run(eval).error(1), HasSubstr("bad.png: is not a JPEG"));
  EXPECT_EQ(run(eval + Words{"--on-bad-image", "skip", "--json"}).json()["skipped"], 1);
  fs::remove(garden.path() / "flat/bad.png");

  EXPECT_THAT(
      run(Words{"tune", "--data", garden / "flat"} + model).error(1),
      HasSubstr(
          "flat: holds images without labels; they lie in <class>/<image>, or a metadata.csv lists them"));
  fs::create_directory(garden.path() / "empty");
  EXPECT_THAT(run(Words{"predict", garden / "empty"} + model).error(1),
              HasSubstr("empty: no images in this folder"));
}

TEST(Cut, is_refused_by_a_comparison) {
  const Garden garden;
  EXPECT_THAT(run({"compare", "--model", garden.model(), "--task", "a=" + garden.data() + "/train",
                   "--methods", "linear", "--lrs", "0.1", "--out", garden / "compared"})
                  .error(1),
              HasSubstr("has no splits; a comparison needs train, val and test"));
}

}  // namespace
}  // namespace end_to_end
