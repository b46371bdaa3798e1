#pragma once

#include <cstdint>
#include <string_view>

namespace engine {

/// The checksum CRC-32C of `bytes` (Castagnoli's polynomial 0x1EDC6F41; RFC 3720, appendix B.4).
std::uint32_t crc32c(std::string_view bytes);

}  // namespace engine
