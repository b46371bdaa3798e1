#include "engine/tensor/tensor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <new>
#include <thread>

#include "engine/tensor/half.h"
#include "tests/support/compare.h"
#include "tests/support/sanitizer.h"

namespace engine {
namespace {

Tensor of(Shape shape, const std::vector<float>& values) {
  return Tensor::of(std::move(shape), values);
}

TEST(Tensor, that_is_default_made_is_empty) {
  EXPECT_FALSE(Tensor().defined());
  EXPECT_TRUE(Tensor::zeros({0}).defined());
  EXPECT_FALSE(Tensor().tracked());
}

TEST(Tensor, starts_with_the_numbers_asked_for) {
  EXPECT_TRUE(support::same_bits(Tensor::zeros({2, 2}), of({2, 2}, {0, 0, 0, 0})));
  EXPECT_TRUE(support::same_bits(Tensor::full({2}, 1.5), of({2}, {1.5f, 1.5f})));
  EXPECT_EQ(Tensor::full({1}, 0.1, Dtype::f64).item(), 0.1);
  EXPECT_EQ(Tensor::of<std::int64_t>({2}, {3, 4}).data<std::int64_t>()[1], 4);
  EXPECT_EQ(Tensor::zeros({3}, Dtype::u8).bytes(), 3u);
}

TEST(Tensor, refuses_values_that_do_not_fill_it) {
  EXPECT_EQ(support::error_of([] { of({2, 2}, {1, 2, 3}); }), "tensor: 3 values do not fill [2, 2]");
}

TEST(Tensor, refuses_a_shape_whose_bytes_cannot_be_counted) {
  EXPECT_EQ(support::error_of([] { Tensor::uninitialized({Index{1} << 61}, Dtype::f64); }),
            "tensor: shape [2305843009213693952] is too large");
}

TEST(Tensor, gives_its_numbers_as_its_own_type_only) {
  Tensor t = Tensor::zeros({2});
  EXPECT_EQ(t.data<float>().size(), 2u);
  EXPECT_EQ(support::error_of([&] { t.data<double>(); }), "tensor: values of type f32 asked for as f64");
  EXPECT_THROW(Tensor::full({1}, 1, Dtype::i64), Error);
}

TEST(Tensor, item_needs_one_number) {
  EXPECT_EQ(Tensor::full({1, 1}, 3).item(), 3);
  EXPECT_EQ(support::error_of([] { return Tensor::zeros({2}).item(); }),
            "tensor: item() needs one value, not [2]");
}

TEST(Tensor, copies_share_the_buffer_and_clones_do_not) {
  Tensor a = of({2}, {1, 2});
  EXPECT_TRUE(a.unshared());
  Tensor copy = a;
  EXPECT_FALSE(a.unshared());
  const Tensor clone = a.clone();
  EXPECT_TRUE(clone.unshared());
  copy.data<float>()[0] = 9;
  EXPECT_EQ(a.data<float>()[0], 9);
  EXPECT_EQ(clone.data<float>()[0], 1);
  copy = Tensor();
  EXPECT_TRUE(a.unshared());
}

TEST(Tensor, slices_and_reshaped_tensors_share_the_buffer) {
  Tensor a = of({3, 2}, {1, 2, 3, 4, 5, 6});
  {
    Tensor slice = a.slice(1, 3);
    EXPECT_FALSE(a.unshared() || slice.unshared());
    EXPECT_TRUE(support::same_bits(slice, of({2, 2}, {3, 4, 5, 6})));
    slice.data<float>()[0] = 30;
    EXPECT_EQ(a.data<float>()[2], 30);
    EXPECT_TRUE(support::same_bits(slice.slice(1, 2), of({1, 2}, {5, 6})));
    const Tensor flat = a.reshaped({6});
    EXPECT_FALSE(flat.unshared());
    EXPECT_EQ(flat.raw(), a.raw());
  }
  EXPECT_TRUE(a.unshared());
}

TEST(Tensor, a_slice_keeps_the_buffer_alive) {
  Tensor slice;
  {
    const Tensor a = of({2, 1}, {1, 2});
    slice = a.slice(1, 2);
  }
  const Tensor other = Tensor::full({2, 1}, 7);  // would take the buffer if it were free
  EXPECT_EQ(slice.item(), 2);
  EXPECT_TRUE(slice.unshared());
}

TEST(Tensor, slices_may_be_empty) {
  EXPECT_EQ(of({2, 3}, {1, 2, 3, 4, 5, 6}).slice(2, 2).shape(), Shape({0, 3}));
}

TEST(Tensor, refuses_slices_outside) {
  const Tensor a = Tensor::zeros({3, 2});
  EXPECT_EQ(support::error_of([&] { a.slice(1, 4); }), "tensor: no entries 1 to 4 in [3, 2]");
  EXPECT_THROW(a.slice(-1, 2), Error);
  EXPECT_THROW(a.slice(2, 1), Error);
  EXPECT_THROW(Tensor::full({}, 1).slice(0, 1), Error);
}

TEST(Tensor, refuses_a_shape_of_another_count) {
  EXPECT_EQ(support::error_of([] {
              Tensor::zeros({2, 3}).reshaped({4});
            }),
            "tensor: [2, 3] cannot be seen as [4]");
}

TEST(Tensor, turns_into_another_dtype) {
  const Tensor a = Tensor::of<double>({2}, {0.1, 1e300});
  const Tensor f = a.to(Dtype::f32);
  EXPECT_EQ(f.data<float>()[0], 0.1f);
  EXPECT_TRUE(std::isinf(f.data<float>()[1]));
  EXPECT_EQ(of({1}, {0.1f}).to(Dtype::f64).item(), static_cast<double>(0.1f));
  for (const auto& [dtype, bits] :
       {std::pair(Dtype::f16, f32_to_f16(1.5f)), {Dtype::bf16, f32_to_bf16(1.5f)}}) {
    Tensor half = Tensor::uninitialized({1}, dtype);
    std::memcpy(half.raw(), &bits, 2);
    EXPECT_EQ(half.to(Dtype::f32).item(), 1.5);
    EXPECT_EQ(half.to(Dtype::f64).item(), 1.5);
  }
}

TEST(Tensor, stays_itself_when_the_dtype_is_its_own) {
  const Tensor a = of({1}, {1});
  EXPECT_EQ(a.to(Dtype::f32).raw(), a.raw());
}

TEST(Tensor, refuses_to_turn_whole_numbers_or_into_storage_types) {
  EXPECT_EQ(support::error_of([] { Tensor::zeros({1}, Dtype::i64).to(Dtype::f32); }),
            "tensor: whole numbers of type i64 are not turned into f32");
  EXPECT_THROW(Tensor::zeros({1}).to(Dtype::f16), Error);
}

TEST(Storage, starts_every_buffer_on_a_boundary) {
  std::vector<Tensor> some;
  for (Index n = 0; n < 300; n += 7) {
    some.push_back(Tensor::uninitialized({n}, Dtype::u8));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(some.back().raw()) % kAlignment, 0u) << n;
  }
}

TEST(Storage, gives_a_freed_buffer_out_again) {
  const std::byte* first;
  {
    const Tensor t = Tensor::uninitialized({123'457});
    first = t.raw();
  }
  EXPECT_EQ(Tensor::uninitialized({123'457}).raw(), first);
}

TEST(Storage, gives_back_only_what_nobody_uses) {
  const Tensor kept = Tensor::full({1000}, 3);
  { const Tensor gone = Tensor::zeros({1000}); }
  const std::size_t before = live_bytes();
  release_free_buffers();
  EXPECT_EQ(live_bytes(), before);
  for (const float x : kept.data<float>()) ASSERT_EQ(x, 3);
  EXPECT_EQ(Tensor::full({1000}, 4).data<float>()[999], 4);
}

TEST(Storage, counts_live_and_peak_bytes) {
  const std::size_t before = live_bytes();
  reset_peak_bytes();
  EXPECT_EQ(peak_bytes(), before);
  {
    const Tensor t = Tensor::uninitialized({1'000'000});
    EXPECT_GE(live_bytes(), before + 4'000'000);
    EXPECT_LE(live_bytes(), before + 4'125'000) << "at most 1/32 is lost by rounding";
  }
  EXPECT_EQ(live_bytes(), before);
  EXPECT_GE(peak_bytes(), before + 4'000'000);
  reset_peak_bytes();
  EXPECT_EQ(peak_bytes(), before);
}

TEST(Storage, forgets_a_buffer_that_could_not_be_had) {
  if (support::kSanitized) GTEST_SKIP() << "sanitizers stop the program instead of throwing";
  const std::size_t before = live_bytes();
  EXPECT_THROW(allocate(std::size_t{1} << 62), std::bad_alloc);
  EXPECT_EQ(live_bytes(), before);
}

TEST(Storage, serves_several_threads) {
  const std::size_t before = live_bytes();
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int id = 0; id < 4; ++id) {
    threads.emplace_back([&, id] {
      for (int i = 0; i < 2000; ++i) {
        Tensor t = Tensor::full({64 + i % 3}, id);
        for (const float v : t.data<float>()) wrong += v != static_cast<float>(id);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(live_bytes(), before);
}

}  // namespace
}  // namespace engine
