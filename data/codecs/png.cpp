#include <zlib.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <vector>

#include "data/codecs/bytes.h"
#include "data/codecs/decode.h"
#include "data/codecs/decoders.h"
#include "data/codecs/exif.h"
#include "data/codecs/stb.h"
#include "engine/base/div_up.h"
#include "engine/base/text.h"
#include "engine/io/inflate.h"

namespace data {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kSignature = 8, kFrame = 12;  // around a chunk's content: length, type, checksum
constexpr std::uint32_t kIhdr = 0x49484452, kPlte = 0x504c5445, kIdat = 0x49444154, kIend = 0x49454e44,
                        kExif = 0x65584966;
constexpr std::size_t kColour = 3, kPaletteBytes = 256 * kColour;
constexpr std::uint32_t kPaletted = 3;     // the colour type
constexpr Index kMaxRaw = 4 * kMaxPixels;  // 64 million pixels of 8-bit RGBA

struct Chunk {
  std::size_t at;  // of its length, before type and content
  std::uint32_t type;
  Bytes content;
  std::string damage = {};  // of the chunk itself: it is cut off, or its checksum is wrong
  bool optional() const { return (type >> 24 & 0x20u) != 0; }  // a small first letter
};

struct Png {
  Index width, height;
  std::uint32_t bits, colour;
  bool interlaced;
  std::vector<Chunk> data;  // the pieces of one zlib stream
  std::vector<Chunk> palettes;
  int orientation;
  std::string damage = {};  // of its data's chunks or of what follows them
};

/// The chunk at a place, with as much of its content as there is.
Chunk chunk_at(Bytes bytes, std::size_t at) {
  constexpr std::size_t checksum = 4, start = kFrame - checksum;
  const std::size_t left = bytes.size() - at;
  const std::string cut_off = engine::say("it is cut off after", bytes.size(), "bytes");
  if (left < start) return {at, 0, {}, cut_off};
  const std::size_t length = big_endian(bytes, at, 4);
  Chunk chunk{at, big_endian(bytes, at + 4, 4), bytes.subspan(at + start, std::min(length, left - start))};
  const auto* type = reinterpret_cast<const Bytef*>(bytes.data() + at + 4);
  if (left < kFrame || length > left - kFrame)
    chunk.damage = cut_off;
  else if (crc32_z(0, type, length + 4) != big_endian(bytes, at + start + length, checksum))
    chunk.damage = engine::say("a checksum is wrong at byte", at);
  return chunk;
}

void read_header(Png& png, const Chunk& header, std::string_view name) {
  const std::string who = std::string(name) + ":";
  check(header.type == kIhdr && header.content.size() == 13, who, "is a damaged PNG: it has no header");
  auto byte = [&](std::size_t at) { return big_endian(header.content, at, 1); };
  png.width = big_endian(header.content, 0, 4), png.height = big_endian(header.content, 4, 4);
  png.bits = byte(8), png.colour = byte(9), png.interlaced = byte(12) == 1;
  check_size(name, png.width, png.height);
  constexpr std::array<std::string_view, 7> bits_of_colour = {"\1\2\4\10\20", "", "\10\20", "\1\2\4\10",
                                                              "\10\20",       "", "\10\20"};
  check(png.colour < bits_of_colour.size() &&
            bits_of_colour[png.colour].find(static_cast<char>(png.bits)) != std::string_view::npos,
        who, "is a damaged PNG: colour type", png.colour, "with", png.bits, "bits does not exist");
  check(byte(10) == 0 && byte(11) == 0 && byte(12) <= 1, who,
        "is a damaged PNG: its compression, filter or interlacing does not exist");
}

Png read_chunks(Bytes bytes, std::string_view name) {
  const std::string who = std::string(name) + ":";
  Png png{};
  png.orientation = 1;
  Chunk chunk = chunk_at(bytes, kSignature);
  check(chunk.damage.empty(), who, "is a damaged PNG:", chunk.damage);
  read_header(png, chunk, name);
  while (chunk.type != kIend) {
    chunk = chunk_at(bytes, std::min(chunk.at + kFrame + chunk.content.size(), bytes.size()));
    if (chunk.type == kIdat) png.data.push_back(chunk);
    if (!chunk.damage.empty()) {
      // zlib has a checksum of its own, which says whether the pixels are whole all the same.
      check(!png.data.empty(), who, "is a damaged PNG:", chunk.damage);
      if (png.damage.empty()) png.damage = chunk.damage;
      if (chunk.type != kIdat) break;
      continue;
    }
    if (chunk.type == kPlte) png.palettes.push_back(chunk);
    if (chunk.type == kExif) png.orientation = exif_orientation(chunk.content);
    check(chunk.optional() || chunk.type == kIdat || chunk.type == kPlte || chunk.type == kIend, who,
          "is a damaged or unusual PNG: no decoder knows the chunk at byte", chunk.at);
  }
  const std::size_t palette = png.palettes.empty() ? 0 : png.palettes[0].content.size();
  check(png.palettes.size() <= 1 && palette <= kPaletteBytes && palette % kColour == 0 &&
            (png.colour != kPaletted || palette > 0),
        who, "is a damaged PNG: its palette makes no sense");
  return png;
}

/// The bytes of all rows with the filter's byte before each, as they come out of zlib.
Index raw_bytes(const Png& png) {
  constexpr std::array<Index, 7> samples = {1, 0, 3, 1, 2, 0, 4};
  auto pass = [&](Index width, Index height) {
    const Index bits = width * samples[png.colour] * png.bits;
    return width > 0 && height > 0 ? height * (1 + (bits + 7) / 8) : 0;
  };
  if (!png.interlaced) return pass(png.width, png.height);
  struct Adam7 {
    Index left, top, across, down;  // the first pixel of a pass, and steps to the next
  };
  constexpr std::array<Adam7, 7> passes = {
      {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};
  Index sum = 0;
  for (const Adam7& p : passes) {
    if (png.width <= p.left || png.height <= p.top) continue;  // no pixel of a small image
    sum += pass(engine::div_up(png.width - p.left, p.across), engine::div_up(png.height - p.top, p.down));
  }
  return sum;
}

void append(std::vector<std::byte>& bytes, std::initializer_list<std::size_t> values) {
  for (std::size_t value : values) bytes.push_back(static_cast<std::byte>(value & 0xff));
}

/// Appends what stands before a chunk's content.
void begin_chunk(std::vector<std::byte>& bytes, std::size_t length, std::uint32_t type) {
  for (std::size_t number : {length, std::size_t{type}})
    append(bytes, {number >> 24, number >> 16, number >> 8, number});
}

/// The same image in a plain PNG whose data are not compressed. zlib, which trusts no byte, has decompressed
/// them and found the rows of all pixels, no fewer; `note` says when there was more, of which no checksum
/// says that it is right. The palette has 256 colours, black where it had none: stb would show what lies in
/// memory there. Checksums are left out: stb does not read them.
std::vector<std::byte> decompressed(Bytes bytes, const Png& png, const std::string& who, std::string& note) {
  constexpr std::size_t largest_block = 65535;  // in DEFLATE's stored form, behind 5 bytes
  std::vector<Bytes> pieces;
  Index packed = 0;
  for (const Chunk& chunk : png.data) {
    pieces.push_back(chunk.content);
    packed += static_cast<Index>(chunk.content.size());
  }
  const Index wanted = raw_bytes(png);
  check(wanted <= kMaxRaw, who, "claims", png.width, "x", png.height, "pixels of", wanted, "bytes; at most",
        kMaxRaw / 1'000'000, "MB are read");
  check(wanted <= engine::Inflater::kMaxRatio * packed, who, "is a damaged PNG: it claims", png.width, "x",
        png.height, "pixels, more than", packed, "bytes can hold");

  const auto raw = static_cast<std::size_t>(wanted);
  const std::size_t blocks = engine::div_up(raw, largest_block), data = 2 + raw + 5 * (blocks + 1);
  std::vector<std::byte> plain;
  plain.reserve(data + kPaletteBytes + 128);
  const Bytes header = bytes.first(kSignature + kFrame + 13);
  plain.assign(header.begin(), header.end());
  if (png.colour == kPaletted) {
    begin_chunk(plain, kPaletteBytes, kPlte);
    const Bytes colours = png.palettes[0].content;
    plain.insert(plain.end(), colours.begin(), colours.end());
    plain.resize(plain.size() + kPaletteBytes - colours.size() + 4);
  }
  begin_chunk(plain, data, kIdat);
  append(plain, {0x78, 0x01});
  engine::Inflater zlib(engine::Inflater::Form::zlib, pieces, who + " is a damaged PNG:");
  for (std::size_t done = 0; done < raw;) {
    const std::size_t block = std::min(raw - done, largest_block), at = plain.size() + 5;
    append(plain, {0, block, block >> 8, ~block, ~block >> 8});
    plain.resize(at + block);
    const std::size_t got = zlib.read(std::span(plain).subspan(at));
    done += got;
    check(got == block, who, "is a damaged PNG: its data hold", done, "of the", raw, "bytes of its pixels");
  }
  append(plain, {1, 0, 0, 0xff, 0xff, 0, 0, 0, 0});  // the last block, empty
  // What follows is no pixel's; behind it no checksum is looked for, for it may be endless.
  std::byte extra;
  if (zlib.read({&extra, 1}) > 0)
    note = engine::say("its data decompress to more than the", raw, "bytes of its pixels");
  else
    check(zlib.ended(), who, "is a damaged PNG: its data are cut off");
  begin_chunk(plain, 0, kIend);
  append(plain, {0, 0, 0, 0});
  return plain;
}

}  // namespace

Image decode_png(Bytes bytes, std::string_view name) {
  const Png png = read_chunks(bytes, name);
  std::string note;
  std::vector<std::byte> plain;
  const std::string who = std::string(name) + ":";
  try {
    plain = decompressed(bytes, png, who, note);
    check(note.empty() || png.damage.empty(), who, note);
  } catch (const Error&) {
    check(png.damage.empty(), who, "is a damaged PNG:", png.damage);  // which explains the other damage
    throw;
  }
  if (!png.damage.empty()) note = png.damage;
  Image image = png_by_stb(plain, name, png.width, png.height);
  image.note = note;
  image.orientation = png.orientation;
  return image;
}

}  // namespace data
