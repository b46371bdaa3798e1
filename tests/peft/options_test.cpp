#include "peft/options.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/peft/small.h"

namespace {

using Options = std::map<std::string, std::string>;

std::string error(const std::string& method, const Options& options) {
  return support::error_of([&] { peft::make_method(method, options); });
}

TEST(options, that_are_wrong_give_one_line_that_names_what_would_be_right) {
  struct Case {
    const char *method, *option, *value, *message;
  };
  const Case cases[] = {
      {"grft", "k", "0", "--k takes 1 or more, not 0"},
      {"grft", "axis", "rows", "--axis takes row|column|short, not 'rows'"},
      {"grft", "anchor", "-0.5", "--anchor takes a number of 0 or more, not -0.5"},
      {"grft", "anchor-layers", "-1", "--anchor-layers takes 0 or more, not -1"},
      {"grft", "anchor-head", "one", "--anchor-head takes none|init|zero, not 'one'"},
      {"grft", "temperature", "0", "--temperature takes a number above 0, not 0"},
      {"grft", "score", "l2", "--score takes supcon|ce, not 'l2'"},
      {"grft", "score-batches", "0", "--score-batches takes 1 or more, not 0"},
      {"grft", "score-augment", "flip", "--score-augment takes none|simclr, not 'flip'"},
      {"gps", "train-bias", "maybe", "--train-bias takes on or off, not 'maybe'"},
      {"gps", "k", "-3", "--k takes 1 or more, not -3"},
      {"sift", "rate", "0", "--rate takes a number in (0, 1], not 0"},
      {"sift", "rate", "1.5", "--rate takes a number in (0, 1], not 1.5"},
  };
  for (const auto& [method, option, value, message] : cases)
    EXPECT_EQ(error(method, {{option, value}}), message);
}

TEST(options, that_are_no_numbers_are_named) {
  for (const auto& [method, option] :
       {std::pair{"grft", "k"}, std::pair{"grft", "anchor"}, std::pair{"gps", "temperature"},
        std::pair{"gps", "score-batches"}, std::pair{"grft", "anchor-layers"}, std::pair{"sift", "rate"}}) {
    for (const char* value : {"two", "", "1x", "nan", "inf", " 1", "0x1", "99999999999999999999999x"}) {
      const std::string message = error(method, {{option, value}});
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
      EXPECT_NE(message.find(std::string("--") + option), std::string::npos)
          << method << " --" << option << " '" << value << "': " << message;
    }
  }
}

TEST(options, that_a_method_does_not_know_are_refused_with_the_nearest_ones) {
  EXPECT_TRUE(
      error("grft", {{"ankor", "1"}}).starts_with("method grft has no option --ankor; did you mean anchor"))
      << error("grft", {{"ankor", "1"}});
  EXPECT_TRUE(error("gps", {{"anchor", "1"}}).starts_with("method gps has no option --anchor"))
      << error("gps", {{"anchor", "1"}});
  EXPECT_EQ(error("full", {{"k", "1"}}), "method full takes no options (got --k)");
}

TEST(options, of_every_method_have_a_help_text_and_a_default_that_works) {
  for (const peft::MethodInfo& info : peft::methods()) {
    EXPECT_FALSE(info.summary.empty() || info.page.empty()) << info.name;
    EXPECT_EQ((info.summary + info.page).find('\n'), std::string::npos)
        << info.name << ": wrapped where printed";
    Options defaults;
    for (const peft::OptionInfo& option : info.options) {
      EXPECT_FALSE(option.help.empty()) << info.name << " --" << option.name;
      EXPECT_TRUE(defaults.emplace(option.name, option.default_value).second)
          << option.name << " comes twice";
    }
    EXPECT_NO_THROW(peft::make_method(info.name, defaults)) << info.name;
  }
}

TEST(options, have_the_defaults_of_the_command_lines_contract) {
  const auto defaults = [](const std::string& method) {
    Options values;
    for (const peft::OptionInfo& option : peft::find_method(method).options)
      values[option.name] = option.default_value;
    return values;
  };
  EXPECT_EQ(defaults("grft"), (Options{{"k", "2"},
                                       {"axis", "short"},
                                       {"anchor", "0.01"},
                                       {"anchor-layers", "all"},
                                       {"anchor-head", "none"},
                                       {"score", "supcon"},
                                       {"temperature", "0.07"},
                                       {"score-batches", "all"},
                                       {"score-augment", "simclr"},
                                       {"score-image-size", "0"},
                                       {"score-classes", "0"},
                                       {"targets", ""},
                                       {"train-bias", "off"},
                                       {"score-sketch", "0"}}));
  EXPECT_EQ(defaults("gps"), (Options{{"k", "1"},
                                      {"score", "supcon"},
                                      {"temperature", "0.07"},
                                      {"score-batches", "all"},
                                      {"score-augment", "simclr"},
                                      {"score-image-size", "0"},
                                      {"score-classes", "0"},
                                      {"targets", ""},
                                      {"train-bias", "on"},
                                      {"score-candidates", "0"}}));
  EXPECT_EQ(defaults("sift"), (Options{{"rate", "0.01"},
                                       {"score", "ce"},
                                       {"temperature", "0.07"},
                                       {"score-batches", "1"},
                                       {"score-augment", "simclr"},
                                       {"score-image-size", "0"},
                                       {"score-classes", "0"},
                                       {"targets", ""},
                                       {"train-bias", "off"},
                                       {"score-candidates", "0"}}));
}

TEST(options, reach_the_scoring_that_the_method_asks_for) {
  const auto method = peft::make_method(
      "grft", {{"score", "ce"}, {"temperature", "0.5"}, {"score-batches", "7"}, {"score-augment", "none"}});
  ASSERT_NE(method->scoring(), nullptr);
  EXPECT_EQ(method->scoring()->loss, peft::Scoring::Loss::ce);
  EXPECT_EQ(method->scoring()->temperature, 0.5);
  EXPECT_EQ(method->scoring()->batches, 7);
  EXPECT_FALSE(method->scoring()->augment);
  const auto plain = peft::make_method("grft", {});
  EXPECT_EQ(plain->scoring()->loss, peft::Scoring::Loss::supcon);
  EXPECT_EQ(plain->scoring()->temperature, 0.07);
  EXPECT_EQ(plain->scoring()->batches, 0);
  EXPECT_TRUE(plain->scoring()->augment);
}

TEST(options, that_no_matrix_can_satisfy_are_refused_before_anything_is_scored) {
  models::Vit model = small::model(small::deep());
  const auto refused = [&](const std::string& method, const Options& options) {
    int drawn = 0;
    const auto made = peft::make_method(method, options);
    const std::string message =
        support::error_of([&] { made->prepare(model, small::losses(model, *made, 3, &drawn)); });
    EXPECT_EQ(drawn, 0);
    return message;
  };
  // Under "short" the most units are the 12 rows of the patch embedding.
  EXPECT_EQ(refused("grft", {{"k", "13"}}), "--k 13 is more than any matrix has units; the largest has 12");
  EXPECT_EQ(refused("grft", {{"k", "37"}, {"axis", "row"}}),
            "--k 37 is more than any matrix has units; the largest has 36");
  EXPECT_EQ(refused("gps", {{"k", "49"}}), "--k 49 is more than any neuron has inputs; the largest has 48");
  EXPECT_TRUE(
      refused("sift", {{"targets", "blokcs.*"}}).starts_with("target 'blokcs.*' matches no parameter"));
}

TEST(find_method, tells_the_nearest_names) {
  const std::string message = support::error_of([] { peft::find_method("grtf"); });
  EXPECT_TRUE(message.starts_with("unknown method 'grtf'; did you mean grft")) << message;
}

TEST(methods, have_names_of_their_own) {
  for (const peft::MethodInfo& info : peft::methods()) EXPECT_EQ(&peft::find_method(info.name), &info);
}

TEST(methods, are_called_like_their_functions_in_the_list) {
  std::vector<std::string> functions{
#define PEFT_METHOD(function) #function,
#include "peft/methods.def"
#undef PEFT_METHOD
  };
  std::vector<std::string> names;
  for (const peft::MethodInfo& info : peft::methods()) names.push_back(info.name);
  for (std::string& function : functions) std::ranges::replace(function, '_', '-');
  EXPECT_EQ(names, functions);
}

}  // namespace
