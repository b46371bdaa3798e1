#include "tools/experiments/report/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/io/safetensors.h"
#include "tests/engine/io/temporary_folder.h"
#include "tools/experiments/report/page.h"

namespace experiments {
namespace {

using engine::get;
using engine::put;
using engine::TemporaryFolder;
using engine::Tensor;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

struct NoImages : data::Dataset {
  data::Index size() const override { return 0; }
  std::string name(data::Index) const override { return {}; }
  data::Index label(data::Index) const override { return 0; }
  data::Image image(data::Index) const override { return {}; }
};

/// A finished run with a selection and an evaluation, as small as can be.
void put_run(const TemporaryFolder& folder) {
  put(folder / "config.json", R"({"method":"grft","classes":["a","b"],"method_options":{"k":"1"}})");
  put(folder / "metrics.jsonl", R"({"kind":"score","batch":0,"loss":2.5})"
                                "\n"
                                R"({"kind":"step","step":0,"loss":0.5,"lr":0.001})"
                                "\n"
                                R"({"kind":"eval","split":"val","step":1,"loss":0.25,"top1":50})"
                                "\n");
  put(folder / "result.json", R"({"val":{"top1":50.0,"confusion":[[1,2],[0,3]]},"trainable":5})");
  put(folder / "judged.json",
      R"({"split":"val","mistakes":[{"file":"a/1","class":"a","predicted":"b","p_class":0.2,"p_predicted":0.8}]})");
  const auto places = [](std::vector<std::int64_t> at) {
    return Tensor::of<std::int64_t>({std::ssize(at)}, at);
  };
  engine::write_safetensors(
      folder / "selection.safetensors",
      {{"w.rows", places({0, 2})}, {"w.score", Tensor::of<float>({2}, {3, 1})}, {"v.elements", places({5})}},
      {{"shapes", R"({"w":[3,4],"v":[2,3]})"},
       {"energy", R"({"w":0.5})"},
       {"gradient_squares", R"({"w":4})"}});
  engine::write_safetensors(folder / "delta.safetensors",
                            {{"w.rows", places({0, 2})}, {"w.values", Tensor::zeros({2, 4})}}, {});
}

Json report_of(const TemporaryFolder& folder) {
  return report_of_run(folder.path(), {.result = nullptr, .evaluated = std::make_shared<NoImages>()});
}

TEST(ReportOfRun, holds_what_is_in_the_files_of_the_run) {
  const TemporaryFolder folder;
  put_run(folder);
  const Json report = report_of(folder);
  EXPECT_EQ(report["kind"], "run");
  EXPECT_EQ(report["config"].dump(), R"({"method":"grft","method_options":{"k":"1"}})");
  EXPECT_EQ(report["confusion"]["cells"].dump(), "[[1,1,3],[0,1,2],[0,0,1]]") << "the most frequent first";
  EXPECT_EQ(report["evaluated"], "val");
  EXPECT_EQ(report["mistakes"][0]["predicted"], "b");
  ASSERT_EQ(report["selection"].size(), 2);
  EXPECT_EQ(report["selection"][1]["name"], "w");
  EXPECT_EQ(report["selection"][1]["values"], 8);
  EXPECT_EQ(report["selection"][1]["energy"], 0.5);
  EXPECT_EQ(report["trained"].dump(), R"([{"name":"w","parameters":1,"values":8}])");
  EXPECT_EQ(report["curves"]["left_out"], 0);
}

/// Every file in turn holds what `change` makes of its bytes, as often as that gives something.
void expect_read_or_refused(
    const std::function<std::optional<std::string>(std::string, std::size_t)>& change) {
  const TemporaryFolder folder;
  put_run(folder);
  for (const std::string& name : folder.names()) {
    const std::string whole = get(folder / name);
    for (std::size_t i = 0;; ++i) {
      const std::optional<std::string> changed = change(whole, i);
      if (!changed) break;
      put(folder / name, *changed);
      try {
        script_json(report_of(folder));
      } catch (const engine::Error& e) {
        EXPECT_THAT(e.what(), HasSubstr(name)) << i;
      }
    }
    put(folder / name, whole);
  }
  EXPECT_EQ(report_of(folder)["selection"].size(), 2) << "nothing else was changed";
}

TEST(ReportOfRun, with_a_flipped_bit_is_made_or_names_the_file) {
  expect_read_or_refused([](std::string bytes, std::size_t i) -> std::optional<std::string> {
    if (i == 8 * bytes.size()) return std::nullopt;
    bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ (1 << i % 8));
    return bytes;
  });
}

TEST(ReportOfRun, with_a_file_cut_off_is_made_or_names_it) {
  expect_read_or_refused([](const std::string& bytes, std::size_t i) -> std::optional<std::string> {
    if (i == bytes.size()) return std::nullopt;
    return bytes.substr(0, i);
  });
}

}  // namespace
}  // namespace experiments
