#include "tools/experiments/report/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
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

/// The text with another number in the place of its i-th, or nothing after the last.
std::optional<std::string> with_number(const std::string& text, std::size_t i, const std::string& number) {
  constexpr const char* kDigits = "0123456789.";
  std::size_t begin = text.find_first_of(kDigits);
  for (; begin != text.npos && i > 0; --i)
    begin = text.find_first_of(kDigits, text.find_first_not_of(kDigits, begin));
  if (begin == text.npos) return std::nullopt;
  const std::size_t end = std::min(text.find_first_not_of(kDigits, begin), text.size());
  return text.substr(0, begin) + number + text.substr(end);
}

TEST(ReportOfRun, with_any_number_in_a_file_is_made_or_names_it) {
  for (const std::string number :
       {"9223372036854775807", "-9223372036854775808", "18446744073709551615", "0", "1e308"}) {
    SCOPED_TRACE(number);
    expect_read_or_refused([&](const std::string& bytes, std::size_t i) -> std::optional<std::string> {
      if (bytes.starts_with('{')) return with_number(bytes, i, number);
      std::uint64_t length = 0;  // of the header of a safetensors file
      std::memcpy(&length, bytes.data(), sizeof length);
      const auto header = with_number(bytes.substr(sizeof length, length), i, number);
      if (!header) return std::nullopt;
      std::string changed(sizeof length, '\0');
      const std::uint64_t now = header->size();
      std::memcpy(changed.data(), &now, sizeof now);
      return changed + *header + bytes.substr(sizeof length + length);
    });
  }
}

TEST(ReportOfRun, counts_elements_of_a_parameter_as_long_as_can_be) {
  const TemporaryFolder folder;
  put_run(folder);
  engine::write_safetensors(folder / "selection.safetensors",
                            {{"v.elements", Tensor::of<std::int64_t>({1}, {5})}},
                            {{"shapes", R"({"v":[9223372036854775807]})"}});
  const Json matrix = report_of(folder)["selection"][0];
  EXPECT_EQ(matrix["per_row"]["counts"][0], 1);
  EXPECT_LE(matrix["per_row"]["counts"].size(), 256);
}

}  // namespace
}  // namespace experiments
