// The help of tune, whose options most commands share.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "peft/methods.h"
#include "tools/cli/command_line.h"
#include "tools/cli/option_help.h"
#include "tools/cli/tune_options.h"

namespace cli {
namespace {

using ::testing::HasSubstr;

struct Tune {
  Tune() : line("tune", "Fine-tunes.", "espalier tune --model vit.safetensors --data flowers") {
    declare_tune(line.table, options);
  }
  std::string help(const std::string& method, bool all, std::size_t width) const {
    return line.help(all, method, width);
  }
  TuneOptions options;
  CommandLine line;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(Help, of_tune_shows_the_common_options_and_how_to_see_the_rest) {
  Tune tune;
  const std::string help = tune.help("", false, 80);
  for (const Option& option : tune.line.table.options()) {
    const std::string shown = "\n  --" + option.name + (option.takes.empty() ? " " : " " + option.takes);
    EXPECT_EQ(help.find(shown) != std::string::npos, option.common) << option.name;
  }
  EXPECT_LE(lines_of(help).size(), 60u);
  EXPECT_EQ(std::ranges::count(tune.line.table.options(), true, &Option::common), 25);
  EXPECT_THAT(help, HasSubstr("espalier tune --help-all"));
  EXPECT_THAT(help, HasSubstr("espalier tune --method NAME --help"));
}

TEST(Help, of_everything_shows_every_shared_option_with_its_default) {
  Tune tune;
  const std::string help = tune.help("", true, 80);
  EXPECT_LE(lines_of(help).size(), 120u);
  for (const Option& option : tune.line.table.options()) {
    EXPECT_FALSE(option.help.empty() || option.default_text.empty()) << option.name;
    EXPECT_THAT(help, HasSubstr(option_lines(option, 80)));
  }
}

TEST(Help, of_a_method_shows_its_own_texts_and_defaults) {
  for (const peft::MethodInfo& method : peft::methods()) {
    Tune tune;
    const std::string help = tune.help(method.name, true, 80);
    std::map<std::string, std::string> values;
    for (const peft::OptionInfo& info : method.options) {
      const Option option = training::method_option(info, values);
      EXPECT_FALSE(option.default_text.empty()) << method.name << " --" << option.name;
      EXPECT_THAT(help, HasSubstr(option_lines(option, 80))) << method.name;
    }
  }
  Tune tune;
  EXPECT_THAT(tune.help("gps", false, 80), HasSubstr("Method gps: "));
  EXPECT_THAT(tune.help("gps", false, 80), HasSubstr("--[no-]train-bias"));
  EXPECT_THAT(tune.help("full", false, 80), HasSubstr("takes no options"));
}

TEST(Help, keeps_to_the_width_of_the_terminal) {
  Tune tune;
  for (const std::size_t width : {40, 60, 80, 100}) {
    for (const peft::MethodInfo& method : peft::methods()) {
      for (const std::string& line : lines_of(tune.help(method.name, true, width))) {
        const auto start = line.find_first_not_of(' ');
        const bool one_word = start != std::string::npos && line.find(' ', start) == std::string::npos;
        const bool one_option = line.starts_with("  --") && std::ranges::count(line, ' ') == 3;
        EXPECT_TRUE(line.size() <= width || one_word || one_option) << width << ": " << line;
      }
    }
  }
}

}  // namespace
}  // namespace cli
