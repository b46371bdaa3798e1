#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/end_to_end/long_run.h"

namespace end_to_end {
namespace {

using ::testing::HasSubstr;

class PrefixCache : public Garden {
 public:
  std::string kept() const { return *this / "kept"; }
  Outcome run_of(const std::string& name, const Words& words) const {
    const Outcome outcome =
        run(Words{"tune", "--model", model(), "--data", data(), "--out", run_folder(name)} + words +
            defaults(words));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome;
  }
  static Words defaults(const Words& given) {
    Words more;
    for (const auto& [option, value] : {std::pair{"--batch-size", "4"}, std::pair{"--lr", "0.01"}})
      if (std::ranges::find(given, option) == given.end()) more = more + Words{option, value};
    return more;
  }
  Json what_was_kept(const std::string& name) const {
    return read_json(fs::path(run_folder(name)) / "result.json")["prefix_cache"];
  }
  Words files(const fs::path& folder) const {
    Words found;
    if (!fs::exists(folder)) return found;
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().filename().string().starts_with("prefix-")) found.push_back(entry.path().filename());
    return found;
  }
};

struct Way {
  const char* name;
  Words words;
  const char* below;
  Index images;  ///< that are kept in memory: 18 to train on, 9 of val
};
void PrintTo(const Way& way, std::ostream* os) {
  *os << way.name;
}
class PrefixCacheOf : public ::testing::TestWithParam<Way> {};

TEST_P(PrefixCacheOf, a_run_changes_no_bit_of_it) {
  const PrefixCache garden;
  const Words words = GetParam().words + Words{"--epochs", "3"};
  garden.run_of("off", words + Words{"--prefix-cache", "off"});
  EXPECT_TRUE(garden.what_was_kept("off").is_null());
  garden.run_of("auto", words);
  garden.run_of("first", words + Words{"--prefix-cache", garden.kept()});
  garden.run_of("second", words + Words{"--prefix-cache", garden.kept(), "--threads", "1"});
  for (const char* name : {"auto", "first", "second"})
    expect_same_run(garden.run_folder(name), garden.run_folder("off"));
  const Json in_memory = garden.what_was_kept("auto"), second = garden.what_was_kept("second");
  EXPECT_EQ(in_memory["below"], GetParam().below);
  EXPECT_EQ(in_memory["images"], GetParam().images);
  EXPECT_EQ(in_memory["computed"], in_memory["images"]);
  EXPECT_EQ(in_memory["file_bytes"], 0);
  EXPECT_THAT(garden.files(garden.run_folder("auto")), ::testing::IsEmpty());
  EXPECT_EQ(garden.what_was_kept("first")["computed"], second["images"]);
  EXPECT_EQ(second["computed"], 0);
}

INSTANTIATE_TEST_SUITE_P(
    , PrefixCacheOf,
    ::testing::Values(
        Way{"last_block", {"--method", "last-k", "--blocks", "1"}, "block 1", 27},
        Way{"frozen_blocks", {"--method", "grft", "--k", "1", "--freeze-blocks", "1"}, "block 1", 27},
        Way{"scored_as_it_is",
            {"--method", "gps", "--freeze-blocks", "1", "--score-augment", "none", "--keep", "best"},
            "block 1",
            27},
        Way{"scored_by_cross_entropy",
            {"--method", "sift", "--freeze-blocks", "1", "--on", "train+val", "--ema", "0.9"},
            "block 1",
            27},
        Way{"fixed_variants",
            {"--method", "last-k", "--blocks", "1", "--augment", "flip", "--augment-copies", "1"},
            "block 1",
            27},
        Way{"recomputed_blocks",
            {"--method", "last-k", "--blocks", "1", "--recompute", "blocks", "--grad-accum", "2"},
            "block 1",
            27},
        Way{"probe", {"--method", "linear", "--no-test"}, "the backbone", 27}),
    [](const auto& way) { return std::string(way.param.name); });

TEST(PrefixCache, keeps_every_variant_of_an_image) {
  const PrefixCache garden;
  const Words words{"--method", "last-k",           "--blocks", "1",        "--augment",
                    "flip",     "--augment-copies", "2",        "--epochs", "4"};
  garden.run_of("off", words + Words{"--prefix-cache", "off"});
  garden.run_of("kept", words + Words{"--prefix-cache", garden.kept()});
  expect_same_run(garden.run_folder("kept"), garden.run_folder("off"));
  EXPECT_EQ(garden.what_was_kept("kept")["images"], 2 * 18 + 9 + 9);
  // Another seed draws other variants; images that are not varied stay.
  garden.run_of("other", words + Words{"--prefix-cache", garden.kept(), "--seed", "1"});
  EXPECT_EQ(garden.what_was_kept("other")["computed"], 2 * 18);
}

TEST(PrefixCache, leaves_out_images_that_are_never_the_same) {
  const PrefixCache garden;
  for (const Words& words : {Words{"--augment", "flip"}, Words{"--mixup", "0.4"}, Words{"--cutmix", "1"},
                             Words{"--drop-path", "0.2"}}) {
    fs::remove_all(garden.run_folder());
    garden.run_of("run", words + Words{"--method", "last-k", "--blocks", "1", "--epochs", "2"});
    EXPECT_EQ(garden.what_was_kept("run")["images"], 9) << words[0];  // of val
  }
  for (const Words& words : {Words{"--method", "full"}, Words{"--method", "lora"}, Words{"--method", "vpt"},
                             Words{"--method", "lisa"}, Words{"--method", "bitfit"}}) {
    fs::remove_all(garden.run_folder());
    garden.run_of("run", words + Words{"--epochs", "2"});
    EXPECT_TRUE(garden.what_was_kept("run").is_null()) << words[1];
  }
}

TEST(PrefixCache, is_not_made_for_images_that_are_seen_once) {
  const PrefixCache garden;
  garden.run_of("run", {"--method", "last-k", "--blocks", "1", "--epochs", "1", "--eval-every", "9"});
  EXPECT_TRUE(garden.what_was_kept("run").is_null());
}

TEST(PrefixCache, never_exceeds_its_bound) {
  const PrefixCache garden;
  const Words words{"--method", "last-k", "--blocks", "1", "--epochs", "2"};
  garden.run_of("off", words + Words{"--prefix-cache", "off"});
  const Outcome small = garden.run_of("small", words + Words{"--prefix-cache", "8KB"});
  EXPECT_THAT(small.err, HasSubstr("are more than --prefix-cache has room for, and not kept"));
  EXPECT_EQ(garden.what_was_kept("small")["images"], 9);
  const Outcome full = garden.run_of("full", words + Words{"--prefix-cache", garden.kept() + ",20KB"});
  EXPECT_THAT(full.err, HasSubstr("more than --prefix-cache has room for, and kept in memory alone"));
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(garden.kept())) bytes += entry.file_size();
  EXPECT_GT(bytes, 8000u);
  EXPECT_LE(bytes, 20000u);
  for (const char* name : {"small", "full"})
    expect_same_run(garden.run_folder(name), garden.run_folder("off"));
}

TEST(PrefixCache, counts_the_files_of_other_variants_in_its_bound) {
  const PrefixCache garden;
  const Words words{"--method", "last-k", "--blocks", "1", "--no-test", "--on", "train+val"};
  garden.run_of("varied", words + Words{"--epochs", "8", "--augment", "flip", "--augment-copies", "4",
                                        "--prefix-cache", garden.kept() + ",120KB"});
  garden.run_of("plain", words + Words{"--epochs", "2", "--prefix-cache", garden.kept() + ",120KB"});
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(garden.kept())) bytes += entry.file_size();
  EXPECT_GT(bytes, 50000u);
  EXPECT_LE(bytes, 120000u);
}

TEST(PrefixCache, passes_over_an_image_that_the_run_never_looks_at) {
  const PrefixCache garden;
  write_text(garden.data() + "/train/red/99.ppm", "P6\n1 1\n255\n");  // the last one, which fills no batch
  const Words words{"--method", "last-k",       "--blocks",     "1", "--epochs",
                    "2",        "--no-shuffle", "--batch-size", "6"};
  garden.run_of("off", words + Words{"--prefix-cache", "off"});
  EXPECT_THAT(garden.run_of("auto", words).err, HasSubstr("the activations of train are not kept"));
  expect_same_run(garden.run_folder("auto"), garden.run_folder("off"));
}

TEST(PrefixCache, leaves_nothing_of_a_run_that_was_killed_while_it_wrote_to_its_folder) {
  const PrefixCache garden;
  const Words words{"--method", "last-k", "--blocks", "1", "--epochs", "2"};
  garden.run_of("run", words);
  const std::string hidden = "/.prefix-train-block2-0.safetensors.tmp.unknown.1.0";
  write_text(garden.run_folder("run") + hidden, "half");
  garden.run_of("run", words + Words{"--resume"});
  EXPECT_FALSE(fs::exists(garden.run_folder("run") + hidden));
}

TEST(PrefixCache, serves_other_methods_rates_and_seeds_at_the_same_depth) {
  const PrefixCache garden;
  const auto kept = [&](const std::string& name, const Words& words) {
    garden.run_of(name, words + Words{"--epochs", "2", "--prefix-cache", garden.kept()});
    return garden.what_was_kept(name)["computed"].get<Index>();
  };
  EXPECT_EQ(kept("first", {"--method", "last-k", "--blocks", "1"}), 36);
  EXPECT_EQ(kept("rate", {"--method", "last-k", "--blocks", "1", "--lr", "0.1", "--seed", "5"}), 0);
  EXPECT_EQ(kept("method", {"--method", "grft", "--k", "1", "--freeze-blocks", "1"}), 0);
  EXPECT_EQ(kept("batch", {"--method", "last-k", "--blocks", "1", "--batch-size", "7"}), 0);
  EXPECT_EQ(kept("size", {"--method", "last-k", "--blocks", "1", "--mean", "0.4,0.5,0.5"}), 36);
}

TEST(PrefixCache, is_kept_neither_among_the_images_nor_in_the_place_of_a_file) {
  const PrefixCache garden;
  const Words words{"tune", "--model", garden.model(), "--data", garden.data(), "--out", garden.run_folder()};
  EXPECT_THAT(run(words + Words{"--prefix-cache", garden.data() + "/train/../train"}).error(2),
              HasSubstr("lies among the images"));
  EXPECT_THAT(run(words + Words{"--method", "grft", "--scores", garden.data() + "/train/"}).error(2),
              HasSubstr("--scores"));
  EXPECT_THAT(run(words + Words{"--prefix-cache", garden.model()}).error(2), HasSubstr("is a file"));
}

TEST(PrefixCache, takes_a_word_a_size_or_a_folder) {
  const PrefixCache garden;
  for (const char* text : {"", "500", "1.5"}) {
    EXPECT_THAT(
        run({"tune", "--model", garden.model(), "--data", garden.data(), "--prefix-cache", text}).error(2),
        HasSubstr("--prefix-cache"));
  }
}

}  // namespace
}  // namespace end_to_end
