#include "data/cut.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/data/support.h"

namespace data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kClasses{"ash", "elm", "oak"};

/// So many images of each class.
std::vector<CutImage> images_of(const std::vector<Index>& counts) {
  std::vector<CutImage> images;
  for (std::size_t c = 0; c < counts.size(); ++c)
    for (Index i = 0; i < counts[c]; ++i)
      images.push_back({kClasses[c] + "/" + std::to_string(i) + ".png", static_cast<Index>(c)});
  return images;
}

/// Images of each class in each split.
std::map<Part, std::vector<Index>> counts_of(const std::vector<CutImage>& images,
                                             const std::vector<Part>& parts) {
  std::map<Part, std::vector<Index>> counts;
  for (const Part part : {Part::train, Part::val, Part::test}) counts[part].resize(kClasses.size());
  for (std::size_t i = 0; i < images.size(); ++i)
    ++counts[parts[i]][static_cast<std::size_t>(images[i].label)];
  return counts;
}

TEST(LargestRemainders, are_those_of_a_computation_by_hand) {
  const std::vector<Index> plenty{99, 99, 99};
  // Quotas 1.4, 2.6, 3; 7 in all: 1 + 2 + 3, and one for the remainder 0.6.
  EXPECT_THAT(largest_remainders(std::vector<Index>{7, 13, 15}, 0.2, plenty), ElementsAre(1, 3, 3));
  // 0.8, 0.8, 0.8 of 12 round to 2: ties to the first classes.
  EXPECT_THAT(largest_remainders(std::vector<Index>{4, 4, 4}, 0.2, plenty), ElementsAre(1, 1, 0));
  // 2.1 and 5.1, whose remainders differ only by rounding.
  EXPECT_THAT(largest_remainders(std::vector<Index>{7, 17, 1}, 0.3, plenty), ElementsAre(2, 5, 1));
  // What a class cannot give another one does.
  EXPECT_THAT(largest_remainders(std::vector<Index>{4, 4, 4}, 0.2, std::vector<Index>{0, 9, 9}),
              ElementsAre(0, 1, 1));
}

TEST(Cut, has_the_counts_of_a_computation_by_hand) {
  const std::vector<CutImage> images = images_of({7, 13, 15});
  auto counts = counts_of(images, cut(images, kClasses, {.val = 0.2, .test = 0.3}));
  EXPECT_THAT(counts[Part::val], ElementsAre(1, 3, 3));
  // 2.1, 3.9 and 4.5 of 10.5, which rounds to 11.
  EXPECT_THAT(counts[Part::test], ElementsAre(2, 4, 5));
  EXPECT_THAT(counts[Part::train], ElementsAre(4, 6, 7));
}

TEST(Cut, is_the_same_for_classes_in_any_order) {
  std::vector<CutImage> images = images_of({7, 13, 15});
  const auto before = cut(images, kClasses, {.val = 0.2, .test = 0.3, .seed = 5});
  for (CutImage& image : images) image.label = 2 - image.label;
  EXPECT_EQ(cut(images, std::vector<std::string>(kClasses.rbegin(), kClasses.rend()),
                {.val = 0.2, .test = 0.3, .seed = 5}),
            before);
}

TEST(Cut, is_the_same_for_the_same_images_in_any_order) {
  std::vector<CutImage> images = images_of({9, 10, 11});
  const auto by_path = [&](const CutShares& shares) {
    const std::vector<Part> parts = cut(images, kClasses, shares);
    std::map<std::string, Part> all;
    for (std::size_t i = 0; i < images.size(); ++i) all[images[i].path] = parts[i];
    return all;
  };
  const CutShares shares{.val = 0.2, .test = 0.2, .seed = 3};
  const auto before = by_path(shares);
  std::ranges::reverse(images);
  EXPECT_EQ(by_path(shares), before);
  std::rotate(images.begin(), images.begin() + 7, images.end());
  EXPECT_EQ(by_path(shares), before);
  EXPECT_NE(by_path({.val = 0.2, .test = 0.2, .seed = 4}), before);
}

TEST(Cut, leaves_an_image_of_each_class_to_train_on) {
  const std::vector<CutImage> images = images_of({1, 2, 30});
  auto counts = counts_of(images, cut(images, kClasses, {.val = 0.45, .test = 0.45}));
  for (const Index trained : counts[Part::train]) EXPECT_GE(trained, 1);
  EXPECT_EQ(counts[Part::val][0] + counts[Part::test][0], 0);
}

TEST(Cut, keeps_a_group_in_one_split_and_near_to_the_shares) {
  std::vector<CutImage> images = images_of({40, 40, 40});
  for (std::size_t i = 0; i < images.size(); ++i) images[i].group = "patient " + std::to_string(i / 4);
  const std::vector<Part> parts = cut(images, kClasses, {.val = 0.2, .test = 0.2, .seed = 1});
  std::map<std::string, std::set<Part>> of_group;
  for (std::size_t i = 0; i < images.size(); ++i) of_group[images[i].group].insert(parts[i]);
  for (const auto& [group, splits] : of_group) EXPECT_EQ(splits.size(), 1u) << group;
  auto counts = counts_of(images, parts);
  EXPECT_THAT(counts[Part::val], ElementsAre(8, 8, 8));
  EXPECT_THAT(counts[Part::test], ElementsAre(8, 8, 8));

  std::ranges::reverse(images);
  std::vector<Part> reversed = cut(images, kClasses, {.val = 0.2, .test = 0.2, .seed = 1});
  std::ranges::reverse(reversed);
  EXPECT_EQ(reversed, parts);
}

TEST(Cut, refuses_what_would_mislead) {
  std::vector<CutImage> images = images_of({3, 3, 3});
  EXPECT_THAT(error_of([&] { cut(images, kClasses, {.val = 0.01}); }),
              HasSubstr("--val-split 0.01 of 9 images leaves none for val"));
  for (CutImage& image : images) image.group = kClasses[static_cast<std::size_t>(image.label)];
  EXPECT_THAT(error_of([&] { cut(images, kClasses, {.val = 0.4}); }),
              HasSubstr("without an image to train on"));
  images.push_back(images[0]);
  EXPECT_THAT(error_of([&] { cut(images, kClasses, {.val = 0.2}); }),
              HasSubstr("ash/0.png: is listed twice"));
}

}  // namespace
}  // namespace data
