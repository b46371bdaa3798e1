#pragma once

#include <string>
#include <string_view>

#include "engine/base/check.h"

namespace engine::kernels {

/// A data cache, as its processor describes it.
struct Cache {
  static constexpr Index kLine = 64;  ///< bytes of a line, on every processor that this is built for
  Index bytes, ways;

  /// Lines at addresses that are equal modulo sets() lines compete for `ways` places.
  Index sets() const { return bytes / (ways * kLine); }
  /// How many lines stay of those that lie `stride` bytes apart. Where the stride is a multiple of a power of
  /// two they fall into few sets: 4,096 bytes apart, into one of 64.
  Index lines_held(Index stride) const;
};

/// The caches that one core reads through. What a product is cut into follows from them (blocking.h), but for
/// its blocks of depth: they are sized for any first cache, since the bits of a sum follow from them.
struct Caches {
  Cache l1, l2;    ///< of one core
  Index l3_bytes;  ///< shared by cores; 0 where there is none
  /// Whether the last cache delivers panels as fast as register tiles use them: then those of a whole block
  /// of depth may pass from there, else they are cut to what stays in the second.
  bool l3_near;
  std::string processor;  ///< "AuthenticAMD family 25 model 17": what `l3_near` was looked up by
};

/// Those of the processor this runs on, asked once. Where it does not tell sizes, small ones are assumed.
const Caches& caches();

/// Cuts products for other caches from now on: for benchmarks and tests. Results keep their bits.
void use_caches(Caches caches);

/// `base` with what `text` says: words "l1=SIZE/WAYS", "l2=SIZE/WAYS", "l3=SIZE", "near" and "far", separated
/// by commas, with sizes such as 48K and 1M. Throws an Error that names the word that is none of them.
Caches adjusted(Caches base, std::string_view text);

/// "48 KB in 12 ways, 1 MB in 16 ways, 32 MB near": one line for people.
std::string describe(const Caches& caches);

}  // namespace engine::kernels
