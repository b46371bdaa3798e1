#include "tools/training/image_notes.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/support/compare.h"

namespace training {
namespace {

using ::testing::ElementsAre;

data::Image noted(const std::string& note, int orientation = 1) {
  data::Image image(1, 1);
  image.note = note, image.orientation = orientation;
  return image;
}

/// The notes of the images that were added, and of those alone.
std::vector<std::string> notes_of(ImageNotes& notes) {
  std::vector<std::string> all;
  notes.note({.on_note = [&](const std::string& text) { all.push_back(text); }});
  return all;
}

TEST(ImageNotes, are_one_for_each_kind_with_a_count_and_the_first_by_its_name) {
  ImageNotes notes({});
  EXPECT_THAT(notes_of(notes), ElementsAre());
  notes.add(noted("3 extraneous bytes before marker 0xd9"), "b");
  notes.add(noted("14 extraneous bytes before marker 0xda"), "a");
  notes.add(noted("3 extraneous bytes before marker 0xd9"), "b");  // of another epoch
  notes.add(noted("unknown Adobe color transform code 9"), "c");
  notes.add(noted(""), "d");
  notes.add(noted("", 6), "e");
  EXPECT_THAT(notes_of(notes),
              ElementsAre("note: 2 images have damage that touches no pixel, such as a: 14 extraneous bytes "
                          "before marker 0xda",
                          "note: 1 image has damage that touches no pixel, such as c: unknown Adobe color "
                          "transform code 9"));
  notes.add(noted("2 extraneous bytes before marker 0xd9"), "f");
  EXPECT_THAT(notes_of(notes), ElementsAre()) << "each kind once";
}

TEST(ImageNotes, have_orientations_where_these_are_passed_over) {
  ImageNotes notes({.orientation = true});
  notes.add(noted("", 1), "a"), notes.add(noted("", 6), "b"), notes.add(noted("", 3), "c");
  EXPECT_THAT(
      notes_of(notes),
      ElementsAre("note: 2 images have an EXIF orientation that is not followed, such as b: orientation 6; "
                  "--exif-rotate turns them upright"));
}

TEST(ImageNotes, are_errors_that_name_the_image_where_they_are_strict) {
  ImageNotes notes({.strict = true, .orientation = true});
  notes.add(noted(""), "a");
  EXPECT_EQ(support::error_of([&] { notes.add(noted("2 extra bytes"), "b"); }),
            "b: 2 extra bytes (--strict)");
  EXPECT_EQ(support::error_of([&] { notes.add(noted("", 8), "c"); }),
            "c: orientation 8; --exif-rotate turns them upright (--strict)");
}

TEST(ImageNotes, of_a_data_set_are_taken_by_any_number_of_threads) {
  class Made : public data::Dataset {
   public:
    Index size() const override { return 100; }
    std::string name(Index i) const override { return std::to_string(100 + i); }
    Index label(Index i) const override { return i % 2; }
    data::Image image(Index i) const override { return noted(i % 4 == 3 ? "padding" : ""); }
  };
  const auto notes = std::make_shared<ImageNotes>(ImageNotes::Options{});
  const auto images = notes->watch(std::make_shared<Made>());
  EXPECT_EQ(images->size(), 100);
  EXPECT_EQ(images->name(7), "107");
  EXPECT_EQ(images->label(7), 1);
  std::vector<std::thread> threads;
  for (Index t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (Index i = t; i < 200; i += 2) images->image(i % 100);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(notes_of(*notes),
              ElementsAre("note: 25 images have damage that touches no pixel, such as 103: padding"));
}

}  // namespace
}  // namespace training
