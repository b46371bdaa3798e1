#include "data/loader.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "tests/data/support.h"

namespace data {
namespace {

using testing::HasSubstr;

/// Images made by formula; one of them may be damaged. Counts how often it is read.
class Made : public Dataset {
 public:
  explicit Made(Index size, std::vector<Index> damaged = {}) : damaged_(std::move(damaged)) {
    for (Index i = 0; i < size; ++i) names_.push_back("image " + std::to_string(i));
  }
  Index size() const override { return static_cast<Index>(names_.size()); }
  std::string name(Index i) const override { return names_[static_cast<std::size_t>(i)]; }
  Index label(Index i) const override { return i % 4; }
  Image image(Index i) const override {
    ++reads;
    if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));  // so that workers overtake
    check(std::find(damaged_.begin(), damaged_.end(), i) == damaged_.end(), name(i) + ":", "is damaged");
    return noise("noise", static_cast<std::uint32_t>(i), 10 + i % 7, 12);
  }
  mutable std::atomic<int> reads = 0;

 private:
  std::vector<std::string> names_;
  std::vector<Index> damaged_;
};

LoaderOptions small() {
  LoaderOptions options;
  options.preprocessing.size = 8;
  options.batch_size = 4;
  options.shuffle = true;
  options.augmentation = "simclr";
  return options;
}

TEST(Loader, without_images_reads_none_and_gives_all_else_of_the_same_batches) {
  LoaderOptions options = small();
  const auto images = std::make_shared<Made>(22);
  const Loader with(images, options);
  const Batch seen = with.batch(3, 1);
  const int reads = images->reads;
  options.images = false;
  for (const int workers : {0, 2}) {
    options.workers = workers;
    Loader without(images, options);
    without.start(3, 1);
    const Batch batch = without.next().value();
    EXPECT_EQ(batch.labels, seen.labels);
    EXPECT_EQ(batch.names, seen.names);
    EXPECT_EQ(batch.samples, seen.samples);
    EXPECT_FALSE(batch.images.defined());
    for (std::size_t i = 0; i < batch.samples.size(); ++i)
      EXPECT_EQ(images->name(batch.samples[i]), batch.names[i]);
  }
  EXPECT_EQ(images->reads, reads);
  options.mixup = 1, options.classes = 4;
  EXPECT_THROW(Loader(images, options), engine::Error);
}

struct Seen {
  std::vector<std::uint32_t> images, targets;
  std::vector<Index> labels;
  std::vector<std::string> names;
  friend bool operator==(const Seen&, const Seen&) = default;
};

void add(Seen& seen, const Batch& batch) {
  seen.images.push_back(crc32_of(batch.images.raw(), batch.images.bytes()));
  if (batch.targets.defined()) seen.targets.push_back(crc32_of(batch.targets.raw(), batch.targets.bytes()));
  seen.labels.insert(seen.labels.end(), batch.labels.begin(), batch.labels.end());
  seen.names.insert(seen.names.end(), batch.names.begin(), batch.names.end());
}

Seen run(LoaderOptions options, int workers, Index epoch, Index first = 0) {
  options.workers = workers;
  Loader loader(std::make_shared<Made>(22), options);
  Seen seen;
  loader.start(epoch, first);
  while (auto batch = loader.next()) add(seen, *batch);
  EXPECT_FALSE(loader.next().has_value());
  return seen;
}

TEST(Loader, gives_the_same_bits_for_any_number_of_workers) {
  LoaderOptions mixed = small();
  mixed.mixup = 0.8, mixed.cutmix = 1, mixed.classes = 4;
  LoaderOptions two_views = small();
  two_views.views = 2;
  for (const LoaderOptions& options : {small(), mixed, two_views}) {
    const Seen alone = run(options, 0, 3);
    EXPECT_EQ(alone.images.size(), 6u);
    EXPECT_EQ(alone.names.size(), 22u);
    for (int workers : {1, 3, 7}) EXPECT_EQ(run(options, workers, 3), alone) << workers;

    Loader loader(std::make_shared<Made>(22), options);
    Seen backwards;
    for (Index i = loader.batches() - 1; i >= 0; --i)
      backwards.images.push_back(
          !loader.batch(3, i).images.defined()
              ? 0
              : crc32_of(loader.batch(3, i).images.raw(), loader.batch(3, i).images.bytes()));
    std::reverse(backwards.images.begin(), backwards.images.end());
    EXPECT_EQ(backwards.images, alone.images);
  }
}

TEST(Loader, resumes_in_the_middle_of_an_epoch) {
  const Seen whole = run(small(), 2, 1), rest = run(small(), 2, 1, 4);
  EXPECT_EQ(rest.images, std::vector<std::uint32_t>(whole.images.begin() + 4, whole.images.end()));
}

TEST(Loader, every_epoch_has_another_order_and_other_variations) {
  const Seen first = run(small(), 0, 0), second = run(small(), 0, 1);
  EXPECT_NE(first.names, second.names);
  auto sorted = [](std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    return names;
  };
  EXPECT_EQ(sorted(first.names), sorted(second.names));
  LoaderOptions in_order = small();
  in_order.shuffle = false;
  EXPECT_EQ(run(in_order, 0, 0).names, run(in_order, 0, 1).names);
  EXPECT_NE(run(in_order, 0, 0).images, run(in_order, 0, 1).images);
  in_order.seed = 1;
  EXPECT_NE(run(in_order, 0, 0).images, run(small(), 0, 0).images);
}

TEST(Loader, stacks_views_as_whole_batches) {
  LoaderOptions options = small();
  options.views = 2;
  Loader loader(std::make_shared<Made>(10), options);
  const Batch two = loader.batch(0, 0);
  EXPECT_EQ(two.images.shape(), (engine::Shape{8, 3, 8, 8}));
  EXPECT_EQ(two.labels.size(), 4u);
  options.views = 1;
  const Batch one = Loader(std::make_shared<Made>(10), options).batch(0, 0);
  EXPECT_EQ(std::memcmp(two.images.raw(), one.images.raw(), one.images.bytes()), 0);
  EXPECT_NE(std::memcmp(two.images.slice(4, 8).raw(), one.images.raw(), one.images.bytes()), 0);

  options.views = 2, options.augmentation = "none";
  const Batch same = Loader(std::make_shared<Made>(10), options).batch(0, 0);
  EXPECT_EQ(std::memcmp(same.images.raw(), same.images.slice(4, 8).raw(), one.images.bytes()), 0);
}

TEST(Loader, counts_batches_with_and_without_the_last) {
  LoaderOptions options = small();
  EXPECT_EQ(Loader(std::make_shared<Made>(10), options).batches(), 3);
  EXPECT_EQ(Loader(std::make_shared<Made>(10), options).batch(0, 2).labels.size(), 2u);
  options.drop_last = true;
  EXPECT_EQ(Loader(std::make_shared<Made>(10), options).batches(), 2);
  EXPECT_THAT(error_of([&] { Loader(std::make_shared<Made>(10), options).batch(0, 2); }),
              HasSubstr("batch 2"));
}

TEST(Loader, evaluation_is_the_plain_transform) {
  LoaderOptions options;
  options.preprocessing = {.size = 8, .mode = Preprocessing::Mode::crop};
  const auto dataset = std::make_shared<Made>(3);
  const Batch batch = Loader(dataset, options).batch(0, 0);
  for (Index i = 0; i < 3; ++i) {
    const Tensor expected = to_tensor(dataset->image(i), options.preprocessing);
    EXPECT_EQ(std::memcmp(batch.images.slice(i, i + 1).raw(), expected.raw(), expected.bytes()), 0);
  }
}

TEST(Loader, makes_batches_of_any_height_and_width) {
  LoaderOptions options = small();
  options.preprocessing.size = {8, 12};
  options.views = 2;
  const auto dataset = std::make_shared<Made>(6);
  EXPECT_EQ(Loader(dataset, options).batch(0, 0).images.shape(), (engine::Shape{8, 3, 8, 12}));
  options.views = 1, options.augmentation = "none", options.shuffle = false;
  const Batch plain = Loader(dataset, options).batch(0, 1);
  for (Index i = 0; i < 2; ++i) {
    const Tensor expected = to_tensor(dataset->image(4 + i), options.preprocessing);
    EXPECT_EQ(std::memcmp(plain.images.slice(i, i + 1).raw(), expected.raw(), expected.bytes()), 0);
  }
  options.cutmix = 1, options.classes = 4;
  const Batch mixed = Loader(dataset, options).batch(0, 0);
  EXPECT_EQ(mixed.images.shape(), (engine::Shape{4, 3, 8, 12}));
  EXPECT_EQ(mixed.targets.shape(), (engine::Shape{4, 4}));
}

TEST(Loader, an_error_comes_with_its_batch_and_is_the_first_of_it) {
  for (int workers : {0, 1, 4}) {
    LoaderOptions options = small();
    options.shuffle = false;
    options.workers = workers;
    Loader loader(std::make_shared<Made>(12, std::vector<Index>{7, 5}), options);
    loader.start(0);
    EXPECT_TRUE(loader.next().has_value());
    EXPECT_EQ(error_of([&] { loader.next(); }), "image 5: is damaged");
    EXPECT_TRUE(loader.next().has_value());
    EXPECT_FALSE(loader.next().has_value());
  }
}

TEST(Loader, works_ahead_but_not_without_end) {
  LoaderOptions options = small();
  options.workers = 2;
  const auto dataset = std::make_shared<Made>(4000);
  Loader loader(dataset, options);
  loader.start(0);
  loader.next();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(dataset->reads, 4 * 4 + 2);
  loader.start(1);  // drops the rest
  EXPECT_TRUE(loader.next().has_value());
}  // and the destructor stops the workers

TEST(Loader, options_without_sense_are_errors) {
  auto error = [](auto change, Index size = 800) {
    LoaderOptions options = small();
    change(options);
    return error_of([&] { Loader(std::make_shared<Made>(size), options); });
  };
  EXPECT_EQ(error([](LoaderOptions& o) { o.batch_size = 1000, o.drop_last = true; }),
            "800 images do not fill one batch of 1000");
  EXPECT_THAT(error([](LoaderOptions&) {}, 0), HasSubstr("no images"));
  EXPECT_THAT(error([](LoaderOptions& o) { o.batch_size = 0; }),
              HasSubstr("batch size must be at least 1, not 0"));
  EXPECT_THAT(error([](LoaderOptions& o) { o.views = 0; }),
              HasSubstr("views of an image must be 1 to 16 and not 0"));
  EXPECT_THAT(error([](LoaderOptions& o) { o.workers = -1; }),
              HasSubstr("workers must be 0 to 256 and not -1"));
  EXPECT_THAT(error([](LoaderOptions& o) { o.mixup = 1; }), HasSubstr("number of classes"));
  EXPECT_THAT(error([](LoaderOptions& o) { o.mixup = 1, o.classes = 4, o.views = 2; }),
              HasSubstr("single view"));
  EXPECT_THAT(error([](LoaderOptions& o) { o.augmentation = "simclrr"; }), HasSubstr("did you mean simclr"));
  EXPECT_THAT(error([](LoaderOptions& o) { o.preprocessing.size = 0; }), HasSubstr("image size"));
}

#if defined(__x86_64__) || defined(__aarch64__)
/// Asks on the thread that prepares an image whether a denormal result is zero there.
class Asking : public Made {
 public:
  using Made::Made;
  Image image(Index i) const override {
    volatile float smallest = std::numeric_limits<float>::min();
    flushed += std::fpclassify(smallest * 0.125f) == FP_ZERO ? 1 : 0;
    return Made::image(i);
  }
  mutable std::atomic<int> flushed = 0;
};

TEST(Loader, flushes_denormals_on_workers_and_without) {
  for (const int workers : {0, 2}) {
    LoaderOptions options = small();
    options.workers = workers;
    const auto images = std::make_shared<Asking>(8);
    Loader loader(images, options);
    loader.start(0);
    while (loader.next()) continue;
    EXPECT_EQ(images->flushed, 8);
    volatile float smallest = std::numeric_limits<float>::min();
    EXPECT_GT(smallest * 0.125f, 0) << "the caller's own mode";
  }
}
#endif

}  // namespace
}  // namespace data
