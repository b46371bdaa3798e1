#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <map>

#include "tests/end_to_end/long_run.h"
#include "tests/support/protobuf_reader.h"

namespace end_to_end {
namespace {

using support::ProtobufReader;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Curves = std::map<std::string, std::multimap<Index, float>>;

Words event_files(const fs::path& folder) {
  Words names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name.find("tfevents") != std::string::npos) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

/// What TensorBoard shows of a folder: SessionLog START drops what has its step or a later one, and a record
/// that was cut off ends its file.
Curves shown(const fs::path& folder) {
  Curves curves;
  for (const std::string& name : event_files(folder)) {
    const std::string file = read_text(folder / name);
    for (std::size_t at = 0; at + 16 <= file.size();) {
      std::uint64_t length = 0;
      std::memcpy(&length, &file[at], 8);
      if (at + 16 + length > file.size()) break;
      const ProtobufReader event(std::string_view(file).substr(at + 12, length));
      at += 16 + length;
      const Index step = event.integer(2);
      if (event.message(7).integer(1) == 1)
        for (auto& [tag, points] : curves)
          std::erase_if(points, [&](const auto& p) { return p.first >= step; });
      for (const ProtobufReader& value : event.message(5).messages(1))
        curves[value.text(1)].emplace(
            step, value.has(5) ? std::bit_cast<float>(0u)
                               : std::bit_cast<float>(static_cast<std::uint32_t>(value.last(2).value)));
    }
  }
  std::erase_if(curves, [](const auto& curve) { return curve.first.starts_with("selection/"); });
  return curves;
}

/// The same from the log.
Curves logged(const fs::path& folder) {
  Curves curves;
  Index done = 0;
  for (const Json& line : read_lines(folder / "metrics.jsonl")) {
    const std::string kind = line["kind"];
    const std::string prefix = kind == "step"   ? "train"
                               : kind == "eval" ? line["split"].get<std::string>()
                                                : "score";
    if (kind == "step") done = line["step"].get<Index>() + 1;
    const Index step = prefix == "score" ? line["batch"].get<Index>() : line.value("step", done);
    for (const auto& [name, value] : line.items())
      if (value.is_number() && name != "batch" && name != "step" && name != "epoch")
        curves[prefix + '/' + name].emplace(step, value.get<float>());
  }
  return curves;
}

TEST(TensorBoard, shows_what_the_log_says_also_of_a_run_that_was_killed) {
  const Garden garden;
  const fs::path folder = garden.run_folder("broken");
  const Words words = long_run(garden, "grft", folder, {"--save-every", "1", "--tensorboard"});
  ASSERT_TRUE(kill_at_step(words, folder, "7"));
  ASSERT_TRUE(kill_at_step(words + Words{"--resume"}, folder, "20"));
  ASSERT_EQ(run(words + Words{"--resume"}).status, 0);
  EXPECT_THAT(event_files(folder), SizeIs(3));
  EXPECT_EQ(shown(folder), logged(folder));
  // That of a run which was over is evaluated again.
  ASSERT_EQ(run(words + Words{"--resume"}).status, 0);
  EXPECT_EQ(shown(folder), logged(folder));
}

TEST(TensorBoard, that_was_not_asked_for_is_not_written_and_all_else_is_the_same) {
  const Garden garden;
  const fs::path without = garden.run_folder("without"), with = garden.run_folder("with");
  ASSERT_EQ(run(long_run(garden, "gps", without)).status, 0);
  ASSERT_EQ(run(long_run(garden, "gps", with, {"--tensorboard"})).status, 0);
  EXPECT_THAT(event_files(without), IsEmpty());
  EXPECT_THAT(event_files(with), SizeIs(1));
  expect_same_run(without, with);
  Json a = read_json(without / "config.json"), b = read_json(with / "config.json");
  for (Json* config : {&a, &b}) config->erase("out");
  EXPECT_EQ(a, b);
  EXPECT_EQ(read_text(without / "selection.safetensors"), read_text(with / "selection.safetensors"));
}

TEST(TensorBoard, goes_on_without_being_asked_again_and_is_discarded_with_the_run) {
  const Garden garden;
  const fs::path folder = garden.run_folder();
  const Words words = long_run(garden, "grft", folder, {"--save-every", "1"});
  ASSERT_TRUE(kill_at_step(words + Words{"--tensorboard"}, folder, "7"));
  ASSERT_EQ(run(words + Words{"--resume"}).status, 0);
  EXPECT_THAT(event_files(folder), SizeIs(2));
  EXPECT_EQ(shown(folder), logged(folder));
  ASSERT_EQ(run(words + Words{"--overwrite"}).status, 0);
  EXPECT_THAT(event_files(folder), IsEmpty());
}

TEST(TensorBoard, that_is_asked_for_when_a_run_goes_on_shows_all_of_it) {
  const Garden garden;
  const fs::path folder = garden.run_folder();
  const Words words = long_run(garden, "grft", folder, {"--save-every", "1"});
  ASSERT_TRUE(kill_at_step(words, folder, "7"));
  ASSERT_EQ(run(words + Words{"--resume", "--tensorboard"}).status, 0);
  EXPECT_EQ(shown(folder), logged(folder));
}

}  // namespace
}  // namespace end_to_end
