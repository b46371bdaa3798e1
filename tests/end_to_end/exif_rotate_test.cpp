// --exif-rotate: photographs that lie on their side in their files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/data/exif_bytes.h"
#include "tests/data/png_bytes.h"
#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using engine::Safetensors;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kRefused = 2;
const Words kRotate{"--exif-rotate"};

/// The garden's images as PNG, once upright and once as a camera that was turned stores them: an orientation
/// says how they are to be turned back.
class TurnedGarden : public Garden {
 public:
  TurnedGarden() {
    int orientation = 0;
    for (const auto& entry : fs::recursive_directory_iterator(data())) {
      if (!entry.is_regular_file()) continue;
      const std::string text = read_text(entry.path());
      data::Image upright = data::decode_image(std::as_bytes(std::span(text)), "image");
      const std::string name = fs::relative(entry.path(), data()).replace_extension(".png");
      write_text(path() / "upright" / name, data::png_of(upright));
      orientation = orientation % 8 + 1;
      upright.orientation = orientation == 6 ? 8 : orientation == 8 ? 6 : orientation;  // its inverse
      write_text(path() / "turned" / name,
                 data::png_of(data::upright(upright), data::png_chunk("eXIf", data::exif(orientation))));
    }
  }
  std::string upright() const { return *this / "upright"; }
  std::string turned() const { return *this / "turned"; }

  Words tune_words(const std::string& images, const std::string& name, const Words& more = {}) const {
    return Words{"tune", "--model", model(),          "--data",   images, "--method", "grft", "--batch-size",
                 "6",    "--out",   run_folder(name), "--epochs", "1",    "--lr",     "0.01", "--json"} +
           more;
  }
  Words delta(const std::string& name) const { return {"--delta", run_folder(name) + "/delta.safetensors"}; }
  Words eval(const std::string& images, const Words& more) const {
    return Words{"eval", "--model", model(), "--data", images, "--json"} + more;
  }
};

/// What an evaluation says, but for its time.
Json figures(const Outcome& outcome) {
  Json all = outcome.json();
  all.erase("seconds");
  return all;
}

TEST(ExifRotate, makes_a_turned_copy_of_the_data_the_same_data) {
  const TurnedGarden garden;
  ASSERT_EQ(run(garden.tune_words(garden.upright(), "up")).status, 0);
  const Outcome tuned = run(garden.tune_words(garden.turned(), "turned", kRotate));
  ASSERT_EQ(tuned.status, 0) << tuned.err;
  const Safetensors up(garden.run_folder("up") + "/delta.safetensors"),
      turned(garden.run_folder("turned") + "/delta.safetensors");
  for (const std::string& name : up.names()) EXPECT_EQ(bits_of(up, name), bits_of(turned, name)) << name;

  // The run says so, and everything that goes on from it turns images without being asked to.
  EXPECT_EQ(read_json(garden.run_folder("turned") + "/config.json")["exif_rotate"], true);
  EXPECT_EQ(read_json(garden.run_folder("turned") + "/config.json")["preprocessing"]["exif_rotate"], true);
  EXPECT_EQ(Json::parse(turned.metadata().at("preprocessing"))["exif_rotate"], true);
  const Json expected = figures(run(garden.eval(garden.upright(), garden.delta("up"))));
  const Words delta = garden.delta("turned");
  EXPECT_EQ(figures(run(garden.eval(garden.turned(), delta))), expected);
  EXPECT_EQ(figures(run(garden.eval(garden.turned(), delta + kRotate))), expected);
  EXPECT_NE(figures(run(garden.eval(garden.turned(), garden.delta("up"))))["loss"], expected["loss"])
      << "as stored they are other images";
  const std::string merged = garden / "merged.safetensors";
  ASSERT_EQ(run(Words{"merge", "--model", garden.model(), "--out", merged} + delta).status, 0);
  const Words of_merged{"eval", "--model", merged, "--json", "--data"};
  EXPECT_EQ(figures(run(of_merged + Words{garden.turned()})), expected);

  const auto predicted = [&](const std::string& images, const Words& more) {
    return run(Words{"predict", images + "/test/red/40.png", "--model", garden.model(), "--json"} + more)
        .json()[0]["top"];
  };
  EXPECT_EQ(predicted(garden.turned(), delta), predicted(garden.upright(), garden.delta("up")));
  EXPECT_EQ(predicted(garden.turned(), kRotate), predicted(garden.upright(), {}));
}

TEST(ExifRotate, other_than_a_delta_has_it_is_refused) {
  const TurnedGarden garden;
  ASSERT_EQ(run(garden.tune_words(garden.turned(), "turned", kRotate)).status, 0);
  ASSERT_EQ(run(garden.tune_words(garden.upright(), "up")).status, 0);
  const Words off{"--exif-rotate=off"}, force{"--force"};
  for (const auto& [name, option] : {std::pair{"turned", off}, std::pair{"up", kRotate}}) {
    const Words words = garden.eval(garden.turned(), garden.delta(name) + option);
    EXPECT_THAT(run(words).error(kRefused),
                AllOf(HasSubstr("delta.safetensors: trained on images"), HasSubstr("--exif-rotate")));
    EXPECT_EQ(run(words + force).status, 0);
    const std::string merged = garden / "merged.safetensors";
    EXPECT_EQ(
        run(Words{"merge", "--model", garden.model(), "--out", merged} + garden.delta(name) + option).status,
        kRefused);
    EXPECT_FALSE(fs::exists(merged));
  }
}

TEST(ExifRotate, is_part_of_what_a_run_is) {
  const TurnedGarden garden;
  for (const auto& [first, then] : {std::pair{Words{}, kRotate}, std::pair{kRotate, Words{}}}) {
    const std::string name = first.empty() ? "stored" : "turned";
    ASSERT_EQ(run(garden.tune_words(garden.turned(), name, first)).status, 0);
    EXPECT_THAT(run(garden.tune_words(garden.turned(), name, then + Words{"--resume"})).error(kRefused),
                HasSubstr("exif_rotate was"));
  }
  // A run of a version that had no such field.
  const fs::path config = garden.run_folder("stored") + "/config.json";
  Json before = read_json(config);
  before["identity"]["preprocessing"].erase("exif_rotate");
  write_text(config, before.dump());
  EXPECT_THAT(run(garden.tune_words(garden.turned(), "stored", kRotate + Words{"--resume"})).error(kRefused),
              HasSubstr("exif_rotate was false and is true"));
  EXPECT_EQ(run(garden.tune_words(garden.turned(), "stored", {"--resume"})).status, 0);
}

}  // namespace
}  // namespace end_to_end
