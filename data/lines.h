#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/io/file.h"

namespace data {

/// The lines of a text file in UTF-8, from first to last, without their ends (\n or \r\n) and without a byte
/// order mark. Whatever the size of the file, only one piece of it is in memory.
class Lines {
 public:
  static constexpr std::size_t kLongest = 8192;       ///< bytes; a path has at most half as many
  static constexpr engine::Index kMost = 20'000'000;  ///< more than any data set has images

  /// Throws an Error naming the file when it is not there or not a regular file.
  explicit Lines(const std::filesystem::path& path) : file_(path) {}

  /// The next line, which is there until the next call; nothing after the last. Throws an Error that names
  /// file and line when it is too long, when there are too many, or when it holds a NUL byte.
  std::optional<std::string_view> next();
  /// "file:line:" of the last line, counted from 1.
  std::string where() const { return file_.path() + ":" + std::to_string(number_) + ":"; }

 private:
  bool read_more();
  std::string_view rest() const { return std::string_view(piece_).substr(at_); }

  engine::File file_;
  std::uint64_t read_ = 0;  // bytes of the file that were read
  std::string piece_;
  std::size_t at_ = 0;  // where the next line starts in the piece
  engine::Index number_ = 0;
};

}  // namespace data
