#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/check.h"

/// What libFuzzer calls with every input: a target reads the bytes as if a stranger had sent them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

using Bytes = std::span<const std::byte>;

inline Bytes bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Why something was refused last.
inline std::string refusal;

/// Runs `read`, which may refuse its bytes by an engine::Error and do nothing else: whatever else it throws
/// ends the process.
template <class Read>
void reads_or_refuses(Read&& read) {
  try {
    read();
  } catch (const engine::Error& e) {
    refusal = e.what();
  }
}

}  // namespace fuzz
