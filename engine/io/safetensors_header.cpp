#include "engine/io/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/div_up.h"
#include "engine/io/in_quotes.h"
#include "engine/io/json.h"
#include "engine/io/safetensors_dtype.h"
#include "engine/io/safetensors_json.h"

namespace engine {
namespace {

using Rule = SafetensorsRule;

constexpr std::size_t kLengthBytes = 8;

/// The bytes that dtype and dims need. Lengths are multiplied in their order, so that one that would not fit
/// is found even when a length of 0 follows.
std::uint64_t needed_bytes(const SafetensorsEntry& entry, std::string_view what) {
  std::uint64_t bits = 1;
  bool fits = true;
  for (const std::uint64_t length : entry.dims) fits = fits && !__builtin_mul_overflow(bits, length, &bits);
  fits = fits && !__builtin_mul_overflow(bits, find_safetensors_dtype(entry.dtype)->bits, &bits);
  if (!fits) reject(Rule::overflow, what, "tensor", in_quotes(entry.name), "has a shape too large to count");
  if (bits % 8 != 0)
    reject(Rule::whole_bytes, what, "tensor", in_quotes(entry.name), "has", bits,
           "bits, no whole number of bytes");
  return bits / 8;
}

/// Turns begin and end into a place in the file, after checking that all data sections touch each other and
/// fill `data_size` bytes.
void place_entries(std::vector<SafetensorsEntry>& entries, std::uint64_t data_begin, std::uint64_t data_size,
                   std::string_view what) {
  for (SafetensorsEntry& entry : entries) {
    const std::uint64_t begin = entry.offset, end = entry.bytes;
    const std::uint64_t bytes = needed_bytes(entry, what);
    if (end < begin)
      reject(Rule::order, what, "the data of tensor", in_quotes(entry.name), "ends at", end,
             "before it begins at", begin);
    if (end - begin != bytes)
      reject(Rule::size, what, "tensor", in_quotes(entry.name), "needs", bytes, "bytes but", end - begin,
             "are given");
    entry.bytes = bytes;
  }
  std::ranges::stable_sort(entries, {},
                           [](const SafetensorsEntry& e) { return std::pair(e.offset, e.bytes); });
  std::uint64_t end = 0;
  for (SafetensorsEntry& entry : entries) {
    if (entry.offset != end)
      reject(entry.offset < end ? Rule::overlap : Rule::hole, what, "the data of tensor",
             in_quotes(entry.name), "begins at", entry.offset, "but the data before it ends at", end);
    end += entry.bytes;  // cannot wrap: it is the end that the file gives
    entry.offset += data_begin;
  }
  if (end != data_size)
    reject(Rule::data_size, what, "the tensors have", end, "bytes of data but the file has", data_size);
}

/// `text` as a JSON string in UTF-8.
std::string json_string(const std::string& text, std::string_view what) {
  try {
    return Json(text).dump();
  } catch (const Json::exception&) {
    reject(Rule::json, what, in_quotes(text), "is not valid UTF-8");
  }
}

/// The JSON text of one tensor: "name":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}
std::string json_entry(const SafetensorsEntry& entry, std::string_view what) {
  std::string text = json_string(entry.name, what);
  text.append(":{\"dtype\":\"").append(entry.dtype).append("\",\"shape\":[");
  const char* comma = "";
  for (const std::uint64_t length : entry.dims)
    text.append(std::exchange(comma, ",")).append(std::to_string(length));
  text.append("],\"data_offsets\":[").append(std::to_string(entry.offset)).append(",");
  return text.append(std::to_string(entry.offset + entry.bytes)).append("]}");
}

/// {"key":"value",...}
std::string json_metadata(const Metadata& metadata, std::string_view what) {
  std::string text = "{";
  const char* comma = "";
  for (const auto& [key, value] : metadata)
    text += std::exchange(comma, ",") + json_string(key, what) + ":" + json_string(value, what);
  return text + "}";
}

}  // namespace

Shape SafetensorsEntry::shape() const {
  for (const std::uint64_t length : dims)
    check(length <= static_cast<std::uint64_t>(std::numeric_limits<Index>::max()), "tensor", in_quotes(name),
          "has an axis of", length, "values, too many to count");
  return Shape(std::vector<Index>(dims.begin(), dims.end()));
}

std::size_t safetensors_header_size(std::span<const std::byte> start, std::uint64_t file_size,
                                    std::string_view what, const SafetensorsLimits& limits) {
  if (file_size < kLengthBytes)
    reject(Rule::file_size, what, "has", file_size, "bytes, too few for a safetensors file");
  check(start.size() >= kLengthBytes, what, "the first", kLengthBytes, "bytes were expected");
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;)
    length = length << 8 | std::to_integer<std::uint64_t>(start[i]);
  if (length > limits.header_bytes)
    reject(Rule::header_limit, what, "is not a safetensors file, or its header of", length,
           "bytes is longer than the", limits.header_bytes, "allowed");
  if (length > file_size - kLengthBytes)
    reject(Rule::header_in_file, what, "is cut short: its header has", length, "bytes but only",
           file_size - kLengthBytes, "follow");
  return kLengthBytes + static_cast<std::size_t>(length);
}

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> start, std::uint64_t file_size,
                                           std::string_view what, const SafetensorsLimits& limits) {
  const std::size_t size = safetensors_header_size(start, file_size, what, limits);
  check(start.size() >= size, what, "the first", size, "bytes were expected");
  const std::string_view text(reinterpret_cast<const char*>(start.data()) + kLengthBytes,
                              size - kLengthBytes);
  SafetensorsHeader header = read_safetensors_json(text, what, limits);
  place_entries(header.entries, size, file_size - size, what);
  return header;
}

std::string make_safetensors_header(std::vector<SafetensorsEntry>& entries, const Metadata& metadata,
                                    std::string_view what, const SafetensorsLimits& limits) {
  for (const SafetensorsEntry& entry : entries)
    if (!find_safetensors_dtype(entry.dtype))
      reject(Rule::dtype, what, "tensor", in_quotes(entry.name), "has the unknown dtype",
             in_quotes(entry.dtype));
  std::ranges::sort(entries, [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    const int x = find_safetensors_dtype(a.dtype)->position, y = find_safetensors_dtype(b.dtype)->position;
    return x != y ? x > y : a.name < b.name;
  });
  std::string text = metadata.empty() ? "{" : "{\"__metadata__\":" + json_metadata(metadata, what);
  const char* comma = metadata.empty() ? "" : ",";
  std::uint64_t end = 0;
  for (SafetensorsEntry& entry : entries) {
    entry.offset = end;
    entry.bytes = needed_bytes(entry, what);
    if (__builtin_add_overflow(end, entry.bytes, &end)) reject(Rule::overflow, what, "too much data");
    text.append(std::exchange(comma, ",")).append(json_entry(entry, what));
  }
  text += "}";
  text.resize(round_up<std::size_t>(text.size(), kLengthBytes), ' ');

  std::string start;
  for (std::size_t i = 0; i < kLengthBytes; ++i) start += static_cast<char>(text.size() >> (8 * i) & 0xff);
  start += text;
  // What is written must be readable: this finds names given twice, headers too long, and the like.
  const std::span<const std::byte> bytes = std::as_bytes(std::span(start));
  entries = parse_safetensors_header(bytes, start.size() + end, what, limits).entries;
  return start;
}

}  // namespace engine
