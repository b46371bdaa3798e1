// Compiled in with -DESPALIER_TIFF=ON alone.
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/codecs/bytes.h"
#include "data/codecs/decode.h"
#include "data/codecs/decoders.h"

namespace data {
namespace {

/// A file in memory as libtiff reads it.
struct Memory {
  std::span<const std::byte> bytes;
  std::uint64_t at = 0;
};

tmsize_t read_memory(thandle_t handle, void* to, tmsize_t count) {
  auto& file = *static_cast<Memory*>(handle);
  const std::uint64_t left = file.bytes.size() - std::min<std::uint64_t>(file.at, file.bytes.size());
  const auto got = std::min<std::uint64_t>(static_cast<std::uint64_t>(count), left);
  if (got > 0) std::memcpy(to, file.bytes.data() + file.at, got);
  file.at += got;
  return static_cast<tmsize_t>(got);
}
tmsize_t write_nothing(thandle_t, void*, tmsize_t) {
  return 0;
}
toff_t seek_memory(thandle_t handle, toff_t offset, int from) {
  auto& file = *static_cast<Memory*>(handle);
  file.at = from == SEEK_SET ? offset : from == SEEK_CUR ? file.at + offset : file.bytes.size() + offset;
  return file.at;
}
int close_nothing(thandle_t) {
  return 0;
}
toff_t size_of_memory(thandle_t handle) {
  return static_cast<Memory*>(handle)->bytes.size();
}

using Handle = std::unique_ptr<TIFF, decltype(&TIFFClose)>;

Handle open(Memory& file) {
  // libtiff would print what it finds.
  static const bool silent = (TIFFSetErrorHandler(nullptr), TIFFSetWarningHandler(nullptr), true);
  static_cast<void>(silent);
  return {TIFFClientOpen("", "rm", &file, read_memory, write_nothing, seek_memory, close_nothing,
                         size_of_memory, nullptr, nullptr),
          TIFFClose};
}

/// True when all values of the first directory lie in the file: libtiff passes over tags that it cannot read.
bool has_all_values(std::span<const std::byte> bytes) {
  constexpr std::array<std::size_t, 14> sizes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};
  constexpr std::size_t header = 8, entry = 12, inside = 4;
  if (bytes.size() < header) return false;
  const bool big = bytes[0] == std::byte{'M'};
  const auto number = [&](std::size_t at, std::size_t count) -> std::size_t {
    return big ? big_endian(bytes, at, count) : little_endian(bytes, at, count);
  };
  const auto has = [&](std::size_t at, std::size_t count) {
    return at <= bytes.size() && count <= bytes.size() - at;
  };
  std::size_t at = number(4, 4);
  if (!has(at, 2)) return false;
  const std::size_t entries = number(at, 2);
  if (!has(at += 2, entries * entry)) return false;
  for (std::size_t i = 0; i < entries; ++i, at += entry) {
    const std::size_t type = number(at + 2, 2),
                      size = type < sizes.size() ? sizes[type] * number(at + 4, 4) : 0;
    if (size > inside && !has(number(at + 8, 4), size)) return false;
  }
  return true;
}

/// The first image of a TIFF.
class Tiff {
 public:
  Tiff(std::span<const std::byte> bytes, std::string_view name)
      : name_(name), file_{bytes}, tiff_(open(file_)) {
    check(tiff_ != nullptr && has_all_values(bytes), who(),
          "is a damaged TIFF: its first directory cannot be read");
    width_ = number<std::uint32_t>(TIFFTAG_IMAGEWIDTH), height_ = number<std::uint32_t>(TIFFTAG_IMAGELENGTH);
    check_size(name_, width_, height_);
    check_density(name_, width_, height_, bytes.size());
    check_form();
  }

  Image image() {
    Image image(width_, height_);
    if (TIFFIsTiled(tiff_.get()) != 0)
      read_tiles(image);
    else
      read_rows(image);
    image.orientation = number<std::uint16_t>(TIFFTAG_ORIENTATION);
    if (image.orientation < 1 || image.orientation > 8) image.orientation = 1;
    return upright(std::move(image));
  }

 private:
  std::string who() const { return name_ + ":"; }

  /// A tag, by its default where the file has none, or 0.
  template <class T>
  T number(std::uint32_t tag) const {
    T value = 0;
    TIFFGetFieldDefaulted(tiff_.get(), tag, &value);
    return value;
  }

  void check_form() {
    const std::string unread = who() + " is a TIFF that is not read:";
    const auto bits = number<std::uint16_t>(TIFFTAG_BITSPERSAMPLE);
    check(bits == 8, unread, bits, "bits for a sample; 8 are read");
    check(number<std::uint16_t>(TIFFTAG_SAMPLEFORMAT) == SAMPLEFORMAT_UINT, unread,
          "its samples are signed or real");
    photometric_ = number<std::uint16_t>(TIFFTAG_PHOTOMETRIC);
    if (photometric_ == PHOTOMETRIC_YCBCR && number<std::uint16_t>(TIFFTAG_COMPRESSION) == COMPRESSION_JPEG) {
      TIFFSetField(tiff_.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      photometric_ = PHOTOMETRIC_RGB;
    }
    const bool gray = photometric_ == PHOTOMETRIC_MINISBLACK || photometric_ == PHOTOMETRIC_MINISWHITE;
    const bool palette = photometric_ == PHOTOMETRIC_PALETTE;
    check(gray || palette || photometric_ == PHOTOMETRIC_RGB, unread,
          "its colours are neither gray, of a palette nor RGB");
    samples_ = number<std::uint16_t>(TIFFTAG_SAMPLESPERPIXEL);
    const Index colours = gray || palette ? 1 : 3;
    check(samples_ >= colours && samples_ <= colours + (palette ? 0 : 1), unread, samples_,
          "samples for a pixel");
    check(number<std::uint16_t>(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_CONTIG, unread,
          "its colours lie in planes of their own");
    std::uint16_t count = 0, *extra = nullptr;
    TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_EXTRASAMPLES, &count, &extra);
    check(count == 0 || extra[0] != EXTRASAMPLE_ASSOCALPHA, unread, "its colours are multiplied by alpha");
    if (!palette) return;
    std::uint16_t* maps[3] = {};
    check(TIFFGetField(tiff_.get(), TIFFTAG_COLORMAP, &maps[0], &maps[1], &maps[2]) != 0, who(),
          "is a damaged TIFF: it has no palette");
    for (std::size_t i = 0; i < 256; ++i)
      for (std::size_t c = 0; c < 3; ++c) palette_.push_back(static_cast<std::uint8_t>(maps[c][i] >> 8));
  }

  void put(std::uint8_t* to, const std::uint8_t* from, Index pixels) const {
    for (; pixels > 0; --pixels, from += samples_, to += 3)
      if (photometric_ == PHOTOMETRIC_RGB)
        std::copy_n(from, 3, to);
      else if (photometric_ == PHOTOMETRIC_PALETTE)
        std::copy_n(palette_.data() + std::size_t{*from} * 3, 3, to);
      else
        std::fill_n(to, 3,
                    photometric_ == PHOTOMETRIC_MINISWHITE ? static_cast<std::uint8_t>(255 - *from) : *from);
  }

  [[noreturn]] void refuse() const {
    throw Error(who() + " is a damaged TIFF: its pixels cannot be decoded");
  }

  void read_rows(Image& image) {
    const Index size = width_ * samples_;
    check(TIFFScanlineSize(tiff_.get()) == size, who(),
          "is a damaged TIFF: a row has another size than its pixels");
    std::vector<std::uint8_t> row(static_cast<std::size_t>(size));
    for (Index y = 0; y < height_; ++y) {
      if (TIFFReadScanline(tiff_.get(), row.data(), static_cast<std::uint32_t>(y), 0) != 1) refuse();
      put(image.row(y), row.data(), width_);
    }
  }

  void read_tiles(Image& image) {
    const Index width = number<std::uint32_t>(TIFFTAG_TILEWIDTH),
                height = number<std::uint32_t>(TIFFTAG_TILELENGTH);
    check_size(name_, width, height);
    check_density(name_, width, height, file_.bytes.size());
    const Index size = width * height * samples_;
    check(TIFFTileSize(tiff_.get()) == size, who(),
          "is a damaged TIFF: a tile has another size than its pixels");
    std::vector<std::uint8_t> tile(static_cast<std::size_t>(size));
    for (Index top = 0; top < height_; top += height)
      for (Index left = 0; left < width_; left += width) {
        if (TIFFReadTile(tiff_.get(), tile.data(), static_cast<std::uint32_t>(left),
                         static_cast<std::uint32_t>(top), 0, 0) != size)
          refuse();
        for (Index y = top; y < std::min(height_, top + height); ++y)
          put(image.row(y) + left * 3, tile.data() + (y - top) * width * samples_,
              std::min(width, width_ - left));
      }
  }

  std::string name_;
  Memory file_;
  Handle tiff_;
  Index width_ = 0, height_ = 0, samples_ = 0;
  std::uint16_t photometric_ = 0;
  std::vector<std::uint8_t> palette_;
};

}  // namespace

Image decode_tiff(std::span<const std::byte> bytes, std::string_view name) {
  return Tiff(bytes, name).image();
}

}  // namespace data
