#include "tools/cli/method_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/cli/model_options.h"
#include "tools/cli/tune_options.h"
#include "tools/training/usage_error.h"

namespace cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

MethodSpec one(const std::string& text) {
  const std::vector<MethodSpec> all = parse_method_specs(text);
  EXPECT_EQ(all.size(), 1u) << text;
  return all.at(0);
}

std::string complaint(const std::string& text) {
  try {
    parse_method_specs(text);
  } catch (const training::UsageError& e) {
    return e.what();
  }
  ADD_FAILURE() << "taken: " << text;
  return "";
}

TEST(MethodSpec, has_a_label_a_method_options_and_rates) {
  const MethodSpec spec = one("grft rows = grft, axis=row ,k=4,train-bias,lrs=1e-3/5e-3");
  EXPECT_EQ(spec.label, "grft rows");
  EXPECT_EQ(spec.method, "grft");
  EXPECT_THAT(spec.options, ElementsAre(Pair("axis", "row"), Pair("k", "4"), Pair("train-bias", "")));
  EXPECT_THAT(spec.lrs, ElementsAre(1e-3, 5e-3));
}

TEST(MethodSpec, without_a_label_is_called_by_its_own_text) {
  EXPECT_EQ(one("linear").label, "linear");
  EXPECT_EQ(one(" gps,k=2 ").label, "gps,k=2");
  EXPECT_EQ(one("gps,k=2").method, "gps");
  EXPECT_THAT(one("linear").options, IsEmpty());
  EXPECT_THAT(one("linear").lrs, IsEmpty());
}

TEST(MethodSpecs, stand_between_semicolons) {
  const std::vector<MethodSpec> all = parse_method_specs("a=grft;b=grft,k=1;;linear;");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].label, "a");
  EXPECT_EQ(all[1].label, "b");
  EXPECT_EQ(all[2].label, "linear");
  EXPECT_THAT(parse_method_specs(""), IsEmpty());
  EXPECT_THAT(parse_method_specs(" ; ;"), IsEmpty());
}

TEST(MethodSpec, takes_separators_into_a_value_behind_a_backslash) {
  const MethodSpec spec = one(R"(a\,b\;c=gps,targets=blocks.0.*\,blocks.1.*,k=2)");
  EXPECT_EQ(spec.label, "a,b;c");
  EXPECT_THAT(spec.options, ElementsAre(Pair("targets", "blocks.0.*,blocks.1.*"), Pair("k", "2")));
  EXPECT_EQ(one(R"(gps,targets=a\b\\)").options[0].second, R"(a\b\)") << "before others it is itself";
}

TEST(MethodSpec, that_is_wrong_is_quoted_with_what_is_wrong) {
  const struct {
    const char *text, *wrong;
  } kCases[] = {
      {"grtf", "did you mean grft"},
      {"a=grtf,k=2", "unknown method 'grtf'"},
      {"=grft", "label is empty"},
      {"a=", "unknown method"},
      {"a=b=grft", "unknown method 'b=grft'"},
      {",", "unknown method"},
      {"grft,", "name is needed"},
      {"grft,,k=2", "name is needed"},
      {"grft,=2", "name is needed"},
      {"grft,--k=2", "name is needed"},
      {"grft,k 2", "name is needed"},
      {"grft,K=2", "name is needed"},
      {"grft,k=", "needs a value"},
      {"grft,k=1,k=2", "k is given twice"},
      {"grft,lrs=1e-3,lrs=1e-2", "lrs is given twice"},
      {"grft,lrs=", "needs a value"},
      {"grft,lrs=/", "lrs"},
      {"grft,lrs=1e-3/x", "lrs"},
      {"grft,lrs=0", "above 0"},
      {"grft,lrs=-1", "above 0"},
      {"grft,lrs=nan", "lrs"},
      {"grft,lrs=1e999", "lrs"},
      {"grft,lrs=1e-3/0.001", "twice"},
      {"grft,lr=1e-3", "lrs="},
      {"grft,seed=3", "--seeds"},
      {"grft,data=elsewhere", "--task"},
      {"grft,out=elsewhere", "--out"},
      {"grft,on=train", "train+val"},
      {"grft,keep=best", "last"},
      {"grft,resume", "resumed"},
      {"grft,help", "tune --help"},
      {"grft;grft", "two methods are called 'grft'"},
      {"a=grft;a=gps", "two methods are called 'a'"},
      {"a\nb=grft", "one line"},
      {"\xff=grft", "UTF-8"},
  };
  for (const auto& [text, wrong] : kCases) {
    const std::string message = complaint(text);
    EXPECT_THAT(message.substr(message.find("': ") + 1), HasSubstr(wrong))
        << text;  // without the text in quotes
    EXPECT_EQ(message.rfind("method '", 0) == 0, message.find("two methods") == std::string::npos) << message;
  }
  EXPECT_EQ(one(std::string(255, 'a') + "=grft").label.size(), 255u);
  EXPECT_THAT(complaint(std::string(256, 'a') + "=grft"), HasSubstr("too long"));
  EXPECT_THAT(complaint(std::string(100, '/') + "=grft"), HasSubstr("too long"))
      << "three bytes each, as a folder";
}

TEST(MethodSpec, of_any_bytes_is_read_or_refused) {
  const std::string whole = R"(a b=grft,k=2,targets=x\,y,train-bias,lrs=1e-3/1e-2;linear)";
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    try {
      for (const MethodSpec& spec : parse_method_specs(flipped)) EXPECT_FALSE(spec.label.empty());
    } catch (const training::UsageError&) {
    }
  }
}

TEST(MethodSpec, gives_its_words_for_tune) {
  EXPECT_THAT(one("grft,k=4,no-shuffle,epochs=3")
                  .words({{"epochs", "10"}, {"augment", "flip"}, {"no-memory-check", ""}}),
              ElementsAre("--method=grft", "--augment=flip", "--no-memory-check", "--k=4", "--no-shuffle",
                          "--epochs=3"))
      << "its own options take the place of common ones";
  EXPECT_THAT(one("grft,steps=3").words({{"epochs", "10"}}), ElementsAre("--method=grft", "--steps=3"));
  EXPECT_THAT(one("grft,epochs=3").words({{"steps", "10"}}), ElementsAre("--method=grft", "--epochs=3"));
}

TEST(MethodSpec, turns_switches_of_its_method_on_and_off) {
  EXPECT_THAT(one("gps,train-bias=off").words({}), ElementsAre("--method=gps", "--no-train-bias"));
  EXPECT_THAT(one("gps,no-train-bias").words({}), ElementsAre("--method=gps", "--no-train-bias"));
  EXPECT_THAT(one("gps,train-bias=on").words({}), ElementsAre("--method=gps", "--train-bias"));
  EXPECT_THAT(one("gps,train-bias").words({}), ElementsAre("--method=gps", "--train-bias"));
}

TEST(MethodSpec, in_words_is_what_tune_reads) {
  std::vector<std::string> words =
      one(R"(gps,train-bias=off,targets=a\,b,optimizer=sgd,momentum=0.5)").words({{"batch-size", "7"}});
  words.insert(words.end(), {"--arch=vit_tiny_patch16_224", "--data=somewhere"});
  const training::TrainConfig options = parse_tune(words).value().config;
  EXPECT_EQ(options.method, "gps");
  EXPECT_EQ(options.batch_size, 7);
  EXPECT_EQ(options.momentum, 0.5);
  EXPECT_EQ(options.method_options.at("train-bias"), "off");
  EXPECT_EQ(options.method_options.at("targets"), "a,b");
}

TEST(MethodSpec, takes_no_option_of_tune_that_the_comparison_gives_to_its_runs_itself) {
  TuneOptions options;
  OptionTable tune, common;
  declare_tune(tune, options);
  declare_base(common, options.config.model);
  declare_threads(common, options.config.model.threads);
  declare_screening(common, options.config.data);
  training::declare_reading(common, options.config);
  training::declare_depth(common, options.config);
  training::declare_training(common, options.config);
  training::declare_handling(common, options.config);
  declare_memory_check(common, options.no_memory_check);
  for (const Option& option : tune.options()) {
    if (common.find(option.name)) continue;
    EXPECT_THAT(complaint("grft," + option.name + "=x"), HasSubstr("is decided by the comparison"));
  }
}

TEST(Rates, are_numbers_above_0_once_each) {
  EXPECT_THAT(parse_rates("1e-3,0.5", ',', "--lrs"), ElementsAre(1e-3, 0.5));
  for (const char* wrong : {"", ",", "x", "0", "-1", "inf", "1,1", "1,1.0", "1 ,2"})
    EXPECT_THROW(parse_rates(wrong, ',', "--lrs"), engine::Error) << wrong;
}

}  // namespace
}  // namespace cli
