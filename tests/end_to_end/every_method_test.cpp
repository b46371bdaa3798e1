#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "peft/methods.h"
#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using engine::Safetensors;
using ::testing::HasSubstr;

/// A method with options, and what goes with any method.
struct Setting {
  std::string method;
  Words more;
};
void PrintTo(const Setting& s, std::ostream* out) {
  *out << s.method;
  for (const std::string& word : s.more) *out << ' ' << word;
}

std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (const peft::MethodInfo& info : peft::methods()) all.push_back({info.name, {}});
  const Words fresh{"--reinit-blocks", "1"}, held{"--freeze-blocks", "1"},
      eager{"--period", "2", "--grow-batches", "1"};
  for (const char* method : {"grft", "l2-sp", "gps", "lora", "ssf"}) all.push_back({method, fresh});
  all.push_back({"sara", fresh + Words{"--threshold", "0.02"}});
  all.push_back({"dora", fresh + Words{"--ema", "0.5"}});
  for (const char* method : {"grft", "lt-sft", "green", "lp-ft", "lora"}) all.push_back({method, held});
  all.push_back({"vpt", held});
  all.push_back({"ssf", held + Words{"--spread", "0.5"}});
  all.push_back({"spiel", held + eager});
  all.push_back({"lisa", held + Words{"--period", "1", "--blocks", "1"}});
  all.push_back({"vpt", {"--depth", "shallow"}});
  all.push_back({"adapter", {"--style", "houlsby", "--layer-decay", "0.5"}});
  all.push_back({"sam", {"--probes", "2"}});
  for (const Words& scoring : {Words{"--score-sketch", "2"}, Words{"--score-batches", "auto"},
                               Words{"--score-image-size", "8"}, Words{"--score-classes", "2"}})
    all.push_back({"grft", scoring});
  for (const char* method : {"gps", "sift"})
    all.push_back({method, {"--score-candidates", "2", "--score-batches", "2"}});
  return all;
}

class EverySetting : public ::testing::TestWithParam<Setting> {};

TEST_P(EverySetting, is_evaluated_alike_by_tune_and_by_eval_of_its_delta) {
  const Garden garden;
  garden.tune(GetParam().method, Words{"--epochs", "6", "--lr", "0.01", "--seed", "5"} + GetParam().more);
  const Json result = Json::parse(read_text(garden.run_folder() + "/result.json"));
  const Json evaluated = run({"eval", "--model", garden.model(), "--delta",
                              garden.run_folder() + "/delta.safetensors", "--data", garden.data(), "--json"})
                             .json();
  EXPECT_EQ(evaluated["loss"], result["test"]["loss"]);
  EXPECT_EQ(evaluated["confusion"], result["test"]["confusion"]);
}

INSTANTIATE_TEST_SUITE_P(, EverySetting, ::testing::ValuesIn(settings()), [](const auto& row) {
  std::string name = ::testing::PrintToString(row.param);
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(AdapterDelta, serves_images_of_another_size) {
  for (const char* method : {"lora", "vpt"}) {
    const Garden garden;
    garden.tune(method);
    const Outcome outcome =
        run({"eval", "--model", garden.model(), "--delta", garden.run_folder() + "/delta.safetensors",
             "--data", garden.data(), "--image-size", "16", "--json"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  }
}

TEST(HostileDelta, that_names_modules_where_none_can_be_is_refused) {
  const Garden garden;
  garden.tune("spt");
  const Safetensors delta(garden.run_folder() + "/delta.safetensors");
  engine::NamedTensors tensors;
  for (const std::string& name : delta.names()) tensors.emplace_back(name, delta.read(name));
  tensors.emplace_back("blocks.0.lora.a", engine::Tensor::zeros({2, 2}));
  const std::string hostile = garden / "hostile.safetensors";
  engine::write_safetensors(hostile, tensors, delta.metadata());
  EXPECT_THAT(run({"eval", "--model", garden.model(), "--delta", hostile, "--data", garden.data()}).error(1),
              HasSubstr("blocks.0.lora.a"));
}

TEST(WrongSetting, is_reported_in_one_line) {
  const Garden garden;
  const std::tuple<const char*, Words, const char*> cases[] = {
      {"lora", {"--targets", ""}, "name at least one linear layer"},
      {"lora", {"--rank", "5000"}, "--rank 5000 is more than the"},
      {"vpt", {"--tokens", "1000000"}, "--tokens takes 4096 or less"},
      {"sara", {"--targets", "blocks.*.bias"}, "none of them is a matrix"},
      {"lora", {"--targets", "blocks.*.atn.qkv"}, "matches no linear layer"},
      {"lisa", {"--blocks", "99"}, "--blocks 99 is more than the"},
      {"lisa", {"--keep", "best"}, "--keep best needs a method whose selection stays"},
      {"spiel", {"--period", "2"}, "--grow-batches 5 is more than the --period of 2"},
      {"full", {"--freeze-blocks", "99"}, "--freeze-blocks 99"},
  };
  for (const auto& [method, more, line] : cases) {
    const Outcome outcome =
        run(Words{"tune"} + garden.job(method) + more + Words{"--out", garden.run_folder()});
    EXPECT_THAT(outcome.error(2), HasSubstr(line)) << method;
  }
  EXPECT_THAT(run({"count", "--arch", "vit_tiny_patch16_224", "--classes", "5", "--method", "spt"}).error(2),
              HasSubstr("depends on the images"));
  // One step has no room for two phases; a number of epochs without end does no harm.
  EXPECT_THAT(
      run(Words{"tune"} + garden.job("lt-sft") + Words{"--steps", "1", "--out", garden.run_folder("one")})
          .error(1),
      HasSubstr("2 steps or more"));
  EXPECT_EQ(run(Words{"tune"} + garden.job("green") +
                Words{"--reselect", "4611686018427387904", "--out", garden.run_folder("two")})
                .status,
            0);
}

}  // namespace
}  // namespace end_to_end
