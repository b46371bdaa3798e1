// Mutates a safetensors file behind a first byte as what it is: names, types, shapes, values and metadata,
// under a header that fits them. Of files whose bytes alone are changed, most are refused for their header.
// Now and then they are all the same, and a file that is none always.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t longest);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t longest,
                                               unsigned seed);

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMetadata = "__metadata__";
constexpr std::array kTypes{std::pair{"F32", 4},  std::pair{"F64", 8}, std::pair{"F16", 2},
                            std::pair{"BF16", 2}, std::pair{"I64", 8}, std::pair{"U8", 1}};
constexpr std::array kNumbers{
    "-1", "0", "1", "2", "3", "4", "5", "1e-300", "1e300", "nan", "9223372036854775807"};
constexpr std::array<std::int64_t, 9> kIndices{-1, 0, 1, 2, 3, 7, 11, 47, INT64_MAX};

struct Tensor {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;
};

struct Contents {
  char first = 0;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<Tensor> tensors;
};

/// A list of whole numbers; throws for others, which have no value as such.
std::vector<std::int64_t> whole_numbers(const Json& list) {
  if (!std::ranges::all_of(list, [](const Json& number) { return number.is_number_integer(); }))
    throw std::invalid_argument("no whole number");
  return list;
}

std::optional<Contents> read(const std::string& text) {
  std::uint64_t length = 0;
  if (text.size() < 1 + sizeof length) return std::nullopt;
  std::memcpy(&length, text.data() + 1, sizeof length);
  const std::size_t begin = 1 + sizeof length;
  if (length > text.size() - begin) return std::nullopt;
  const Json header = Json::parse(text.substr(begin, length), nullptr, false);
  const std::string data = text.substr(begin + length);
  Contents contents{.first = text.front(), .metadata = {}, .tensors = {}};
  try {
    for (const auto& [name, value] : header.items()) {
      if (name == kMetadata) {
        for (const auto& [key, stored] : value.items()) contents.metadata.emplace_back(key, stored);
        continue;
      }
      const auto offsets = whole_numbers(value.at("data_offsets"));
      const auto begin_of = static_cast<std::size_t>(offsets.at(0)),
                 end_of = static_cast<std::size_t>(offsets.at(1));
      contents.tensors.push_back({name, value.at("dtype"), whole_numbers(value.at("shape")),
                                  data.substr(begin_of, end_of - begin_of)});
    }
  } catch (const std::exception&) {
    return std::nullopt;
  }
  return contents;
}

std::string written(const Contents& contents) {
  Json header = Json::object();
  std::string data;
  for (const auto& [key, value] : contents.metadata) header[kMetadata][key] = value;
  for (const Tensor& t : contents.tensors) {
    header[t.name] = {{"dtype", t.dtype},
                      {"shape", t.shape},
                      {"data_offsets", {data.size(), data.size() + t.bytes.size()}}};
    data += t.bytes;
  }
  const std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::uint64_t length = text.size();
  std::string file(1 + sizeof length, contents.first);
  std::memcpy(file.data() + 1, &length, sizeof length);
  return file + text + data;
}

class Mutation {
 public:
  Mutation(Contents& contents, unsigned seed) : contents_(contents), random_(seed) {}

  void apply() {
    switch (below(8)) {
      case 0:
        contents_.first = static_cast<char>(below(256));
        break;
      case 1:
        change_metadata();
        break;
      case 2:
        change_number();
        break;
      case 3:
        drop();
        break;
      case 4:
        copy();
        break;
      case 5:
        change_shape();
        break;
      default:
        change_values();
    }
  }

 private:
  std::size_t below(std::size_t end) { return random_() % end; }
  template <class List>
  auto& any(List& list) {
    return list[below(list.size())];
  }

  /// What libFuzzer makes of a text, at most `more` bytes longer.
  static std::string mutated(std::string text, std::size_t more) {
    const std::size_t size = text.size();
    text.resize(size + more + 1);
    text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, size + more));
    return text;
  }

  void change_metadata() {
    if (contents_.metadata.empty()) return;
    std::string& value = any(contents_.metadata).second;
    value = mutated(value, 16);
  }

  /// One of the numbers in a text of the metadata.
  void change_number() {
    if (contents_.metadata.empty()) return;
    std::string& value = any(contents_.metadata).second;
    std::vector<std::size_t> starts;
    const auto is_digit = [&](std::size_t i) {
      return value[i] == '.' || (value[i] >= '0' && value[i] <= '9');
    };
    for (std::size_t i = 0; i < value.size(); ++i)
      if (is_digit(i) && (i == 0 || !is_digit(i - 1))) starts.push_back(i);
    if (starts.empty()) return;
    const std::size_t begin = any(starts);
    std::size_t end = begin;
    while (end < value.size() && is_digit(end)) ++end;
    value.replace(begin, end - begin, any(kNumbers));
  }

  void drop() {
    if (contents_.tensors.empty()) return;
    contents_.tensors.erase(contents_.tensors.begin() +
                            static_cast<std::ptrdiff_t>(below(contents_.tensors.size())));
  }

  /// A tensor, or its content, under the name of another, of which an end may be changed.
  void copy() {
    if (contents_.tensors.empty()) return;
    Tensor copied = any(contents_.tensors);
    std::string name = any(contents_.tensors).name;
    if (below(2) == 0) {
      constexpr std::array kEnds{".rows", ".columns", ".elements", ".values", ".steps", ".mean", ""};
      name = name.substr(0, name.rfind('.')) + any(kEnds);
    } else if (below(2) == 0) {
      constexpr std::array kStarts{"model.", "trains.", "optimizer.", "ema.", "best.", "method.", ""};
      name = any(kStarts) + name.substr(name.find('.') + 1);
    }
    std::erase_if(contents_.tensors, [&](const Tensor& t) { return t.name == name; });
    copied.name = name;
    contents_.tensors.push_back(std::move(copied));
  }

  void change_shape() {
    if (contents_.tensors.empty()) return;
    Tensor& t = any(contents_.tensors);
    const std::size_t how = below(4);
    if (how == 0 || t.shape.empty()) t.dtype = any(kTypes).first;
    if (how == 1) t.shape.push_back(static_cast<std::int64_t>(below(3)));
    if (how > 1 && !t.shape.empty()) any(t.shape) = static_cast<std::int64_t>(below(13));
    std::size_t count = 1;
    for (const std::int64_t length : t.shape) count *= static_cast<std::size_t>(length);
    for (const auto& [name, bytes] : kTypes)
      if (t.dtype == name)
        t.bytes.resize(std::min<std::size_t>(count, 1000) * static_cast<std::size_t>(bytes), 1);
  }

  void change_values() {
    if (contents_.tensors.empty()) return;
    Tensor& t = any(contents_.tensors);
    const std::size_t size = t.bytes.size();
    if (size == 0) return;
    if (t.dtype == "I64" && size >= 8 && below(4) > 0) {
      const std::int64_t number = any(kIndices);
      std::memcpy(t.bytes.data() + 8 * below(size / 8), &number, sizeof number);
      return;
    }
    t.bytes = mutated(t.bytes, 0);
    t.bytes.resize(size);
  }

  Contents& contents_;
  std::minstd_rand random_;
};

}  // namespace

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t longest,
                                    unsigned seed) {
  const std::string before(reinterpret_cast<const char*>(data), size);
  std::optional<Contents> contents = seed % 8 == 0 ? std::nullopt : read(before);
  if (!contents) return LLVMFuzzerMutate(data, size, longest);
  Mutation(*contents, seed).apply();
  const std::string after = written(*contents);
  if (after.size() > longest) return LLVMFuzzerMutate(data, size, longest);
  std::memcpy(data, after.data(), after.size());
  return after.size();
}
