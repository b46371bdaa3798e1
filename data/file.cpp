#include "data/file.h"

#include "engine/base/check.h"
#include "engine/base/text.h"

namespace data {
namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{1}
                                    << 30;  // no image that passes the pixel limit needs more

}  // namespace

std::vector<std::byte> read_all(const engine::File& file) {
  engine::check(file.size() <= kMaxBytes, file.path() + ":", "has",
                engine::human_bytes(static_cast<double>(file.size())) + "; at most",
                engine::human_bytes(static_cast<double>(kMaxBytes)), "are read");
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  file.read_at(0, bytes);
  return bytes;
}

}  // namespace data
