#include "engine/ops/rearrange.h"

#include <algorithm>

#include "engine/kernels/elementwise.h"
#include "engine/kernels/patches.h"
#include "engine/kernels/reduce.h"
#include "engine/kernels/simd.h"
#include "engine/ops/op.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

/// The sum over the batch of x [n, tokens, width] at tokens [first, first + count): [1, count, width].
Tensor sum_over_batch(const Tensor& x, Index first, Index count) {
  const Index n = x.shape()[0], row = x.shape().columns(), width = x.shape()[2];
  Tensor sums = Tensor::uninitialized({1, count, width}, x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] {
      return OpWork{"sum over batch", {n, count * width}, 0, static_cast<std::size_t>(n + 1) * sums.bytes()};
    });
    const T* from = x.data<T>().data() + first * width;
    kernels::column_sums(n, count * width, sums.data<T>().data(),
                         [=](Index i, Index j) { return from[i * row + j]; });
  });
  return sums;
}

/// `tokens` [1, count, width], or zeros, put into every sequence of x at place `at`.
Tensor with_tokens(const Tensor& x, const Tensor* tokens, Index at, Index count) {
  const Index n = x.shape()[0], length = x.shape()[1], width = x.shape()[2];
  Tensor y = Tensor::uninitialized({n, length + count, width}, x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("insert tokens", y, 2 * y.bytes()); });
    const T *from = x.data<T>().data(), *between = tokens ? tokens->data<T>().data() : nullptr;
    T* to = y.data<T>().data();
    kernels::parallel_for(n, [&](Index i) {
      const T* rest = from + i * length * width;
      T* next = std::copy_n(rest, at * width, to + i * (length + count) * width);
      next = between ? std::copy_n(between, count * width, next) : std::fill_n(next, count * width, T{0});
      std::copy_n(rest + at * width, (length - at) * width, next);
    });
  });
  return y;
}

/// x without tokens [at, at + count) of every sequence.
Tensor without_tokens(const Tensor& x, Index at, Index count) {
  const Index n = x.shape()[0], length = x.shape()[1], width = x.shape()[2];
  Tensor y = Tensor::uninitialized({n, length - count, width}, x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("remove tokens", y, 2 * y.bytes()); });
    const T* from = x.data<T>().data();
    T* to = y.data<T>().data();
    kernels::parallel_for(n, [&](Index i) {
      const T* all = from + i * length * width;
      T* next = std::copy_n(all, at * width, to + i * (length - count) * width);
      std::copy_n(all + (at + count) * width, (length - at - count) * width, next);
    });
  });
  return y;
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  return record(
      op::reshape, {x}, x.reshaped(shape),
      [before = x.shape()](const Tensor& dy, const Needs&) -> Grads { return {dy.reshaped(before)}; });
}

Tensor patches(const Tensor& images, Index patch) {
  const Shape& p = images.shape();
  check(p.rank() == 4 && patch > 0 && p[2] >= patch && p[3] >= patch,
        "patches: images must be [n, channels, height, width] with sides of at least", patch, "not", p);
  const kernels::PatchShape s{p[0], p[1], p[2], p[3], patch};
  Tensor y = Tensor::uninitialized({p[0], s.down() * s.across(), p[1] * patch * patch}, images.dtype());
  visit(images.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("patches forward", y, bytes_of(images, y)); });
    kernels::to_patches(s, images.data<T>().data(), y.data<T>().data());
  });
  return record(op::patches, {images}, y, [s, shape = p](const Tensor& dy, const Needs&) -> Grads {
    const bool whole = s.down() * s.patch == s.height && s.across() * s.patch == s.width;
    Tensor dx = whole ? Tensor::uninitialized(shape, dy.dtype()) : Tensor::zeros(shape, dy.dtype());
    visit(dy.dtype(), [&]<class T>() {
      const OpTimer timer([&] { return loop_work("patches backward", dy, bytes_of(dy, dx)); });
      kernels::from_patches(s, dy.data<T>().data(), dx.data<T>().data());
    });
    return {dx};
  });
}

namespace {

/// Calls `copy(offset in the images, offset in the row of kept patches)` for every run of `patch` values that
/// stand together in both.
template <class F>
void each_kept_run(const kernels::PatchShape& s, const KeptPatches& kept, F copy) {
  const Index count = kept.count();
  kernels::parallel_for(s.batch * s.channels, [&](Index plane) {
    const Index* places = kept.data() + plane / s.channels * count;
    for (Index t = 0; t < count; ++t) {
      const Index top = places[t] / s.across() * s.patch, left = places[t] % s.across() * s.patch;
      for (Index y = 0; y < s.patch; ++y)
        copy((plane * s.height + top + y) * s.width + left, ((plane * s.patch + y) * count + t) * s.patch);
    }
  });
}

}  // namespace

Tensor keep_patches(const Tensor& images, Index patch, const KeptPatches& kept) {
  if (kept.all()) return images;
  const Shape& p = images.shape();
  check(p.rank() == 4 && patch > 0 && p[2] / patch * (p[3] / patch) == kept.patches(), "keep_patches: images",
        p, "do not have", kept.patches(), "patches of side", patch);
  kept.check_images("keep_patches:", p[0]);
  const kernels::PatchShape s{p[0], p[1], p[2], p[3], patch};
  Tensor y = Tensor::uninitialized({p[0], p[1], patch, kept.count() * patch}, images.dtype());
  visit(images.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("keep patches forward", y, 2 * y.bytes()); });
    const T* from = images.data<T>().data();
    T* to = y.data<T>().data();
    each_kept_run(s, kept, [=](Index in, Index out) { std::copy_n(from + in, patch, to + out); });
  });
  return record(op::keep_patches, {images}, y, [s, kept, shape = p](const Tensor& dy, const Needs&) -> Grads {
    Tensor dx = Tensor::zeros(shape, dy.dtype());
    visit(dy.dtype(), [&]<class T>() {
      const OpTimer timer([&] { return loop_work("keep patches backward", dx, bytes_of(dx, dy)); });
      const T* from = dy.data<T>().data();
      T* to = dx.data<T>().data();
      each_kept_run(s, kept, [=, &s](Index in, Index out) { std::copy_n(from + out, s.patch, to + in); });
    });
    return {dx};
  });
}

Tensor insert_tokens(const Tensor& x, const Tensor& tokens, Index at) {
  check(x.shape().rank() == 3 && tokens.shape().rank() == 3 && tokens.dtype() == x.dtype() &&
            tokens.shape()[0] == 1 && tokens.shape()[2] == x.shape()[2],
        "insert_tokens: tokens", tokens.dtype(), tokens.shape(), "do not fit x", x.dtype(), x.shape());
  const Index length = x.shape()[1], count = tokens.shape()[1];
  check(0 <= at && at <= length, "insert_tokens: no place", at, "in", x.shape());
  return record(op::insert_tokens, {x, tokens}, with_tokens(x, &tokens, at, count),
                [at, count](const Tensor& dy, const Needs& needs) -> Grads {
                  return {needs(0) ? Grad(without_tokens(dy, at, count)) : Grad(),
                          needs(1) ? Grad(sum_over_batch(dy, at, count)) : Grad()};
                });
}

Tensor remove_tokens(const Tensor& x, Index at, Index count) {
  check(x.shape().rank() == 3 && 0 <= at && count > 0 && at + count <= x.shape()[1],
        "remove_tokens: no tokens", at, "to", at + count, "to spare in", x.shape());
  return record(
      op::remove_tokens, {x}, without_tokens(x, at, count),
      [at, count](const Tensor& dy, const Needs&) -> Grads { return {with_tokens(dy, nullptr, at, count)}; });
}

namespace {

/// The sum over the batch of what is at each of `rows` positions in x, behind the same tokens of every
/// sequence only those patches that are kept: [1, rows, width].
Tensor sum_at_positions(const Tensor& x, Index rows, const KeptPatches& kept) {
  if (kept.all()) return sum_over_batch(x, 0, rows);
  const Index n = x.shape()[0], row = x.shape().columns(), width = x.shape()[2];
  const Index prefix = rows - kept.patches();
  Tensor sums = Tensor::uninitialized({1, rows, width}, x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("sum at positions", x, bytes_of(x, sums)); });
    const T* from = x.data<T>().data();
    const std::vector<Index> by_place = kept.by_place();
    kernels::column_sums(n, rows * width, sums.data<T>().data(), [&](Index i, Index j) {
      const Index place = j / width - prefix;
      if (place < 0) return from[i * row + j];
      const Index t = by_place[static_cast<std::size_t>(i * kept.patches() + place)];
      return t < 0 ? T{0} : from[i * row + (prefix + t) * width + j % width];
    });
  });
  return sums;
}

}  // namespace

Tensor add_positions(const Tensor& x, const Tensor& positions, const KeptPatches& kept) {
  const Shape& s = x.shape();
  const Index rows = s.rank() == 3 ? s[1] + kept.patches() - kept.count() : 0;
  check(s.rank() == 3 && positions.shape() == Shape({1, rows, s[2]}) && positions.dtype() == x.dtype() &&
            kept.count() <= s[1],
        "add_positions: positions", positions.dtype(), positions.shape(), "do not fit x", x.dtype(), s);
  kept.check_images("add_positions:", s[0]);
  Tensor y = Tensor::uninitialized(s, x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("add positions", x, bytes_of(x, positions, y)); });
    const T *in = x.data<T>().data(), *at = positions.data<T>().data();
    T* to = y.data<T>().data();
    const Index row = s.columns(), width = s[2], same = s[1] - kept.count();
    kernels::parallel_for(s[0], [&](Index i) {
      const T* const from = in + i * row;
      kernels::add(kept.all() ? row : same * width, from, at, to + i * row);
      for (Index t = 0; t < kept.count(); ++t)
        kernels::add(width, from + (same + t) * width,
                     at + (same + kept.data()[i * kept.count() + t]) * width,
                     to + i * row + (same + t) * width);
    });
  });
  return record(
      op::add_positions, {x, positions}, y, [rows, kept](const Tensor& dy, const Needs& needs) -> Grads {
        return {needs(0) ? Grad(dy) : Grad(), needs(1) ? Grad(sum_at_positions(dy, rows, kept)) : Grad()};
      });
}

Tensor repeat(const Tensor& x, Index times) {
  check(x.shape().rank() > 0 && times > 0, "repeat: x", x.shape(), "cannot be repeated", times, "times");
  std::vector<Index> dims = x.shape().dims();
  dims[0] *= times;
  Tensor y = Tensor::uninitialized(Shape(std::move(dims)), x.dtype());
  {
    const OpTimer timer([&] { return loop_work("repeat forward", y, bytes_of(x, y)); });
    for (Index i = 0; i < times; ++i)
      std::copy_n(x.raw(), x.bytes(), y.raw() + static_cast<std::size_t>(i) * x.bytes());
  }
  return record(op::repeat, {x}, y, [shape = x.shape(), times](const Tensor& dy, const Needs&) -> Grads {
    Tensor dx = Tensor::uninitialized(shape, dy.dtype());
    visit(dy.dtype(), [&]<class T>() {
      const OpTimer timer([&] { return loop_work("repeat backward", dy, bytes_of(dy, dx)); });
      const T* from = dy.data<T>().data();
      kernels::column_sums(times, shape.numel(), dx.data<T>().data(),
                           [=, n = shape.numel()](Index i, Index j) { return from[i * n + j]; });
    });
    return {dx};
  });
}

Tensor select_token(const Tensor& x, Index index) {
  check(x.shape().rank() == 3 && 0 <= index && index < x.shape()[1], "select_token: no token", index, "in",
        x.shape());
  const Index n = x.shape()[0], row = x.shape().columns(), width = x.shape()[2];
  Tensor y = Tensor::uninitialized({n, width}, x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const T* from = x.data<T>().data() + index * width;
    const OpTimer timer([&] { return loop_work("select token forward", y, 2 * y.bytes()); });
    for (Index i = 0; i < n; ++i) std::copy_n(from + i * row, width, y.data<T>().data() + i * width);
  });
  return record(op::select_token, {x}, y,
                [shape = x.shape(), index, n, row, width](const Tensor& dy, const Needs&) -> Grads {
                  const OpTimer timer([&] {
                    const std::size_t tokens = static_cast<std::size_t>(row / width);
                    return OpWork{"select token backward", {n, row}, 0, (1 + tokens) * dy.bytes()};
                  });
                  Tensor dx = Tensor::zeros(shape, dy.dtype());
                  visit(dy.dtype(), [&]<class T>() {
                    T* to = dx.data<T>().data() + index * width;
                    for (Index i = 0; i < n; ++i)
                      std::copy_n(dy.data<T>().data() + i * width, width, to + i * row);
                  });
                  return {dx};
                });
}

Tensor mean_tokens(const Tensor& x, Index first, Index count) {
  check(x.shape().rank() == 3 && 0 <= first && count > 0 && first + count <= x.shape()[1],
        "mean_tokens: no tokens", first, "to", first + count, "in", x.shape());
  const Index n = x.shape()[0], row = x.shape().columns(), width = x.shape()[2];
  Tensor y = Tensor::uninitialized({n, width}, x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("mean of tokens forward", x, bytes_of(x, y)); });
    const T* from = x.data<T>().data() + first * width;
    T* const to = y.data<T>().data();
    kernels::parallel_for(n, [&](Index i) {
      T* const mean = to + i * width;
      std::fill_n(mean, width, T{0});
      kernels::simd<T>().add_rows(count, width, from + i * row, width, mean);
      for (Index j = 0; j < width; ++j) mean[j] /= static_cast<T>(count);
    });
  });
  return record(
      op::mean_tokens, {x}, y,
      [shape = x.shape(), first, count, n, row, width](const Tensor& dy, const Needs&) -> Grads {
        Tensor dx = Tensor::zeros(shape, dy.dtype());
        visit(dy.dtype(), [&]<class T>() {
          const OpTimer timer([&] { return loop_work("mean of tokens backward", dx, bytes_of(dx, dy)); });
          const T* from = dy.data<T>().data();
          T* const to = dx.data<T>().data() + first * width;
          kernels::parallel_for(n, [&](Index i) {
            for (Index t = 0; t < count; ++t)
              for (Index j = 0; j < width; ++j)
                to[i * row + t * width + j] = from[i * width + j] / static_cast<T>(count);
          });
        });
        return {dx};
      });
}

Tensor join(const Tensor& a, const Tensor& b) {
  const Index p = a.shape()[-1], q = b.shape()[-1], rows = a.numel() / std::max<Index>(p, 1);
  std::vector<Index> dims = a.shape().dims(), others = b.shape().dims();
  dims.back() = others.back() = p + q;
  check(dims == others && a.dtype() == b.dtype() && p > 0 && q > 0, "join: a", a.dtype(), a.shape(),
        "does not fit b", b.dtype(), b.shape());
  Tensor y = Tensor::uninitialized(Shape(std::move(dims)), a.dtype());
  visit(a.dtype(), [&]<class T>() {
    T* to = y.data<T>().data();
    for (Index i = 0; i < rows; ++i) {
      to = std::copy_n(a.data<T>().data() + i * p, p, to);
      to = std::copy_n(b.data<T>().data() + i * q, q, to);
    }
  });
  return record(op::join, {a, b}, y,
                [rows, p, q, left = a.shape(), right = b.shape()](const Tensor& dy, const Needs&) -> Grads {
                  Tensor da = Tensor::uninitialized(left, dy.dtype()),
                         db = Tensor::uninitialized(right, dy.dtype());
                  visit(dy.dtype(), [&]<class T>() {
                    const T* from = dy.data<T>().data();
                    for (Index i = 0; i < rows; ++i, from += p + q) {
                      std::copy_n(from, p, da.data<T>().data() + i * p);
                      std::copy_n(from + p, q, db.data<T>().data() + i * q);
                    }
                  });
                  return {da, db};
                });
}

}  // namespace engine
