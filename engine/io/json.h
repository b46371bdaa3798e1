#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace engine {

/// A JSON value whose objects keep the order of their keys. Include <nlohmann/json.hpp> to look inside.
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxJsonFile = 100'000'000;
constexpr std::size_t kMaxJsonValues = 1'000'000;

/// The value that `text` spells, read strictly: UTF-8, one value and nothing after it, no key twice in one
/// object, no comments, no byte order mark, no NUL, within JsonLimits and of at most kMaxJsonValues values.
/// Throws an Error that begins with `what` and names the place otherwise.
Json parse_json(std::string_view text, std::string_view what);

/// The value in a file of at most kMaxJsonFile bytes, read as strictly, of at most `most_values`. Throws an
/// Error naming the file.
Json read_json(const std::filesystem::path& path, std::size_t most_values = kMaxJsonValues);

}  // namespace engine
