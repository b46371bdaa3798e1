#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/codecs/decode.h"
#include "tests/data/exif_bytes.h"
#include "tests/data/png_bytes.h"
#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kFailed = 1;

/// Bad images beside the garden's own: what is no image, is cut off, waits for a writer, leads nowhere.
Words spoil(const Garden& garden) {
  const std::string data = garden.data();
  write_text(data + "/train/blue/00a.jpg", "<html>404 not found</html>");
  write_text(data + "/train/green/99.ppm", image(1, 7).substr(0, 100));
  ::mkfifo((data + "/train/red/pipe.png").c_str(), 0600);
  fs::create_symlink("gone", data + "/val/red/gone.jpg");
  write_text(data + "/test/blue/new\nline.png", "");
  return {data + "/train/blue/00a.jpg", data + "/train/green/99.ppm", data + "/train/red/pipe.png",
          data + "/val/red/gone.jpg", data + "/test/blue/new\nline.png"};
}

const Words kSkip{"--on-bad-image", "skip"};

/// The objects among the lines on stderr.
std::vector<Json> listed(const Outcome& outcome) {
  std::istringstream lines(outcome.err);
  std::vector<Json> objects;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with('{')) objects.push_back(Json::parse(line));
  return objects;
}

Words files_of(const std::vector<Json>& skipped) {
  Words files;
  for (const Json& bad : skipped) files.push_back(bad["file"]);
  return files;
}

Words eval_words(const Garden& garden, const std::string& run = "run") {
  return {"eval",   "--model",     garden.model(), "--delta", garden.run_folder(run) + "/delta.safetensors",
          "--data", garden.data(), "--json"};
}

TEST(BadImage, ends_a_run_with_one_line_that_names_it) {
  ::alarm(120);  // a pipe must not be waited for
  for (std::size_t i = 0; i < 5; ++i) {
    const Garden garden;
    const Words bad = spoil(garden);
    for (std::size_t j = 0; j < 5; ++j)
      if (j != i) fs::remove(bad[j]);
    const Words call =
        Words{"tune"} + garden.job("linear") + Words{"--out", garden.run_folder(), "--epochs", "2"};
    std::string named = bad[i];
    std::ranges::replace(named, '\n', ' ');
    EXPECT_THAT(run(call).error(kFailed), HasSubstr(named));
  }
  ::alarm(0);
}

TEST(BadImage, is_skipped_on_request_and_listed) {
  ::alarm(120);
  const Garden garden;
  const Words bad = spoil(garden);
  const Outcome outcome = garden.tune("linear", kSkip);
  EXPECT_EQ(outcome.json()["skipped"], 5);
  for (const char* split : {"val", "test"}) EXPECT_EQ(outcome.json()[split]["skipped"], 1) << split;
  EXPECT_TRUE(outcome.noted("note: 5 images skipped: " + bad[0] +
                            ": is not a JPEG, PNG, WebP, GIF, BMP or PPM/PGM image (looks like HTML) | "))
      << outcome.err;
  EXPECT_TRUE(outcome.noted("| 2 more\n")) << outcome.err;
  const std::vector<Json> skipped = read_lines(garden.run_folder() + "/skipped.jsonl");
  EXPECT_EQ(files_of(skipped), bad);
  EXPECT_THAT(keys(skipped[0]), ElementsAre("file", "reason", "split"));
  EXPECT_EQ(skipped[0]["split"], "train");
  EXPECT_EQ(skipped[3]["split"], "val");
  EXPECT_EQ(skipped[2]["reason"], "is not a regular file");
  EXPECT_THAT(std::string(skipped[3]["reason"]), HasSubstr("cannot be opened"));
  EXPECT_EQ(read_json(garden.run_folder() + "/result.json")["skipped"], 5);
  EXPECT_EQ(read_json(garden.run_folder() + "/config.json")["on_bad_image"], "skip");

  const Outcome eval = run(eval_words(garden) + kSkip);
  EXPECT_EQ(eval.json()["skipped"], 1) << "only of the split that is evaluated";
  EXPECT_EQ(eval.json()["images"], Garden::kClasses * Garden::kTest);
  EXPECT_THAT(files_of(listed(eval)), ElementsAre(bad[4]));

  const Outcome select = run(Words{"select", "--json"} + garden.job("grft") + kSkip);
  EXPECT_EQ(select.json()["skipped"], 3);
  EXPECT_EQ(files_of(listed(select)), (Words{bad[0], bad[1], bad[2]}));
  const Outcome both = run(Words{"select", "--json", "--on", "train+val"} + garden.job("grft") + kSkip);
  EXPECT_EQ(both.json()["skipped"], 4);
  ::alarm(0);
}

// What is skipped leaves no trace in the results: order, augmentation and mixing go by the others' places.
TEST(BadImage, when_skipped_gives_the_bits_of_data_without_it_for_any_workers) {
  const Words how{"--augment", "fgvc", "--mixup", "0.5", "--score-batches", "2"};
  const Garden garden;
  garden.tune("grft", how, "good");
  const std::string good = read_text(garden.run_folder("good") + "/delta.safetensors");
  EXPECT_FALSE(fs::exists(garden.run_folder("good") + "/skipped.jsonl"));
  spoil(garden);
  for (const char* workers : {"0", "1", "4"}) {
    const std::string name = std::string("workers") + workers;
    const Json result = garden.tune("grft", how + kSkip + Words{"--workers", workers}, name).json();
    EXPECT_TRUE(read_text(garden.run_folder(name) + "/delta.safetensors") == good) << workers;
    EXPECT_EQ(result["test"]["images"], Garden::kClasses * Garden::kTest);
    EXPECT_EQ(read_text(garden.run_folder(name) + "/skipped.jsonl"),
              read_text(garden.run_folder("workers0") + "/skipped.jsonl"));
  }
}

TEST(BadImage, is_skipped_again_when_a_run_is_resumed) {
  const Garden garden;
  spoil(garden);
  garden.tune("linear", kSkip + Words{"--epochs", "2"});
  const std::string delta = read_text(garden.run_folder() + "/delta.safetensors");
  const Json again = garden.tune("linear", kSkip + Words{"--epochs", "2", "--resume"}).json();
  EXPECT_EQ(again["skipped"], 5);
  EXPECT_TRUE(read_text(garden.run_folder() + "/delta.safetensors") == delta);
}

TEST(BadImage, list_of_an_earlier_run_does_not_stay) {
  const Garden garden;
  const Words bad = spoil(garden);
  garden.tune("linear", kSkip);
  for (const std::string& file : bad) fs::remove(file);
  EXPECT_EQ(garden.tune("linear", kSkip + Words{"--overwrite"}).json()["skipped"], 0);
  EXPECT_EQ(read_text(garden.run_folder() + "/skipped.jsonl"), "");
  EXPECT_EQ(garden.tune("linear", {"--overwrite"}).json()["skipped"], 0);
  EXPECT_FALSE(fs::exists(garden.run_folder() + "/skipped.jsonl"));
}

TEST(BadImage, of_a_list_or_without_train_is_skipped_too) {
  const Garden garden;
  garden.tune("linear");
  std::string list;
  for (const char* line :
       {"test/blue/40.ppm 0\n", "test/blue/gone.ppm 0\n", "test/green/40.ppm 1\n", "test/red/40.ppm 2\n"})
    list += line;
  write_text(garden / "test.txt", list);
  write_text(garden.data() + "/classes.txt", "blue\ngreen\nred\n");
  const Words model{"--model", garden.model(), "--delta", garden.run_folder() + "/delta.safetensors",
                    "--json"};
  const Outcome lists =
      run(Words{"eval", "--test-list", garden / "test.txt", "--data-root", garden.data()} + model + kSkip);
  EXPECT_EQ(lists.json()["images"], 3);
  EXPECT_THAT(files_of(listed(lists)), ElementsAre(garden.data() + "/test/blue/gone.ppm"));
  fs::remove_all(garden.data() + "/train");
  write_text(garden.data() + "/test/red/41.ppm", "");
  const Outcome alone = run(Words{"eval", "--data", garden.data()} + model + kSkip);
  EXPECT_EQ(alone.json()["images"], 8);
  EXPECT_EQ(alone.json()["skipped"], 1);
}

TEST(BadImage, skipped_with_all_others_of_its_class_is_an_error) {
  const Garden garden;
  for (const auto& file : fs::directory_iterator(garden.data() + "/val/green")) write_text(file, "");
  EXPECT_THAT(
      run(Words{"tune"} + garden.job("linear") + Words{"--out", garden.run_folder()} + kSkip).error(kFailed),
      AllOf(HasSubstr("val has no image of class green that can be read, of 3"), HasSubstr("is empty")));
  EXPECT_FALSE(fs::exists(garden.run_folder()));
  EXPECT_EQ(run(Words{"select"} + garden.job("grft") + kSkip).status, 0) << "val is not used";
  // What is left must fill a batch.
  for (const auto& file : fs::directory_iterator(garden.data() + "/train/green"))
    if (file.path().filename() != "05.ppm") write_text(file, "");
  EXPECT_THAT(
      run(Words{"select", "--model", garden.model(), "--data", garden.data(), "--batch-size", "14"} + kSkip)
          .error(kFailed),
      HasSubstr("the data has 13 images to train on"));
}

TEST(BadImage, policy_is_error_or_skip_and_shown_by_the_help) {
  const Garden garden;
  for (const char* command : {"tune", "select", "eval"}) {
    EXPECT_THAT(run({command, "--help-all"}).out, AllOf(HasSubstr("--on-bad-image"), HasSubstr("error|skip")))
        << command;
    EXPECT_THAT(run({command, "--on-bad-image", "ignore"}).error(2), HasSubstr("error|skip")) << command;
  }
  EXPECT_THAT(garden.tune("linear").err, Not(HasSubstr("skipped")));
  EXPECT_EQ(run(eval_words(garden)).json()["skipped"], 0);
  EXPECT_THAT(listed(run(eval_words(garden))), IsEmpty());
}

/// The garden with images whose files go on behind their pixels, or say how they are to be turned.
void damage_without_harm(const Garden& garden) {
  const auto replace = [&](const std::string& name, const std::string& before, const std::string& more) {
    const fs::path file = garden.data() + "/" + name + ".ppm";
    const std::string text = read_text(file);
    const data::Image image = data::decode_image(std::as_bytes(std::span(text)), name);
    fs::remove(file);
    std::string raw;
    for (Index y = 0; y < image.height; ++y)
      raw.append(1, '\0').append(reinterpret_cast<const char*>(image.row(y)),
                                 static_cast<std::size_t>(image.width * 3));
    write_text(garden.data() + "/" + name + ".png",
               data::png(data::png_header(static_cast<std::uint32_t>(image.width),
                                          static_cast<std::uint32_t>(image.height), 8, 2),
                         raw + more, before));
  };
  for (const char* name : {"train/red/00", "train/red/01", "val/red/20", "test/red/40"})
    replace(name, "", "x");
  replace("train/blue/00", data::png_chunk("eXIf", data::exif(6)), "");
  replace("test/blue/40", data::png_chunk("eXIf", data::exif(3)), "");
}

/// The notes on stderr that name an image as an example.
Words image_notes(const Outcome& outcome) {
  std::istringstream lines(outcome.err);
  Words all;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("note:") && line.find("such as") != std::string::npos) all.push_back(line);
  return all;
}

TEST(ImageNotes, are_given_once_for_each_kind_by_every_command_that_reads_images) {
  const Garden garden;
  damage_without_harm(garden);
  const auto damaged = [&](int count, const char* first) {
    return HasSubstr("note: " + std::to_string(count) + (count == 1 ? " image has" : " images have") +
                     " damage that touches no pixel, such as " + garden.data() + "/" + first);
  };
  const auto stored = [&](int count, const char* first) {
    return HasSubstr("note: " + std::to_string(count) + (count == 1 ? " image has" : " images have") +
                     " an EXIF orientation that is not followed, such as " + garden.data() + "/" + first);
  };
  const auto all = ElementsAre(damaged(4, "test/red/40.png"), stored(2, "test/blue/40.png"));
  const Outcome tuned = garden.tune("grft");
  EXPECT_THAT(image_notes(tuned), all) << tuned.err;
  EXPECT_THAT(image_notes(garden.tune("linear", kSkip, "skip")), all);
  EXPECT_THAT(image_notes(run(Words{"select", "--json"} + garden.job("grft"))),
              ElementsAre(damaged(2, "train/red/00.png"), stored(1, "train/blue/00.png")));
  const auto of_test = ElementsAre(damaged(1, "test/red/40.png"), stored(1, "test/blue/40.png"));
  EXPECT_THAT(image_notes(run(eval_words(garden))), of_test);
  EXPECT_THAT(image_notes(run(eval_words(garden) + kSkip)), of_test);
  EXPECT_THAT(image_notes(run(eval_words(garden) + Words{"--exif-rotate=off"})),
              ElementsAre(damaged(1, "test/red/40.png")));
  const Words predict{"predict", garden.data() + "/test/red/40.png", garden.data() + "/test/blue/40.png",
                      "--model", garden.model()};
  EXPECT_THAT(image_notes(run(predict)), of_test);
  EXPECT_THAT(image_notes(run(predict + Words{"--dry-run"})), of_test);
  EXPECT_THAT(image_notes(run(predict + Words{"--exif-rotate"})), ElementsAre(damaged(1, "test/red/40.png")));
  fs::remove_all(garden.data() + "/train");  // test stands alone
  EXPECT_THAT(image_notes(run(eval_words(garden))), of_test);
}

TEST(ImageNotes, are_errors_with_strict) {
  const Garden garden;
  const Words quiet{"--mean", "0.5,0.5,0.5", "--exif-rotate=off", "--strict"};  // nothing else to note
  garden.tune("linear", quiet);
  damage_without_harm(garden);
  const auto named = HasSubstr("bytes of its pixels");
  EXPECT_THAT(run(Words{"tune"} + garden.job("linear") + Words{"--out", garden.run_folder("strict")} + quiet)
                  .error(kFailed),
              AllOf(HasSubstr(garden.data() + "/"), named, HasSubstr("(--strict)")));
  EXPECT_THAT(run(Words{"select"} + garden.job("grft") + quiet).error(kFailed), named);
  EXPECT_THAT(run(eval_words(garden) + quiet).error(kFailed), named);
  EXPECT_THAT(run(eval_words(garden) + quiet + kSkip).error(kFailed), named);
  const Outcome predicted =
      run(Words{"predict", garden.data() + "/test/red/40.png", "--model", garden.model()} + quiet);
  EXPECT_EQ(predicted.status, kFailed);
  EXPECT_TRUE(predicted.noted("(--strict)")) << predicted.err;
}

TEST(EmptyClass, is_taken_when_that_is_allowed) {
  const Garden garden;
  fs::create_directories(garden.data() + "/train/violet");
  EXPECT_EQ(garden.tune("linear", {"--allow-empty-class"}).status, 0);
  const Json classes = read_json(garden.run_folder() + "/config.json")["classes"];
  EXPECT_THAT(classes, ElementsAre("blue", "green", "red", "violet"));
}

TEST(OddData, is_noted_in_one_line_each) {
  const Garden garden;
  fs::copy(garden.data() + "/train/red", garden.data() + "/train/Re\nd");
  fs::copy(garden.data() + "/train/red", garden.data() + "/train/re\nd");
  const Outcome outcome = garden.tune("linear");
  EXPECT_TRUE(
      outcome.noted("train: the classes Re d and re d differ in case alone; they are taken for two\n"))
      << outcome.err;
}

}  // namespace
}  // namespace end_to_end
