#include "engine/ops/rotary.h"

#include <cmath>

#include "engine/kernels/parallel.h"
#include "engine/ops/op.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

/// A rotation's sizes, and where the values of a pair are.
struct Rotation {
  Index batch, tokens, row;    ///< of x
  Index patches, places;       ///< patches in x, and in the table of turns
  Index tables, half, groups;  ///< `groups` heads of 2 * half values are turned
  Index step, apart;           ///< from pair to pair, and within a pair
  KeptPatches kept;

  /// Calls `f(offset of the first value in x, offset of the cosine in turns)` for every pair of an image's
  /// patch.
  template <class F>
  void each_pair(Index image, Index patch, F f) const {
    const Index at = (image * tokens + tokens - patches + patch) * row;
    const Index place = kept.all() ? patch : kept.data()[image * patches + patch];
    for (Index g = 0; g < groups; ++g) {
      const Index turn = (g % tables * places + place) * half * 2;
      for (Index j = 0; j < half; ++j) f(at + g * 2 * half + j * step, turn + 2 * j);
    }
  }
};

/// to = from, with the pairs turned: forward, or back by the same angles. `to` may be `from`, but other
/// values are copied only where it is not.
template <class T>
void turn(const Rotation& r, Index columns, const T* from, const T* turns, T* to, bool back) {
  kernels::parallel_for(r.batch * r.tokens, [&](Index i) {
    const Index image = i / r.tokens, patch = i % r.tokens - (r.tokens - r.patches);
    if (to != from)
      std::copy_n(from + i * r.row + (patch < 0 ? 0 : columns), patch < 0 ? r.row : r.row - columns,
                  to + i * r.row + (patch < 0 ? 0 : columns));
    if (patch < 0) return;
    r.each_pair(image, patch, [&](Index a, Index t) {
      const T cosine = turns[t], sine = back ? -turns[t + 1] : turns[t + 1];
      const T x = from[a], y = from[a + r.apart];
      to[a] = x * cosine - y * sine;
      to[a + r.apart] = y * cosine + x * sine;
    });
  });
}

/// The gradient of the turns from that of the result and the result itself.
template <class T>
void turns_gradient(const Rotation& r, const T* y, const T* dy, const T* turns, T* to) {
  const std::vector<Index> by_place = r.kept.by_place();
  kernels::parallel_for(r.places, [&](Index place) {
    for (Index table = 0; table < r.tables; ++table)
      std::fill_n(to + (table * r.places + place) * r.half * 2, r.half * 2, T{0});
    for (Index image = 0; image < r.batch; ++image) {
      const Index patch = r.kept.all() ? place : by_place[static_cast<std::size_t>(image * r.places + place)];
      if (patch < 0) continue;
      r.each_pair(image, patch, [&](Index a, Index t) {
        const T cosine = turns[t], sine = turns[t + 1];
        const T first = y[a] * cosine + y[a + r.apart] * sine, second = y[a + r.apart] * cosine - y[a] * sine;
        to[t] += dy[a] * first + dy[a + r.apart] * second;
        to[t + 1] += dy[a + r.apart] * first - dy[a] * second;
      });
    }
  });
}

}  // namespace

Tensor rotate(Tensor x, Index columns, const Tensor& turns, RotaryPairs pairs, const KeptPatches& kept) {
  const Shape &s = x.shape(), &t = turns.shape();
  const Index patches = kept.all() ? t[1] : kept.count();
  check(s.rank() == 3 && t.rank() == 4 && t[3] == 2 && patches <= s[1] && turns.dtype() == x.dtype() &&
            (kept.all() || kept.patches() == t[1]),
        "rotate: turns", turns.dtype(), t, "do not fit x", x.dtype(), s);
  kept.check_images("rotate:", s[0]);
  const Index half = t[2], heads = half == 0 ? 0 : columns / (2 * half);
  check(0 < columns && columns <= s[2] && half > 0 && columns % (2 * half) == 0 && heads % t[0] == 0,
        "rotate:", columns, "values of x", s, "are no whole heads of turns", t);
  const bool together = pairs == RotaryPairs::neighbours;
  const Rotation r{s[0], s[1], s[2], patches, t[1], t[0], half, heads, together ? 2 : 1, together ? 1 : half,
                   kept};
  const Tensor in = x.detached();
  std::shared_ptr<Node> node = x.node();
  x = {};
  const bool alone = in.unshared();
  Tensor y = alone ? in : Tensor::uninitialized(in.shape(), in.dtype());
  const Tensor input = in.with_node(std::move(node));
  visit(y.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("rotate forward", y, bytes_of(in, y)); });
    turn<T>(r, columns, in.data<T>().data(), turns.data<T>().data(), y.data<T>().data(), false);
  });
  const bool trains = turns.tracked();
  return record(
      op::rotate, {input, turns}, y,
      [r, columns, turns = turns.detached(), y = keep(y, trains)](Tensor dy, const Needs& needs) -> Grads {
        Grads grads(2);
        visit(dy.dtype(), [&]<class T>() {
          const T* table = turns.data<T>().data();
          if (needs(1)) {
            Tensor d = Tensor::uninitialized(turns.shape(), dy.dtype());
            turns_gradient<T>(r, y.data<T>().data(), dy.data<T>().data(), table, d.data<T>().data());
            grads[1] = d;
          }
          if (needs(0)) {
            Tensor dx = dy.unshared() ? dy : Tensor::uninitialized(dy.shape(), dy.dtype());
            const OpTimer timer([&] { return loop_work("rotate backward", dy, bytes_of(dy, dx)); });
            turn<T>(r, columns, dy.data<T>().data(), table, dx.data<T>().data(), true);
            grads[0] = dx;
          }
        });
        return grads;
      });
}

Tensor mixed_turns(const Tensor& freqs, Index block, Index down, Index across) {
  const Shape& f = freqs.shape();
  check(f.rank() == 4 && f[0] == 2 && 0 <= block && block < f[1] && down > 0 && across > 0,
        "mixed_turns: frequencies", f, "have no block", block, "of", down, "x", across, "patches");
  const Index heads = f[2], half = f[3], patches = down * across, axis = f[1] * heads * half;
  Tensor turns = Tensor::uninitialized({heads, patches, half, 2}, freqs.dtype());
  visit(freqs.dtype(), [&]<class T>() {
    const T* from = freqs.data<T>().data() + block * heads * half;
    T* to = turns.data<T>().data();
    kernels::parallel_for(heads * patches, [&](Index i) {
      const T *x = from + i / patches * half, *y = x + axis;
      const T column = static_cast<T>(i % patches % across), row = static_cast<T>(i % patches / across);
      for (Index j = 0; j < half; ++j) {
        const T angle = column * x[j] + row * y[j];
        to[(i * half + j) * 2] = std::cos(angle);
        to[(i * half + j) * 2 + 1] = std::sin(angle);
      }
    });
  });
  return record(op::mixed_turns, {freqs}, turns,
                [turns = keep(turns, freqs.tracked()), shape = f, block, across, heads, half, patches, axis](
                    const Tensor& d, const Needs&) -> Grads {
                  Tensor dfreqs = Tensor::zeros(shape, d.dtype());
                  visit(d.dtype(), [&]<class T>() {
                    const T *turn = turns.data<T>().data(), *g = d.data<T>().data();
                    T* const to = dfreqs.data<T>().data() + block * heads * half;
                    kernels::parallel_for(heads, [&](Index h) {
                      for (Index t = 0; t < patches; ++t) {
                        for (Index j = 0; j < half; ++j) {
                          const Index at = ((h * patches + t) * half + j) * 2;
                          const T angle = g[at + 1] * turn[at] - g[at] * turn[at + 1];
                          to[h * half + j] += angle * static_cast<T>(t % across);
                          to[axis + h * half + j] += angle * static_cast<T>(t / across);
                        }
                      }
                    });
                  });
                  return {dfreqs};
                });
}

}  // namespace engine
