#include "data/screen.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <utility>

#include "tests/data/support.h"

namespace data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kClasses{"a", "b", "c"};

/// 200 images of two classes, of which some are damaged.
class Made : public Dataset {
 public:
  explicit Made(std::vector<Index> damaged) : damaged_(std::move(damaged)) {}
  Index size() const override { return 200; }
  std::string name(Index i) const override { return "image " + std::to_string(i); }
  Index label(Index i) const override { return i < 190 ? 0 : 2; }
  Image image(Index i) const override {
    ++reads;
    check(!std::ranges::count(damaged_, i), name(i) + ":", "is damaged");
    return Image(1, i + 1);
  }
  mutable std::atomic<int> reads = 0;

 private:
  std::vector<Index> damaged_;
};

Screened screen(std::shared_ptr<const Dataset> images, int workers = 2) {
  return screen("train", std::move(images), kClasses, workers, [] {});
}

TEST(Screen, leaves_bad_images_out_and_keeps_the_order_of_the_others) {
  for (const int workers : {0, 1, 2, 5}) {
    const auto made = std::make_shared<Made>(std::vector<Index>{199, 0, 64, 7});
    int groups = 0;
    const Screened screened = screen("train", made, kClasses, workers, [&] { ++groups; });
    EXPECT_EQ(groups, 4) << "of 64 images";
    EXPECT_EQ(made->reads, 200);
    ASSERT_EQ(screened.images->size(), 196);
    EXPECT_EQ(screened.images->name(0), "image 1");
    EXPECT_EQ(screened.images->image(6).height, 9) << "the seventh is damaged";
    EXPECT_EQ(screened.images->label(195), 2);
    std::vector<std::string> bad;
    for (const BadImage& image : screened.bad)
      bad.push_back(image.split + ": " + image.file + ", " + image.reason);
    EXPECT_THAT(bad, ElementsAre("train: image 0, is damaged", "train: image 7, is damaged",
                                 "train: image 64, is damaged", "train: image 199, is damaged"));
  }
}

TEST(Screen, leaves_good_images_as_they_are) {
  const auto made = std::make_shared<Made>(std::vector<Index>{});
  const Screened screened = screen(made);
  EXPECT_EQ(screened.images, made);
  EXPECT_THAT(screened.bad, IsEmpty());
}

TEST(Screen, names_a_class_that_loses_all_its_images) {
  std::vector<Index> damaged;
  for (Index i = 190; i < 200; ++i) damaged.push_back(i);
  EXPECT_EQ(error_of([&] { screen(std::make_shared<Made>(damaged)); }),
            "train has no image of class c that can be read, of 10; the first is image 190: is damaged");
  damaged.pop_back();
  EXPECT_EQ(screen(std::make_shared<Made>(damaged)).images->size(), 191);
}

TEST(Screen, does_not_take_a_lack_of_memory_for_a_bad_image) {
  class Large : public Made {
   public:
    Large() : Made({}) {}
    Image image(Index i) const override {
      if (i == 100) throw std::bad_alloc();
      return Made::image(i);
    }
  };
  for (const int workers : {0, 2}) EXPECT_THROW(screen(std::make_shared<Large>(), workers), std::bad_alloc);
}

}  // namespace
}  // namespace data
