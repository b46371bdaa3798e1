#include "data/codecs/decode.h"

#include <algorithm>
#include <string>

#include "data/codecs/decoders.h"
#include "data/file.h"

namespace data {
namespace {

using namespace std::string_view_literals;

using Decode = Image (*)(std::span<const std::byte>, std::string_view);

#ifdef ESPALIER_TIFF
constexpr Decode kDecodeTiff = decode_tiff;
#else
constexpr Decode kDecodeTiff = nullptr;
#endif

/// A kind of file, recognised by the bytes at an offset. Without a decoder it only serves the message.
struct Format {
  std::string_view name;
  std::size_t offset;
  std::string_view magic;
  Decode decode = nullptr;
};

constexpr Format kFormats[] = {
    {"JPEG", 0, "\xff\xd8\xff"sv, decode_jpeg},
    {"PNG", 0, "\x89PNG\r\n\x1a\n"sv, decode_png},
    {"BMP", 0, "BM"sv, decode_bmp},
    {"PGM", 0, "P2"sv, decode_pnm},
    {"PPM", 0, "P3"sv, decode_pnm},
    {"PGM", 0, "P5"sv, decode_pnm},
    {"PPM", 0, "P6"sv, decode_pnm},
    {"GIF", 0, "GIF87a"sv, decode_gif},
    {"GIF", 0, "GIF89a"sv, decode_gif},
    {"WebP", 8, "WEBP"sv, decode_webp},
    {"TIFF", 0, "II*\0"sv, kDecodeTiff},
    {"TIFF", 0, "MM\0*"sv, kDecodeTiff},
    {"AVIF", 4, "ftypavif"sv},
    {"AVIF", 4, "ftypavis"sv},
    {"HEIC", 4, "ftyphei"sv},
    {"HEIC", 4, "ftyphev"sv},
    {"AVIF, HEIC or a film", 4, "ftyp"sv},
    {"JPEG 2000", 4, "jP  "sv},
    {"PBM, a bitmap", 0, "P1"sv},
    {"PBM, a bitmap", 0, "P4"sv},
    {"PAM", 0, "P7\n"sv},
    {"HTML", 0, "<!DOCTYPE"sv},
    {"HTML", 0, "<!doctype"sv},
    {"HTML", 0, "<html"sv},
    {"SVG or XML", 0, "<?xml"sv},
    {"SVG", 0, "<svg"sv},
    {"PDF", 0, "%PDF"sv},
    {"ZIP", 0, "PK\x03\x04"sv},
    {"gzip", 0, "\x1f\x8b"sv},
    {"a pointer of Git LFS; git lfs pull gets the file", 0, "version https://git-lfs"sv},
};

/// What there are decoders for.
constexpr const char* kReadable = "JPEG, PNG, WebP, GIF, BMP or PPM/PGM image";

constexpr std::size_t kLongestStart = 32;  // where every format has shown itself

const Format* find_format(std::string_view content) {
  for (const Format& format : kFormats)
    if (content.size() >= format.offset + format.magic.size() &&
        content.substr(format.offset, format.magic.size()) == format.magic)
      return &format;
  return nullptr;
}

/// The decoder for a file that begins like this; throws an Error when there is none.
Decode decoder_for(std::span<const std::byte> start, std::string_view name) {
  check(!start.empty(), std::string(name) + ":", "is empty, not a", kReadable);
  const Format* format = find_format({reinterpret_cast<const char*>(start.data()), start.size()});
  if (format != nullptr && format->decode != nullptr) return format->decode;
  const std::string guess = format ? " (looks like " + std::string(format->name) + ")" : "";
  throw Error(std::string(name) + ": is not a " + kReadable + guess);
}

}  // namespace

void check_size(std::string_view name, Index width, Index height) {
  const std::string who = std::string(name) + ":";
  check(width > 0 && height > 0, who, "claims", width, "x", height, "pixels; an image has at least one");
  check(width <= kMaxPixels / height, who, "claims", width, "x", height, "pixels; at most",
        kMaxPixels / 1'000'000, "million are read");
  check(std::max(width, height) <= kMaxSide, who, "claims", width, "x", height, "pixels; a side has at most",
        kMaxSide);
}

void check_density(std::string_view name, Index width, Index height, std::size_t bytes) {
  constexpr Index free_pixels = 4'000'000, per_byte = 4096;
  check(width * height <= free_pixels + per_byte * static_cast<Index>(bytes), std::string(name) + ":",
        "claims", width, "x", height, "pixels, more than", bytes, "bytes are trusted with: beyond",
        free_pixels / 1'000'000, "million each byte has at most", per_byte);
}

Image decode_image(std::span<const std::byte> bytes, std::string_view name) {
  return decoder_for(bytes, name)(bytes, name);
}

Image read_image(const std::filesystem::path& path) {
  const engine::File file(path);
  std::byte start[kLongestStart];
  const auto head = std::span(start).first(std::min<std::size_t>(kLongestStart, file.size()));
  file.read_at(0, head);
  decoder_for(head, file.path());
  return decode_image(read_all(file), file.path());
}

}  // namespace data
