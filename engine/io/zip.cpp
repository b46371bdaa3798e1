#include "engine/io/zip.h"

#include <zlib.h>

#include <algorithm>
#include <optional>

#include "engine/io/in_quotes.h"
#include "engine/io/inflate.h"

namespace engine {
namespace {

constexpr std::uint64_t kPiece = 1 << 30;  // zlib counts in 32 bits

/// Unpacks a member from its beginning on.
class Unpacker {
 public:
  /// Of a deflated member no more than `packed` bytes are looked at.
  Unpacker(const File& file, const ZipMember& member, std::uint64_t packed)
      : file_(file),
        member_(member),
        who_(file.path() + ": member " + in_quotes(member.name) + " is damaged:") {
    if (!member.deflated) return;
    packed_.resize(static_cast<std::size_t>(std::min(packed, member.packed)));
    file.read_at(member.offset, packed_);
    std::vector<Inflater::Bytes> pieces;
    for (std::size_t at = 0; at < packed_.size(); at += kPiece)
      pieces.push_back(std::span(packed_).subspan(at, std::min<std::size_t>(kPiece, packed_.size() - at)));
    inflater_.emplace(Inflater::Form::raw, std::move(pieces), who_);
  }

  void fill(std::span<std::byte> out) {
    if (!inflater_) {
      file_.read_at(member_.offset + done_, out);
      done_ += out.size();
      return;
    }
    while (!out.empty()) {
      const std::size_t wanted = std::min<std::size_t>(kPiece, out.size());
      const std::size_t got = inflater_->read(out.first(wanted));
      check(got == wanted, who_, "its data are cut off");
      out = out.subspan(got);
    }
  }

  /// Checks that nothing follows.
  void finish() {
    if (!inflater_) return;
    std::byte extra;
    check(inflater_->read({&extra, 1}) == 0 && inflater_->ended() && inflater_->left() == 0, who_,
          "it has more than the", member_.size, "bytes that it claims");
  }
  const std::string& who() const { return who_; }

 private:
  const File& file_;
  const ZipMember& member_;
  std::string who_;
  std::vector<std::byte> packed_;
  std::optional<Inflater> inflater_;
  std::uint64_t done_ = 0;  // of a stored member
};

}  // namespace

std::vector<std::byte> ZipArchive::read_start(const ZipMember& member, std::size_t most) const {
  // DEFLATE stores what it cannot make smaller, with 5 bytes for a block: twice as many bytes are enough.
  Unpacker unpacker(file_, member, 2 * std::uint64_t{most} + 4096);
  std::vector<std::byte> start(static_cast<std::size_t>(std::min<std::uint64_t>(most, member.size)));
  unpacker.fill(start);
  return start;
}

void ZipArchive::read(const ZipMember& member, std::initializer_list<std::span<std::byte>> parts) const {
  Unpacker unpacker(file_, member, member.packed);
  std::uint64_t size = 0;
  uLong crc = crc32_z(0, nullptr, 0);
  for (const std::span<std::byte> part : parts) {
    unpacker.fill(part);
    size += part.size();
    if (!part.empty()) crc = crc32_z(crc, reinterpret_cast<const Bytef*>(part.data()), part.size());
  }
  check(size == member.size, unpacker.who(), size, "of its", member.size, "bytes were asked for");
  unpacker.finish();
  check(crc == member.crc, unpacker.who(), "its checksum (CRC-32) is not that of its bytes");
}

}  // namespace engine
