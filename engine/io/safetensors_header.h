#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/json_events.h"
#include "engine/io/safetensors_error.h"
#include "engine/tensor/shape.h"

namespace engine {

/// Free text about a file: key to value.
using Metadata = std::map<std::string, std::string>;

/// What the header of a safetensors file states about one tensor.
struct SafetensorsEntry {
  std::string name;
  std::string_view dtype;           ///< as in the file, such as "BF16"; lives as long as the program
  std::vector<std::uint64_t> dims;  ///< may hold more than an Index when another length is 0
  std::uint64_t offset = 0;         ///< where its data begins in the file
  std::uint64_t bytes = 0;          ///< how many bytes it has

  /// The dims as a Shape. Throws an Error when they do not fit.
  Shape shape() const;
};

struct SafetensorsHeader {
  Metadata metadata;
  std::vector<SafetensorsEntry> entries;  ///< in the order of their data
};

/// Bounds on the time and the memory a header can make its reader use.
struct SafetensorsLimits {
  std::uint64_t header_bytes = 100'000'000;
  JsonLimits json = {};
  std::size_t rank = 64;
  std::size_t tensors = 250'000;
  std::size_t metadata = 100'000;
};

/// How many bytes the length and the header take at the start of a file of `file_size` bytes. `start` is the
/// first 8 of them, or more. Throws a SafetensorsError that begins with `what`.
std::size_t safetensors_header_size(std::span<const std::byte> start, std::uint64_t file_size,
                                    std::string_view what, const SafetensorsLimits& limits = {});

/// The header in `start`, which is the first safetensors_header_size() bytes of a file of `file_size` bytes,
/// or more. Checks every rule of SafetensorsRule, so that all entries lie inside the file and do not overlap.
/// Throws a SafetensorsError that begins with `what`.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> start, std::uint64_t file_size,
                                           std::string_view what, const SafetensorsLimits& limits = {});

/// The first bytes of a file with these tensors, whose names, dtypes and dims are read. Sorts `entries` as
/// the data must follow (larger dtypes first, then by name) and sets their offsets and bytes. The same
/// tensors give the same bytes. Throws a SafetensorsError that begins with `what` for what could not be read
/// again.
std::string make_safetensors_header(std::vector<SafetensorsEntry>& entries, const Metadata& metadata,
                                    std::string_view what, const SafetensorsLimits& limits = {});

}  // namespace engine
