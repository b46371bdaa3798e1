#include "engine/io/zip_directory.h"

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstring>
#include <optional>
#include <set>
#include <span>
#include <string_view>

#include "engine/io/in_quotes.h"
#include "engine/io/inflate.h"

namespace engine {
namespace {

static_assert(std::endian::native == std::endian::little, "the format's numbers are little-endian");

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kLocator64 = 0x07064b50;
constexpr std::size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56,
                      kLocator64Bytes = 20;
constexpr std::uint16_t kSaturated16 = 0xffff;
constexpr std::uint32_t kSaturated32 = 0xffffffff;  // the number is in a zip64 field

/// Takes fields one after the other. Throws an Error at the end of the bytes.
class Fields {
 public:
  Fields(Bytes bytes, const std::string& who) : bytes_(bytes), who_(who) {}

  template <std::unsigned_integral T>
  T take() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  Bytes take(std::size_t count) {
    check(count <= bytes_.size(), who_, "is a damaged zip archive: a header is cut off");
    const Bytes taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  Bytes bytes_;
  const std::string& who_;
};

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads the directory of one archive.
class Reader {
 public:
  Reader(const File& file, const ZipLimits& limits) : file_(file), who_(file.path() + ":"), limits_(limits) {}

  std::vector<ZipMember> read() {
    const Directory where = find_directory();
    const std::vector<std::byte> bytes = bytes_at(where.offset, where.bytes);
    Fields fields(bytes, who_);
    std::vector<ZipMember> members;
    std::set<std::string_view> names;
    for (std::uint64_t i = 0; i < where.members; ++i) members.push_back(read_member(fields));
    damaged_unless(fields.at_end(), "its directory is longer than its", where.members, "members");
    for (const ZipMember& member : members)
      check(names.insert(member.name).second, who_, "two members are called", in_quotes(member.name));
    std::ranges::sort(members, {}, &ZipMember::offset);
    place(members, where.offset);
    check_unpacked_size(members);
    return members;
  }

 private:
  struct Directory {
    std::uint64_t offset, bytes, members;
  };

  template <class... Parts>
  void damaged_unless(bool ok, const Parts&... parts) const {
    check(ok, who_, "is a damaged zip archive:", parts...);
  }

  std::vector<std::byte> bytes_at(std::uint64_t offset, std::uint64_t count) const {
    damaged_unless(offset <= file_.size() && count <= file_.size() - offset,
                   "a header lies outside of the file");
    std::vector<std::byte> bytes(static_cast<std::size_t>(count));
    file_.read_at(offset, bytes);
    return bytes;
  }

  /// Where the end record begins: the last that is followed by a comment up to the end of the file.
  std::uint64_t find_end() const {
    constexpr std::uint64_t kMost = kEndBytes + 0xffff;
    const std::uint64_t looked = std::min(kMost, file_.size());
    const std::vector<std::byte> tail = bytes_at(file_.size() - looked, looked);
    for (std::size_t from_end = kEndBytes; from_end <= tail.size(); ++from_end) {
      Fields fields(Bytes(tail).last(from_end), who_);
      if (fields.take<std::uint32_t>() != kEnd) continue;
      fields.take(kEndBytes - 6);
      if (fields.take<std::uint16_t>() == from_end - kEndBytes) return file_.size() - from_end;
    }
    throw Error(who_ + " is a damaged zip archive: there is no end record; was it cut off?");
  }

  Directory find_directory() const {
    const std::uint64_t end = find_end();
    const std::vector<std::byte> bytes = bytes_at(end, kEndBytes);
    Fields fields(bytes, who_);
    fields.take<std::uint32_t>();
    std::uint32_t disk = fields.take<std::uint16_t>(), directory_disk = fields.take<std::uint16_t>();
    std::uint64_t members_here = fields.take<std::uint16_t>(), members = fields.take<std::uint16_t>();
    std::uint64_t size = fields.take<std::uint32_t>(), offset = fields.take<std::uint32_t>();
    std::uint64_t behind = end;  // what follows the directory
    if (const auto end64 = find_end64(end)) {
      const std::vector<std::byte> bytes64 = bytes_at(*end64, kEnd64Bytes);
      Fields fields64(bytes64, who_);
      damaged_unless(fields64.take<std::uint32_t>() == kEnd64 &&
                         fields64.take<std::uint64_t>() == end - kLocator64Bytes - *end64 - 12,
                     "its zip64 end record is not where it should be");
      fields64.take(4);  // versions
      disk = fields64.take<std::uint32_t>(), directory_disk = fields64.take<std::uint32_t>();
      members_here = fields64.take<std::uint64_t>(), members = fields64.take<std::uint64_t>();
      size = fields64.take<std::uint64_t>(), offset = fields64.take<std::uint64_t>();
      behind = *end64;
    }
    check(disk == 0 && directory_disk == 0 && members_here == members, who_,
          "the zip archive is split over several disks, which is not read");
    damaged_unless(offset <= behind && size == behind - offset,
                   "its directory does not end where its end record begins");
    check(size <= limits_.directory_bytes && members <= limits_.members, who_, "the zip archive has", members,
          "members in a directory of", size, "bytes; at most", limits_.members, "in", limits_.directory_bytes,
          "are read");
    damaged_unless(members <= size / kCentralBytes, members, "members do not fit into its directory of", size,
                   "bytes");
    return {offset, size, members};
  }

  /// Where zip64's end record begins, if there is one.
  std::optional<std::uint64_t> find_end64(std::uint64_t end) const {
    if (end < kLocator64Bytes) return {};
    const std::vector<std::byte> bytes = bytes_at(end - kLocator64Bytes, kLocator64Bytes);
    Fields fields(bytes, who_);
    if (fields.take<std::uint32_t>() != kLocator64) return {};
    const auto disk = fields.take<std::uint32_t>();
    const auto offset = fields.take<std::uint64_t>();
    check(disk == 0 && fields.take<std::uint32_t>() <= 1, who_,
          "the zip archive is split over several disks, which is not read");
    damaged_unless(end >= kLocator64Bytes + kEnd64Bytes && offset <= end - kLocator64Bytes - kEnd64Bytes,
                   "its zip64 end record is not where it should be");
    return offset;
  }

  /// The next member of the directory; its offset is still that of its local header.
  ZipMember read_member(Fields& fields) const {
    damaged_unless(fields.take<std::uint32_t>() == kCentral, "a member of its directory has no signature");
    fields.take(4);  // versions
    const auto flags = fields.take<std::uint16_t>(), method = fields.take<std::uint16_t>();
    fields.take(4);  // time
    ZipMember member;
    member.crc = fields.take<std::uint32_t>();
    member.packed = fields.take<std::uint32_t>();
    member.size = fields.take<std::uint32_t>();
    const auto name = fields.take<std::uint16_t>(), extra = fields.take<std::uint16_t>(),
               comment = fields.take<std::uint16_t>();
    std::uint32_t disk = fields.take<std::uint16_t>();
    fields.take(6);  // attributes
    member.offset = fields.take<std::uint32_t>();
    member.name = text_of(fields.take(name));
    take_zip64(fields.take(extra), member, disk);
    fields.take(comment);

    const std::string about = who_ + " member " + in_quotes(member.name);
    check(!member.name.empty() && member.name.size() <= limits_.name &&
              std::ranges::all_of(member.name, [](char c) { return c >= ' ' && c <= '~'; }),
          about, "should have a name of 1 to", limits_.name, "ASCII characters");
    constexpr unsigned kEncrypted = 1u | 1u << 6 | 1u << 13;
    check((flags & kEncrypted) == 0, about, "is encrypted, which is not read");
    check(method == 0 || method == 8, about, "is packed by method", method,
          "of the format; only stored and deflated ones are read");
    check(disk == 0, about, "is on another disk, which is not read");
    member.deflated = method == 8;
    const std::uint64_t ratio = member.deflated ? Inflater::kMaxRatio : 1;
    check(member.packed <= file_.size() && member.size <= ratio * member.packed &&
              (member.deflated || member.size == member.packed),
          about, "claims", member.size, "bytes, which its", member.packed, "packed ones cannot hold");
    return member;
  }

  /// What zip64's extra field has in place of numbers that 32 bits cannot hold (4.5.3).
  void take_zip64(Bytes extra, ZipMember& member, std::uint32_t& disk) const {
    Fields fields(extra, who_);
    while (!fields.at_end()) {
      const auto kind = fields.take<std::uint16_t>(), length = fields.take<std::uint16_t>();
      Fields field(fields.take(length), who_);
      if (kind != 1) continue;
      for (std::uint64_t* number : {&member.size, &member.packed, &member.offset})
        if (*number == kSaturated32) *number = field.take<std::uint64_t>();
      if (disk == kSaturated16) disk = field.take<std::uint32_t>();
      return;
    }
  }

  /// Turns offsets of local headers into those of data: for members in the order of their offsets.
  void place(std::vector<ZipMember>& members, std::uint64_t end) const {
    std::uint64_t begin = 0;  // of what no member before has
    for (ZipMember& member : members) {
      const std::string about = "member " + in_quotes(member.name);
      damaged_unless(member.offset >= begin && member.offset <= end && kLocalBytes <= end - member.offset,
                     about, "overlaps another or lies outside");
      const std::vector<std::byte> bytes =
          bytes_at(member.offset, std::min(kLocalBytes + member.name.size(), end - member.offset));
      Fields fields(bytes, who_);
      damaged_unless(fields.take<std::uint32_t>() == kLocal, about, "does not begin with its header");
      fields.take(kLocalBytes - 8);
      const std::uint64_t name = fields.take<std::uint16_t>(), extra = fields.take<std::uint16_t>();
      damaged_unless(name == member.name.size() && text_of(fields.take(member.name.size())) == member.name,
                     about, "has another name in its own header");
      member.offset += kLocalBytes + name + extra;
      damaged_unless(member.offset <= end && member.packed <= end - member.offset, about, "is cut off");
      begin = member.offset + member.packed;
    }
  }

  void check_unpacked_size(const std::vector<ZipMember>& members) const {
    const std::uint64_t most = file_.size() * limits_.most_expansion + limits_.slack;
    std::uint64_t all = 0;  // no overflow: a member has at most 1032 times its own part of the file
    for (const ZipMember& member : members) all += member.size;
    check(all <= most, who_, "the members of the zip archive claim", all, "bytes; of a file of", file_.size(),
          "bytes at most", most, "are unpacked");
  }

  const File& file_;
  const std::string who_;
  const ZipLimits& limits_;
};

}  // namespace

std::vector<ZipMember> read_zip_directory(const File& file, const ZipLimits& limits) {
  return Reader(file, limits).read();
}

}  // namespace engine
