#include "engine/io/inflate.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace engine {

Inflater::Inflater(Form form, std::vector<Bytes> pieces, std::string who)
    : pieces_(std::move(pieces)), who_(std::move(who)) {
  constexpr int gzip_only = 16;
  int window = MAX_WBITS;
  if (form == Form::gzip) window += gzip_only;
  if (form == Form::raw) window = -window;
  check(inflateInit2(&stream_, window) == Z_OK, who_, "zlib does not start");
}

Inflater::~Inflater() {
  inflateEnd(&stream_);
}

std::size_t Inflater::read(std::span<std::byte> out) {
  constexpr std::size_t most = std::numeric_limits<uInt>::max();
  check(out.size() <= most, who_, "more than", most, "bytes were asked for at once");
  stream_.next_out = reinterpret_cast<Bytef*>(out.data());
  stream_.avail_out = static_cast<uInt>(out.size());
  while (stream_.avail_out > 0 && !ended_) {
    const int result = inflate(&stream_, Z_NO_FLUSH);
    ended_ = result == Z_STREAM_END;
    if (result == Z_BUF_ERROR) {  // it needs more
      if (next_ == pieces_.size()) break;
      const Bytes piece = pieces_[next_++];
      check(piece.size() <= most, who_, "it is too long");
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
      stream_.avail_in = static_cast<uInt>(piece.size());
      continue;
    }
    check(ended_ || result == Z_OK, who_, stream_.msg != nullptr ? stream_.msg : "bad data");
  }
  return out.size() - stream_.avail_out;
}

std::size_t Inflater::left() const {
  std::size_t bytes = stream_.avail_in;
  for (std::size_t i = next_; i < pieces_.size(); ++i) bytes += pieces_[i].size();
  return bytes;
}

}  // namespace engine
