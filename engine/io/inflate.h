#pragma once

#include <zlib.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/base/check.h"

namespace engine {

/// Decompresses a DEFLATE stream that is stored in pieces: zlib's, gzip's, or raw as in zip archives.
class Inflater {
 public:
  using Bytes = std::span<const std::byte>;
  enum class Form { zlib, gzip, raw };
  /// DEFLATE's best: 258 bytes from 2 bits. More than this times its size comes out of no stream.
  static constexpr Index kMaxRatio = 1032;

  /// The pieces must outlive it. Errors start with `who`.
  Inflater(Form form, std::vector<Bytes> pieces, std::string who);
  Inflater(const Inflater&) = delete;
  ~Inflater();

  /// Fills `out` with the next bytes; returns how many there were. Throws an Error when the stream is
  /// damaged.
  std::size_t read(std::span<std::byte> out);
  /// True when the stream has come to its end, and its checksum, if it has one, was right.
  bool ended() const { return ended_; }
  /// Bytes of the pieces that were not needed.
  std::size_t left() const;

 private:
  z_stream stream_{};
  std::vector<Bytes> pieces_;
  std::size_t next_ = 0;  // piece
  bool ended_ = false;
  std::string who_;
};

}  // namespace engine
