#include "data/parquet/snappy_page.h"

#include <snappy-c.h>
#include <zlib.h>

#include <algorithm>
#include <array>

#include "data/codecs/bytes.h"
#include "data/parquet/codecs.h"

namespace data::parquet {
namespace {

constexpr std::size_t kBlock = 1 << 16;  // kBlockSize of Snappy

/// Bytes of a file one by one, of which a small piece is in memory.
class FileBytes {
 public:
  FileBytes(const engine::File& file, std::uint64_t offset, std::size_t size)
      : file_(file), offset_(offset), size_(size) {}
  std::size_t size() const { return size_; }
  std::byte operator[](std::size_t at) {
    if (at < from_ || at >= to_) {
      from_ = at;
      to_ = std::min(size_, at + piece_.size());
      file_.read_at(offset_ + from_, std::span(piece_).first(to_ - from_));
    }
    return piece_[at - from_];
  }

 private:
  const engine::File& file_;
  std::uint64_t offset_;
  std::size_t size_, from_ = 0, to_ = 0;
  std::array<std::byte, 4096> piece_;
};

/// The number of bytes that comes first, as a varint; `at` is where it ends.
template <class Packed>
std::uint64_t stream_length(Packed& packed, std::size_t& at, const std::string& who) {
  std::uint64_t length = 0;
  for (int shift = 0;; shift += 7) {
    check(at < packed.size() && shift < 35, who, "is damaged: it is no SNAPPY");
    const auto byte = std::to_integer<std::uint64_t>(packed[at++]);
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return length;
  }
}

template <class Packed>
std::vector<SnappyCut> find_cuts(Packed& packed, const std::string& who) {
  constexpr std::size_t long_literal = 60;
  std::size_t at = 0;
  const std::uint64_t length = stream_length(packed, at, who);
  check(length <= kMaxPage && packed.size() <= kMaxPage, who, "is damaged: SNAPPY announces", length,
        "bytes");
  std::vector<SnappyCut> cuts;
  std::uint64_t plain = 0;
  while (at < packed.size()) {
    if (plain % kBlock == 0)
      cuts.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(plain)});
    const auto tag = std::to_integer<std::size_t>(packed[at++]);
    std::size_t count = (tag >> 2) + 1, extra = 0;
    switch (tag & 3) {
      case 0:  // a literal, the length of which may stand in further bytes
        if (count > long_literal) {
          const std::size_t bytes = count - long_literal;
          check(bytes <= packed.size() - at, who, "is damaged: it is no SNAPPY");
          count = 1;
          for (std::size_t i = 0; i < bytes; ++i)
            count += std::to_integer<std::size_t>(packed[at++]) << 8 * i;
        }
        extra = count;
        break;
      case 1:  // copies, whose offset has one, two or four bytes
        count = (tag >> 2 & 7) + 4;
        extra = 1;
        break;
      case 2:
        extra = 2;
        break;
      default:
        extra = 4;
    }
    check(extra <= packed.size() - at && count <= length - plain, who, "is damaged: it is no SNAPPY");
    at += extra;
    plain += count;
  }
  check(plain == length, who, "is damaged: it is no SNAPPY");
  cuts.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(plain)});
  return cuts;
}

/// Finds byte arrays in PLAIN form, behind levels whose length stands before them as that of a value, in
/// bytes that come piece by piece.
class PlainWalk {
 public:
  PlainWalk(bool levels, std::size_t size, Index present, const std::string& who)
      : levels_(levels), size_(size), present_(static_cast<std::size_t>(present)), who_(who) {}

  void take(Bytes bytes) {
    while (!bytes.empty()) {
      if (skip_ > 0) {
        const std::size_t count = std::min<std::size_t>(skip_, bytes.size());
        skip_ -= count;
        at_ += count;
        bytes = bytes.subspan(count);
        continue;
      }
      length_ |= std::to_integer<std::uint32_t>(bytes[0]) << 8 * have_;
      ++at_;
      bytes = bytes.subspan(1);
      if (++have_ < sizeof(length_)) continue;
      check(length_ <= size_ - at_, who_, "is damaged: its values go beyond its end");
      if (!levels_) {
        check(spans_.size() < present_, who_, "is damaged: bytes follow its values");
        spans_.push_back({static_cast<std::uint32_t>(at_), length_});
      }
      levels_ = false;
      skip_ = length_;
      length_ = 0;
      have_ = 0;
    }
  }
  std::vector<Span> finish() {
    check(spans_.size() == present_ && have_ == 0 && !levels_, who_, "is damaged: it has", spans_.size(),
          "values where", present_, "are announced");
    spans_.shrink_to_fit();
    return std::move(spans_);
  }

 private:
  bool levels_;
  std::size_t size_, present_, at_ = 0, skip_ = 0, have_ = 0;
  std::uint32_t length_ = 0;
  const std::string& who_;
  std::vector<Span> spans_;
};

/// The bytes of a page between two cuts, as they are stored.
Buffer read_between(const engine::File& file, const Page& page, const SnappyCut& first,
                    const SnappyCut& last) {
  Buffer packed(last.packed - first.packed);
  file.read_at(page.offset + page.header.level_bytes + first.packed, packed);
  return packed;
}

class Checksum {
 public:
  void add(Bytes bytes) {
    crc_ = static_cast<std::uint32_t>(
        ::crc32_z(crc_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  }
  std::uint32_t value() const { return crc_; }

 private:
  std::uint32_t crc_ = 0;
};

}  // namespace

std::vector<SnappyCut> snappy_cuts(Bytes packed, const std::string& who) {
  return find_cuts(packed, who);
}

std::optional<Buffer> decompress_between(const SnappyCut& first, const SnappyCut& last, Bytes packed) {
  // A stream of its own begins with its length.
  Buffer stream;
  std::uint32_t length = last.plain - first.plain;
  for (; length >= 0x80; length >>= 7) stream.push_back(static_cast<std::byte>(length | 0x80));
  stream.push_back(static_cast<std::byte>(length));
  stream.insert(stream.end(), packed.begin(), packed.end());
  Buffer out(last.plain - first.plain);
  std::size_t size = out.size();
  const auto result = snappy_uncompress(reinterpret_cast<const char*>(stream.data()), stream.size(),
                                        reinterpret_cast<char*>(out.data()), &size);
  if (result != SNAPPY_OK || size != out.size()) return std::nullopt;
  return out;
}

SnappyPage index_snappy_page(const engine::File& file, const Page& page, Index present,
                             const std::string& who) {
  const PageHeader& header = page.header;
  const std::size_t size = header.bytes - header.level_bytes;
  FileBytes packed(file, page.offset + header.level_bytes, header.packed_bytes - header.level_bytes);
  SnappyPage index{find_cuts(packed, who), {}};
  check(index.cuts.back().plain == size, who, "is damaged: SNAPPY announces", index.cuts.back().plain,
        "bytes, and its header", size);
  const bool levels = page.definition > 0 && header.kind != PageHeader::Kind::data_v2;
  PlainWalk walk(levels, size, present, who);
  Checksum checksum;
  Buffer before(header.level_bytes + index.cuts.front().packed);
  file.read_at(page.offset, before);
  checksum.add(before);
  for (std::size_t i = 0; i + 1 < index.cuts.size(); ++i) {
    const Buffer block = read_between(file, page, index.cuts[i], index.cuts[i + 1]);
    checksum.add(block);
    const auto out = decompress_between(index.cuts[i], index.cuts[i + 1], block);
    if (!out) {  // an encoder of another kind, or damage
      const PageContent whole = read_page(file, page, who);
      check(whole.present == present, who, "is damaged: it has", whole.present, "values where", present,
            "are announced");
      index.cuts = {index.cuts.front(), index.cuts.back()};
      index.spans = plain_spans(whole.values(), present, who);
      for (Span& span : index.spans) span.offset += static_cast<std::uint32_t>(whole.values_at);
      return index;
    }
    walk.take(*out);
  }
  check(!header.checksum || *header.checksum == checksum.value(), who, "is damaged: its checksum is another");
  index.spans = walk.finish();
  return index;
}

Buffer read_value(const engine::File& file, const Page& page, const SnappyPage& index, std::size_t value,
                  const std::string& who) {
  const Span span = index.spans[value];
  const auto first = std::prev(std::ranges::upper_bound(index.cuts, span.offset, {}, &SnappyCut::plain));
  const auto last = std::ranges::lower_bound(index.cuts, span.offset + span.size, {}, &SnappyCut::plain);
  if (span.size == 0) return {};
  const auto out = decompress_between(*first, *last, read_between(file, page, *first, *last));
  check(out.has_value(), who, "is damaged: it is no SNAPPY, and was when it was first read");
  const Bytes bytes = Bytes(*out).subspan(span.offset - first->plain, span.size);
  return {bytes.begin(), bytes.end()};
}

}  // namespace data::parquet
