#include "tools/training/options/option_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tools/cli/command_line.h"
#include "tools/cli/option_help.h"
#include "tools/training/options/option_json.h"
#include "tools/training/usage_error.h"

namespace cli {
namespace {

using training::options_identity, training::options_json;

using nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

/// A field of every form.
struct Fields {
  std::string name, file = "in.txt", colour = "red";
  std::vector<std::string> parts{"a", "b"}, tasks, words;
  Index count = 3, size = 0;
  double rate = 0.5;
  bool fast = false;
};

OptionTable table_of(Fields& f) {
  OptionTable table;
  table.group("Things");
  table.text("name", f.name, "NAME", "what it is called");
  table.input("file", f.file, "FILE", "what is read").excluding("name");
  table.choice("colour", f.colour, {"red", "blue"}, "its colour");
  table.list("parts", f.parts, "a,b,...", "its parts");
  table.repeated("task", f.tasks, "TASK", "one of many");
  table.integer("count", f.count, 1, "how many", 9).handling();
  table.integer("size", f.size, 1, "how large").by_default("as stored").rare();
  table.number("rate", f.rate, engine::kShare, "how often").needing("colour", {"blue"});
  table.flag("fast", f.fast, "do it fast").this_call();
  return table;
}

std::string error(const std::vector<std::string>& words) {
  Fields fields;
  const OptionTable table = table_of(fields);
  try {
    check_relations(table, parse(table, words).given);
  } catch (const engine::Error& e) {
    return e.what();
  }
  return "";
}

TEST(OptionTable, reads_the_size_of_images_as_one_side_or_as_height_x_width) {
  data::ImageSize size;
  OptionTable table;
  const training::Option& option = table.image_size("image-size", size, "of images");
  EXPECT_EQ(training::json_value(option), 0);
  EXPECT_EQ(training::text_value(option), "");
  EXPECT_NO_THROW(training::check_value(option)) << "not given";
  training::set_value(option, "224");
  EXPECT_EQ(size, (data::ImageSize{224, 224}));
  EXPECT_EQ(training::json_value(option), 224);
  EXPECT_EQ(training::text_value(option), "224");
  training::set_value(option, "16x64");
  EXPECT_EQ(size, (data::ImageSize{16, 64}));
  EXPECT_EQ(training::json_value(option), ordered_json({16, 64}));
  EXPECT_EQ(training::text_value(option), "16x64");
  for (const char* wrong : {"", "x", "16x", "x64", "16x64x3", "16 x 64", "0", "0x64", "16x0", "8193",
                            "8193x16", "16x8193", "16X64", "-16x64", "1e2"})
    EXPECT_THROW(training::set_value(option, wrong), engine::Error) << wrong;
  for (const char* wrong : {"16X64", "16x", "x64", "16x64x3"}) {
    try {
      training::set_value(option, wrong);
    } catch (const engine::Error& e) {
      EXPECT_EQ(e.what(), "--image-size takes N or HxW (height x width), not '" + std::string(wrong) + "'");
    }
  }
  EXPECT_EQ(size, (data::ImageSize{16, 64}));
  size = {16, 8193};
  EXPECT_THROW(training::check_value(option), engine::Error);
}

TEST(OptionTable, gives_an_option_to_parser_help_json_and_identity) {
  Index layers = 4;
  CommandLine line("build", "Builds it.", "espalier build");
  line.table.integer("layer-count", layers, 1, "layers to build");
  EXPECT_THAT(line.help(false, "", 80),
              AllOf(HasSubstr("--layer-count N"), HasSubstr("layers to build [4]")));
  EXPECT_TRUE(line.parse(std::vector<std::string>{"--layer-count", "7"}));
  EXPECT_EQ(layers, 7);
  EXPECT_EQ(options_json(line.table).dump(), R"({"layer_count":7})");
  EXPECT_EQ(options_identity(line.table).dump(), R"({"layer_count":7})");
  EXPECT_THROW(line.table.integer("layer-count", layers, 1, "again"), engine::Error);
}

TEST(OptionTable, puts_every_form_of_value_into_its_field) {
  Fields f;
  const OptionTable table = table_of(f);
  const Parsed parsed = parse(
      table, std::vector<std::string>{"--name=x=y", "--colour", "blue", "--parts", "c,d,e", "--task=1",
                                      "--task", "2", "--count=9", "--size", "5", "--rate", "1", "--fast"});
  EXPECT_EQ(f.name, "x=y");
  EXPECT_EQ(f.file, "in.txt") << "was not given";
  EXPECT_EQ(f.colour, "blue");
  EXPECT_THAT(f.parts, ElementsAre("c", "d", "e"));
  EXPECT_THAT(f.tasks, ElementsAre("1", "2"));
  EXPECT_EQ(f.count, 9);
  EXPECT_EQ(f.size, 5);
  EXPECT_EQ(f.rate, 1);
  EXPECT_TRUE(f.fast);
  EXPECT_THAT(parsed.given, ElementsAre(Pair("name", "x=y"), Pair("colour", "blue"), Pair("parts", "c,d,e"),
                                        Pair("task", "1"), Pair("task", "2"), Pair("count", "9"),
                                        Pair("size", "5"), Pair("rate", "1"), Pair("fast", "")));
}

TEST(OptionTable, takes_a_switch_with_a_value_and_words_of_no_option) {
  Fields f;
  OptionTable table = table_of(f);
  table.words("WORD", f.words, "anything");
  const Parsed parsed = parse(table, std::vector<std::string>{"one", "--fast=no", "-", "--", "--fast", "-x"});
  EXPECT_FALSE(f.fast);
  EXPECT_THAT(parsed.given, ElementsAre(Pair("fast", "off")));
  EXPECT_THAT(f.words, ElementsAre("one", "-", "--fast", "-x"));
}

TEST(OptionTable, refuses_what_is_wrong_by_name) {
  EXPECT_EQ(error({"--colour", "green"}), "--colour takes red|blue, not 'green'");
  EXPECT_EQ(error({"--count", "0"}), "--count takes 1 or more, not 0");
  EXPECT_EQ(error({"--count", "10"}), "--count takes 9 or less, not 10");
  EXPECT_EQ(error({"--count", "-2"}), "--count takes 1 or more, not -2");
  EXPECT_EQ(error({"--count", "x"}), "--count takes a whole number, not 'x'");
  EXPECT_EQ(error({"--rate", "1e0x"}), "--rate takes a number, not '1e0x'");
  EXPECT_EQ(error({"--rate", "2"}), "--rate takes a number in (0, 1], not 2");
  EXPECT_EQ(error({"--fast=5x"}), "--fast takes on or off, not '5x'");
  EXPECT_EQ(error({"--name", ""}), "--name takes NAME, not an empty text");
  EXPECT_EQ(error({"--name="}), "--name has no value behind its =");
  EXPECT_EQ(error({"--name"}), "--name needs a value: NAME");
  EXPECT_EQ(error({"--name", "--fast"}), "--name needs a value: NAME");
  EXPECT_EQ(error({"--count", "1", "--count=2"}), "--count is given twice");
  EXPECT_EQ(error({"word"}), "unexpected argument 'word'");
  EXPECT_THAT(error({"-k"}), HasSubstr("unknown option '-k'"));
  EXPECT_THAT(error({"--cuont=2"}), HasSubstr("unknown option '--cuont'; did you mean --count"));
  EXPECT_THAT(error({"--no-fast"}), HasSubstr("unknown option '--no-fast'"));
}

TEST(OptionTable, refuses_options_that_exclude_or_lack_each_other) {
  EXPECT_EQ(error({"--name", "x", "--file", "y"}), "--file and --name exclude each other");
  EXPECT_EQ(error({"--rate", "0.1"}), "--rate needs --colour blue");
  EXPECT_EQ(error({"--rate", "0.1", "--colour", "blue"}), "");
  EXPECT_EQ(error({"--rate", "0.50"}), "") << "is the default";
}

TEST(OptionTable, asked_for_help_sets_nothing) {
  Fields f;
  const OptionTable table = table_of(f);
  EXPECT_EQ(parse(table, std::vector<std::string>{"--count", "5", "--nonsense", "-h"}).help,
            Parsed::Help::common);
  EXPECT_EQ(parse(table, std::vector<std::string>{"--help-all"}).help, Parsed::Help::all);
  EXPECT_EQ(f.count, 3);
  std::string method = "grft";
  std::map<std::string, std::string> values;
  OptionTable of_methods;
  of_methods.methods(method, values);
  EXPECT_THAT(parse(of_methods, std::vector<std::string>{"--k", "3", "--method=gps", "-h"}).given,
              ElementsAre(Pair("method", "gps")));
  EXPECT_TRUE(parse(of_methods, std::vector<std::string>{"--method", "--help"}).given.empty());
  EXPECT_TRUE(values.empty());
  EXPECT_EQ(method, "grft");
}

TEST(OptionTable, in_json_has_the_options_that_are_not_of_one_call) {
  Fields f;
  const OptionTable table = table_of(f);
  const ordered_json json = options_json(table);
  EXPECT_EQ(json.dump(), R"({"name":"","file":"in.txt","colour":"red","parts":["a","b"],"task":[],)"
                         R"("count":3,"size":0,"rate":0.5})");
  ordered_json identity = json;
  identity.erase("count");
  EXPECT_EQ(options_identity(table), identity);
}

TEST(OptionTable, in_the_help_shows_names_values_texts_and_defaults) {
  Fields f;
  const OptionTable table = table_of(f);
  EXPECT_EQ(options_help(table, false, nullptr, 60),
            "\nThings:\n"
            "  --name NAME           what it is called [none]\n"
            "  --file FILE           what is read [in.txt]\n"
            "  --colour red|blue     its colour [red]\n"
            "  --parts a,b,...       its parts [a,b]\n"
            "  --task TASK           one of many [none]\n"
            "  --count N             how many [3]\n"
            "  --rate X              how often [0.5]\n"
            "  --fast                do it fast [off]\n");
  EXPECT_THAT(options_help(table, true, nullptr, 60),
              HasSubstr("  --size N              how large [as stored]\n"));
}

TEST(Help, is_wrapped_between_words) {
  EXPECT_EQ(wrapped("one two three\n\nfour unbreakable", 8, 2), "one two\n  three\n\n  four\n  unbreakable");
  EXPECT_EQ(wrapped_command("espalier tune --model m --data d", 22),
            "  espalier tune \\\n    --model m \\\n    --data d");
}

}  // namespace
}  // namespace cli
