#include <cmath>
#include <string>

#include "data/codecs/decoders.h"

namespace data {
namespace {

/// Reads the header and the samples of a PPM or PGM from the front to the back.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, std::string_view name)
      : bytes_(bytes), who_(std::string(name) + ":") {}

  Index left() const { return static_cast<Index>(bytes_.size() - at_); }
  Index byte() { return std::to_integer<Index>(bytes_[at_++]); }
  void skip(std::size_t count) { at_ += count; }

  /// The next decimal number, after white space and `# comments`.
  Index number(std::string_view what) {
    skip_space();
    Index value = 0, digits = 0;
    for (; left() > 0 && is_digit(peek()); ++digits) {
      value = value * 10 + (byte() - '0');
      check(value <= kLargest, who_, "is a damaged PPM/PGM: its", what, "is too large");
    }
    check(digits > 0, who_, "is a damaged PPM/PGM: no", what, "at byte", at_);
    return value;
  }

  /// The single white-space byte between the header and binary samples.
  void separator() {
    check(left() > 0 && is_space(peek()), who_, "is a damaged PPM/PGM: no space after its header");
    ++at_;
  }

 private:
  static constexpr Index kLargest = 1'000'000'000;
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  char peek() const { return static_cast<char>(bytes_[at_]); }

  void skip_space() {
    while (left() > 0 && (is_space(peek()) || peek() == '#')) {
      if (peek() == '#')
        while (left() > 0 && peek() != '\n') ++at_;
      else
        ++at_;
    }
  }

  std::span<const std::byte> bytes_;
  std::string who_;
  std::size_t at_ = 0;
};

}  // namespace

Image decode_pnm(std::span<const std::byte> bytes, std::string_view name) {
  const char kind = static_cast<char>(bytes[1]);
  const bool plain = kind == '2' || kind == '3', gray = kind == '2' || kind == '5';
  const std::string who = std::string(name) + ":";
  Reader reader(bytes, name);
  reader.skip(2);
  const Index width = reader.number("width"), height = reader.number("height");
  check_size(name, width, height);
  const Index largest = reader.number("largest value");
  check(largest > 0 && largest < 65536, who,
        "is a damaged PPM/PGM: its largest value lies in 1 to 65535, not", largest);
  if (!plain) reader.separator();

  const Index samples = width * height * (gray ? 1 : 3);
  const Index sample_bytes = plain || largest > 255 ? 2 : 1;  // plain: a digit and a space
  const Index needed = samples * sample_bytes - (plain ? 1 : 0);
  check(reader.left() >= needed, who, "is cut off:", reader.left(), "bytes of samples where", needed,
        "are needed");

  // Pillow's rounding, half to even.
  std::vector<std::uint8_t> scaled(static_cast<std::size_t>(largest + 1));
  for (std::size_t v = 0; v < scaled.size(); ++v)
    scaled[v] = static_cast<std::uint8_t>(
        std::nearbyint(static_cast<double>(v) / static_cast<double>(largest) * 255));

  Image image(width, height);
  const std::size_t copies = gray ? 3 : 1;
  std::uint8_t* out = image.rgb.data();
  for (Index i = 0; i < samples; ++i) {
    Index value = plain ? reader.number("sample") : reader.byte();
    if (!plain && sample_bytes == 2) value = value << 8 | reader.byte();
    check(value <= largest, who, "is a damaged PPM/PGM: a sample is", value, "but the largest value is",
          largest);
    for (std::size_t copy = 0; copy < copies; ++copy) *out++ = scaled[static_cast<std::size_t>(value)];
  }
  return image;
}

}  // namespace data
