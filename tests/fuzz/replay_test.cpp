// Every committed input of every fuzz target, as an ordinary test.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/target.h"
#include "tests/support/paths.h"

#define FUZZ_TARGET(name, longest) extern "C" int fuzz_##name(const std::uint8_t*, std::size_t);
#include "tests/fuzz/targets.def"
#undef FUZZ_TARGET

namespace {

struct Target {
  const char* name;
  int (*run)(const std::uint8_t*, std::size_t);
  std::size_t longest;
};
void PrintTo(const Target& target, std::ostream* out) {
  *out << target.name;
}

constexpr Target kTargets[] = {
#define FUZZ_TARGET(name, longest) {#name, fuzz_##name, longest},
#include "tests/fuzz/targets.def"
#undef FUZZ_TARGET
};

std::vector<std::filesystem::path> inputs_of(const Target& target) {
  std::vector<std::filesystem::path> inputs;
  for (const auto& file :
       std::filesystem::directory_iterator(support::source_dir() / "tests/fuzz/corpus" / target.name))
    inputs.push_back(file.path());
  std::ranges::sort(inputs);
  return inputs;
}

std::vector<char> bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::vector<char>(std::istreambuf_iterator<char>(in), {});
}

class FuzzTarget : public ::testing::TestWithParam<Target> {};

TEST_P(FuzzTarget, reads_or_refuses_every_input_of_its_corpus) {
  const std::vector<std::filesystem::path> inputs = inputs_of(GetParam());
  EXPECT_GE(inputs.size(), 2u);
  for (const auto& path : inputs) {
    SCOPED_TRACE(path.filename());
    const std::vector<char> bytes = bytes_of(path);
    EXPECT_LE(bytes.size(), GetParam().longest);
    EXPECT_NO_THROW(GetParam().run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  }
}

// What a target starts from must get to the end of it.
TEST(FuzzSeeds, that_must_be_whole_are_accepted) {
  const auto whole = {fuzz_resumed_run, fuzz_delta_eval, fuzz_parquet_codecs, fuzz_parquet_footer,
                      fuzz_parquet_pages};
  for (const Target& target : kTargets) {
    if (std::ranges::find(whole, target.run) == std::end(whole)) continue;
    for (const auto& path : inputs_of(target)) {
      if (path.filename().string().starts_with("refused_")) continue;
      const std::vector<char> bytes = bytes_of(path);
      fuzz::refusal.clear();
      target.run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      EXPECT_EQ(fuzz::refusal, "") << target.name << ": " << path.filename();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, FuzzTarget, ::testing::ValuesIn(kTargets),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
