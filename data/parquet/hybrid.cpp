#include "data/parquet/hybrid.h"

#include <algorithm>

#include "data/codecs/bytes.h"

namespace data::parquet {

Hybrid::Hybrid(Bytes bytes, int width, std::string who) : bytes_(bytes), width_(width), who_(std::move(who)) {
  check(width >= 0 && width <= 32, who_, "is damaged: numbers of", width, "bits");
}

void Hybrid::next_run() {
  if (packed_) bytes_ = bytes_.subspan(std::min<std::size_t>(bytes_.size(), (bit_ + 7) / 8));
  std::uint64_t header = 0;
  int shift = 0;
  for (bool more = true; more; shift += 7) {
    check(!bytes_.empty() && shift < 35, who_, "is damaged: its runs of levels or positions end early");
    const auto byte = std::to_integer<std::uint64_t>(bytes_[0]);
    bytes_ = bytes_.subspan(1);
    header |= (byte & 0x7f) << shift;
    more = byte >= 0x80;
  }
  packed_ = (header & 1) != 0;
  run_ = header >> 1;
  if (packed_) {
    run_ *= 8;
    bit_ = 0;
    return;
  }
  const auto bytes = static_cast<std::size_t>(width_ + 7) / 8;
  check(bytes <= bytes_.size(), who_, "is damaged: its runs of levels or positions end early");
  same_ = little_endian(bytes_, 0, bytes);
  bytes_ = bytes_.subspan(bytes);
}

void Hybrid::read(std::span<std::uint32_t> out) {
  while (!out.empty()) {
    while (run_ == 0) next_run();
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(run_, out.size()));
    if (!packed_) {
      std::ranges::fill(out.first(count), same_);
    } else {
      const std::uint64_t bits = static_cast<std::uint64_t>(width_) * count;
      // The last run may lack what fills it up to eight numbers.
      check((bit_ + bits + 7) / 8 <= bytes_.size(), who_,
            "is damaged: its runs of levels or positions end early");
      const std::uint64_t mask = (std::uint64_t{1} << width_) - 1;
      for (std::uint32_t& number : out.first(count)) {
        std::uint64_t window = 0;  // the up to five bytes that the number touches
        const std::size_t first = static_cast<std::size_t>(bit_ / 8),
                          last = static_cast<std::size_t>((bit_ + width_ + 7) / 8);
        for (std::size_t i = first; i < last; ++i)
          window |= std::to_integer<std::uint64_t>(bytes_[i]) << (8 * (i - first));
        number = static_cast<std::uint32_t>(window >> (bit_ % 8) & mask);
        bit_ += static_cast<std::uint64_t>(width_);
      }
    }
    run_ -= count;
    out = out.subspan(count);
  }
}

}  // namespace data::parquet
