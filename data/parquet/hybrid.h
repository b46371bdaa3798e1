#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data/parquet/compact.h"

namespace data::parquet {

/// Numbers in Parquet's hybrid of runs and bit packing (Encodings.md, "RLE"): levels and positions in a
/// dictionary. Each has `width` bits, 0 to 32. Errors start with `who`; the bytes must outlive it.
class Hybrid {
 public:
  Hybrid(Bytes bytes, int width, std::string who);

  /// Fills `out` with the next numbers. Throws an Error when the bytes have fewer.
  void read(std::span<std::uint32_t> out);

 private:
  void next_run();

  Bytes bytes_;  // those that are left, behind the run
  int width_;
  std::string who_;
  std::uint64_t run_ = 0;  // numbers of the run that are left
  bool packed_ = false;    // they are packed, or all are the same one
  std::uint32_t same_ = 0;
  std::uint64_t bit_ = 0;  // of the packed, counted from bytes_
};

}  // namespace data::parquet
