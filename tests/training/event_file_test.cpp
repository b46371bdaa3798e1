#include "tools/training/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/io/crc32c.h"
#include "engine/io/safetensors.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/protobuf_reader.h"
#include "tools/training/tensorboard_log.h"

namespace training {
namespace {

using engine::TemporaryFolder;
using support::ProtobufReader;
using ::testing::ElementsAre;
using ::testing::Pair;

std::string unhex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

double fixed_time() {
  return 1700000000.25;
}

std::string content(const TemporaryFolder& folder, const std::string& name) {
  return engine::get(folder / name);
}

/// The messages in the records of an event file, whose lengths and checksums are checked.
std::vector<std::string> messages(const std::string& file) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < file.size();) {
    std::uint64_t length = 0;
    std::memcpy(&length, &file[at], 8);
    EXPECT_LE(at + 16 + length, file.size());
    all.push_back(file.substr(at + 12, length));
    EXPECT_EQ(event_record(all.back()), file.substr(at, length + 16));
    at += length + 16;
  }
  return all;
}

// Records of the file that torch's SummaryWriter has written, with their checksums (torch 2.14.1).
TEST(EventRecord, has_the_bytes_of_another_writers) {
  struct Case {
    const char* hex;
    std::uint32_t length_crc, crc;
  };
  for (const Case& c :
       {Case{"0900001040fc54d9412a130a110a0a747261696e2f6c6f73731500000040", 840096985, 73201471},
        Case{"0900002040fc54d9412a120a100a096576616c2f746f70311500004842", 601829216, 2241951611},
        Case{"0900006040fc54d941100a2a120a100a096576616c2f746f70311555554942", 407128913, 1775451344}}) {
    const std::string event = unhex(c.hex), record = event_record(event);
    std::uint64_t length = 0;
    std::uint32_t length_crc = 0, crc = 0;
    ASSERT_EQ(record.size(), event.size() + 16);
    std::memcpy(&length, record.data(), 8);
    std::memcpy(&length_crc, record.data() + 8, 4);
    std::memcpy(&crc, record.data() + record.size() - 4, 4);
    EXPECT_EQ(length, event.size());
    EXPECT_EQ(length_crc, c.length_crc);
    EXPECT_EQ(crc, c.crc);
    EXPECT_EQ(record.substr(12, event.size()), event);
  }
}

TEST(EventFile, writes_scalars_as_other_writers_do) {
  const TemporaryFolder folder;
  EventFile file(folder.path(), fixed_time);
  file.scalars(0, {{"train/loss", 2.0}});
  file.start(7);
  EXPECT_THAT(folder.names(), ElementsAre("events.out.tfevents.1700000000.espalier"));
  EXPECT_EQ(EventFile::in(folder.path()), folder.names());
  EXPECT_THAT(messages(content(folder, folder.names()[0])),
              ElementsAre(unhex("0900001040fc54d9411a0d627261696e2e4576656e743a32"),
                          unhex("0900001040fc54d9412a130a110a0a747261696e2f6c6f73731500000040"),
                          unhex("0900001040fc54d94110073a020801")));
}

TEST(EventFile, is_later_by_name_than_those_before_whatever_the_clock_says) {
  const TemporaryFolder folder;
  for (int i = 0; i < 3; ++i) EventFile(folder.path(), fixed_time);
  engine::put(folder / "events.out.tfevents.1800000000.espalier", "");
  EventFile(folder.path(), fixed_time);
  EXPECT_THAT(
      EventFile::in(folder.path()),
      ElementsAre("events.out.tfevents.1700000000.espalier", "events.out.tfevents.1700000001.espalier",
                  "events.out.tfevents.1700000002.espalier", "events.out.tfevents.1800000000.espalier",
                  "events.out.tfevents.1800000001.espalier"));
}

struct Histogram {
  double min, max, num, sum, sum_squares;
  std::vector<double> limits, counts;
};

std::vector<double> doubles(std::string_view bytes) {
  std::vector<double> all(bytes.size() / 8);
  std::memcpy(all.data(), bytes.data(), bytes.size());
  return all;
}

Histogram histogram(const std::vector<float>& values) {
  const TemporaryFolder folder;
  EventFile(folder.path(), fixed_time).histogram(3, "h", values);
  const std::string message = messages(content(folder, folder.names()[0])).at(1);
  const ProtobufReader value = ProtobufReader(message).message(5).message(1), h = value.message(5);
  EXPECT_EQ(value.text(1), "h");
  const auto number = [&](int field) { return std::bit_cast<double>(h.last(field).value); };
  return {number(1),
          number(2),
          number(3),
          number(4),
          number(5),
          doubles(h.last(6).bytes),
          doubles(h.last(7).bytes)};
}

TEST(EventFile, writes_a_histogram_whose_buckets_hold_the_values) {
  const std::vector<float> values{-2.5f, -1e-13f, 0.0f, 1e-3f, 1.0f, 1.01f, 7.0f, NAN};
  const Histogram h = histogram(values);
  EXPECT_EQ(h.num, 7);
  EXPECT_EQ(h.min, -2.5);
  EXPECT_EQ(h.max, 7);
  ASSERT_EQ(h.limits.size(), h.counts.size());
  double count = 0;
  for (std::size_t i = 0; i < h.limits.size(); ++i) {
    const double below = i == 0 ? -INFINITY : h.limits[i - 1];
    EXPECT_LT(below, h.limits[i]);
    double expected = 0;
    for (const float x : values)
      expected += static_cast<double>(x) >= below && static_cast<double>(x) < h.limits[i];
    EXPECT_EQ(h.counts[i], expected) << below << " to " << h.limits[i];
    count += h.counts[i];
  }
  EXPECT_EQ(count, 7);
  EXPECT_EQ(h.counts.front(), 1);
  EXPECT_EQ(h.counts.back(), 1);
}

TEST(EventFile, writes_a_histogram_of_nothing_that_can_be_read) {
  const Histogram h = histogram({NAN});
  EXPECT_EQ(h.num, 0);
  EXPECT_THAT(h.limits, ElementsAre(0));
}

/// What a reader shows: of every tag the steps and values. SessionLog START drops what has its step or a
/// later one.
std::map<std::string, std::vector<std::pair<Index, float>>> shown(const TemporaryFolder& folder) {
  std::map<std::string, std::vector<std::pair<Index, float>>> curves;
  for (const std::string& name : EventFile::in(folder.path())) {
    for (const std::string& bytes : messages(content(folder, name))) {
      const ProtobufReader event(bytes);
      const Index step = event.integer(2);
      if (event.message(7).integer(1) == 1)
        for (auto& [tag, points] : curves)
          std::erase_if(points, [&](const auto& p) { return p.first >= step; });
      for (const ProtobufReader& value : event.message(5).messages(1))
        curves[value.text(1)].emplace_back(
            step, std::bit_cast<float>(static_cast<std::uint32_t>(value.last(2).value)));
    }
  }
  return curves;
}

nlohmann::ordered_json step_line(Index step, double loss) {
  return {{"kind", "step"}, {"step", step}, {"epoch", 0}, {"loss", loss}, {"lr", 0.5}};
}
nlohmann::ordered_json eval_line(Index step, double top1) {
  return {{"kind", "eval"}, {"epoch", 0}, {"split", "val"}, {"top1", top1}, {"step", step}};
}

TEST(TensorBoardLog, shows_every_number_of_the_log_under_its_kind) {
  const TemporaryFolder folder;
  TensorBoardLog log(folder.path(), fixed_time);
  log.restart(0, {});
  log.line({{"kind", "score"}, {"batch", 2}, {"loss", 3.0}});
  log.line(step_line(0, 1.5));
  log.line(eval_line(1, 50));
  log.line({{"kind", "eval"}, {"epoch", 0}, {"split", "test"}, {"top1", 25.0}});
  log.line({{"kind", "remark"}, {"loss", 1.0}});
  EXPECT_THAT(shown(folder), ElementsAre(Pair("score/loss", ElementsAre(Pair(2, 3.0f))),
                                         Pair("test/top1", ElementsAre(Pair(1, 25.0f))),
                                         Pair("train/loss", ElementsAre(Pair(0, 1.5f))),
                                         Pair("train/lr", ElementsAre(Pair(0, 0.5f))),
                                         Pair("val/top1", ElementsAre(Pair(1, 50.0f)))));
}

TEST(TensorBoardLog, of_a_run_that_goes_on_has_every_step_once) {
  const TemporaryFolder folder;
  {
    TensorBoardLog log(folder.path(), fixed_time);
    log.restart(0, {});
    log.line({{"kind", "score"}, {"batch", 5}, {"loss", 3.0}});
    for (Index i = 0; i < 4; ++i) log.line(step_line(i, static_cast<double>(i)));
    log.line(eval_line(2, 50));
    log.line(eval_line(4, 60));
  }
  // Two steps are kept, and with them what was evaluated after the second.
  const std::vector<nlohmann::ordered_json> kept{
      {{"kind", "score"}, {"batch", 5}, {"loss", 3.0}}, step_line(0, 0), step_line(1, 1), eval_line(2, 50)};
  TensorBoardLog log(folder.path(), fixed_time);
  log.restart(2, kept);
  log.line(step_line(2, 20));
  EXPECT_THAT(shown(folder)["train/loss"], ElementsAre(Pair(0, 0.0f), Pair(1, 1.0f), Pair(2, 20.0f)));
  EXPECT_THAT(shown(folder)["val/top1"], ElementsAre(Pair(2, 50.0f)));
  EXPECT_THAT(shown(folder)["score/loss"], ElementsAre(Pair(5, 3.0f)));
}

TEST(TensorBoardLog, that_begins_with_a_resumed_run_shows_all_of_it) {
  const TemporaryFolder folder;
  TensorBoardLog log(folder.path(), fixed_time);
  log.restart(2, {step_line(0, 0), step_line(1, 1)});
  log.line({{"kind", "eval"}, {"split", "test"}, {"top1", 25.0}});
  EXPECT_THAT(shown(folder)["train/loss"], ElementsAre(Pair(0, 0.0f), Pair(1, 1.0f)));
  EXPECT_THAT(shown(folder)["test/top1"], ElementsAre(Pair(2, 25.0f)));
}

TEST(TensorBoardLog, shows_the_scores_of_a_selection_by_blocks) {
  const TemporaryFolder folder;
  const auto scores = [](std::vector<float> values) {
    return engine::Tensor::of<float>({static_cast<Index>(values.size())}, values);
  };
  engine::write_safetensors(folder / "selection.safetensors",
                            {{"blocks.0.attn.qkv.weight.score", scores({1, 2})},
                             {"blocks.0.attn.qkv.weight.rows", engine::Tensor::of<Index>({2}, {0, 1})},
                             {"blocks.0.mlp.fc1.weight.score", scores({3})},
                             {"blocks.1.mlp.fc1.weight.score", scores({4})},
                             {"patch_embed.proj.weight.score", scores({5})}});
  TensorBoardLog log(folder.path(), fixed_time);
  log.restart(0, {});
  log.selection(folder / "selection.safetensors");
  std::map<std::string, double> counts;
  for (const std::string& bytes : messages(content(folder, EventFile::in(folder.path())[0])))
    for (const ProtobufReader& value : ProtobufReader(bytes).message(5).messages(1))
      counts[value.text(1)] = std::bit_cast<double>(value.message(5).last(3).value);
  EXPECT_THAT(counts, ElementsAre(Pair("selection/blocks.0", 3), Pair("selection/blocks.1", 1),
                                  Pair("selection/patch_embed", 1)));
}

}  // namespace
}  // namespace training
