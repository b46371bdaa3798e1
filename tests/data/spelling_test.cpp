#include "data/spelling.h"

#include <gtest/gtest.h>

#include <ctime>
#include <vector>

#include "data/dataset.h"

namespace data {
namespace {

using Names = std::vector<std::string>;

TEST(Spelling, finds_the_first_name_that_is_another_in_another_normalisation) {
  struct Case {
    const char *name, *other;
    bool alike;
  };
  const Case cases[] = {{"cafe\u0301", "caf\u00e9", true},        // a letter and its mark
                        {"caf\u00e9", "cafe\u0301", true},        // the other way round
                        {"\u1ebf", "\u00ea\u0301", true},         // of two marks one is apart
                        {"\u30c6\u3099", "\u30c7", true},         // Japan's mark for voiced sounds
                        {"\ud55c", "\u1112\u1161\u11ab", true},   // a Korean syllable and its three parts
                        {"\u1112\u1161", "\ud558", true},         // two parts
                        {"\ud55c", "\u1112\u1161\u11ac", false},  // the parts of another syllable
                        {"\u732b", "\u72ac", false},              // two Chinese characters
                        {"cafe", "caf\u00e9", false},             // a letter without its mark
                        {"cafe\u0301s", "caf\u00e9", false},      // one letter more
                        {"cafe\u0301 1", "caf\u00e9 2", false}};
  for (const auto& [name, other, alike] : cases) {
    const Names names{"plain", name}, others{"cafe", "plain too", other};
    const auto found = find_looking_alike(names, others);
    ASSERT_EQ(found.has_value(), alike) << name << ' ' << other;
    if (!found) continue;
    EXPECT_EQ(found->name, name);
    EXPECT_EQ(found->other, other);
  }
}

// Every pair of these compared would take minutes.
TEST(Spelling, of_many_names_is_looked_at_once_each) {
  Names lacking, classes;
  for (int i = 0; i < 40'000; ++i) {
    const std::string number = std::to_string(i);
    lacking.push_back("species_" + number + "_of_the_taxonomy_e\u0301");
    classes.push_back("class number " + number + " of the taxonomy \u00e9");
  }
  classes.push_back("species_39999_of_the_taxonomy_\u00e9");
  const std::clock_t start = std::clock();
  EXPECT_NE(hint_of_spelling(lacking, classes, "train's"), "");
  EXPECT_EQ(united_classes("val", classes, classes).size(), classes.size());
  EXPECT_EQ(united_classes("val", Names(lacking.begin(), lacking.end() - 1), classes).size(),
            classes.size() + lacking.size() - 1);
  EXPECT_LT(std::clock() - start, 20 * CLOCKS_PER_SEC);
}

}  // namespace
}  // namespace data
