#include "data/ahead.h"

#include <gmock/gmock.h>

#include <system_error>

#include "tests/data/support.h"

namespace data {
namespace {

/// Batches of two pieces whose only label is their number.
BatchMaker numbered() {
  BatchMaker maker;
  maker.open = [](Index index) {
    Batch batch;
    batch.labels.push_back(index);
    return batch;
  };
  maker.pieces = [](const Batch&) { return Index{2}; };
  maker.fill = [](Batch&, Index, Index) {};
  maker.finish = [](Batch&, Index) {};
  return maker;
}

/// A system that gives `count` threads and no more.
StartThread only(int count) {
  return [left = std::make_shared<int>(count)](std::function<void()> work) {
    if ((*left)-- <= 0) throw std::system_error(EAGAIN, std::generic_category());
    return std::thread(std::move(work));
  };
}

TEST(Ahead, makes_do_with_the_workers_that_start) {
  for (int count : {1, 3}) {
    Ahead ahead(numbered(), 0, 20, 4, 2, only(count));
    for (Index i = 0; i < 20; ++i) EXPECT_EQ(ahead.take()->labels.front(), i);
    EXPECT_FALSE(ahead.take().has_value());
  }
}

TEST(Ahead, names_the_option_when_no_worker_starts) {
  EXPECT_THAT(error_of([] { Ahead(numbered(), 0, 20, 4, 2, only(0)); }), testing::HasSubstr("--workers"));
}

}  // namespace
}  // namespace data
