#include "engine/io/npy.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/io/in_quotes.h"

namespace engine {
namespace {

constexpr std::size_t kMaxRank = 32;  // NumPy's own until version 2

/// NumPy's types and their names in safetensors.
constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
    {"<f8", "F64"}, {"<f4", "F32"}, {"<f2", "F16"}, {"<i8", "I64"}, {"<i4", "I32"}, {"<i2", "I16"},
    {"|i1", "I8"},  {"<u8", "U64"}, {"<u4", "U32"}, {"<u2", "U16"}, {"|u1", "U8"},  {"|b1", "BOOL"}};

/// Reads the literal of a Python dictionary with the keys descr, fortran_order and shape.
class Reader {
 public:
  Reader(std::string_view text, const std::string& who) : text_(text), who_(who) {}

  struct Fields {
    std::optional<std::string_view> descr;
    std::optional<bool> fortran_order;
    std::optional<std::vector<Index>> shape;
  };

  Fields read() {
    Fields fields;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr")
        set(fields.descr, type());
      else if (key == "fortran_order")
        set(fields.fortran_order, truth());
      else if (key == "shape")
        set(fields.shape, tuple());
      else
        fail("has a key " + in_quotes(key));
      if (!accept(',') && !next_is('}')) fail("is no dictionary");
    }
    skip_spaces();
    if (!text_.empty()) fail("goes on behind its dictionary");
    if (!fields.descr || !fields.fortran_order || !fields.shape)
      fail("should have descr, fortran_order and shape");
    return fields;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw Error(who_ + " its .npy header " + why); }

  template <class T>
  void set(std::optional<T>& field, T value) const {
    if (field) fail("has a key twice");
    field = std::move(value);
  }

  void skip_spaces() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n')) text_.remove_prefix(1);
  }
  bool next_is(char c) {
    skip_spaces();
    return !text_.empty() && text_[0] == c;
  }
  bool accept(char c) {
    if (!next_is(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("lacks a ") + c);
  }

  std::string_view quoted() {
    const char mark = next_is('"') ? '"' : '\'';
    expect(mark);
    const std::size_t end = text_.find(mark);
    if (end == std::string_view::npos) fail("has a text without an end");
    const std::string_view found = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return found;
  }
  std::string_view type() {
    if (next_is('[')) fail("describes structures, which are not read");
    return quoted();
  }
  bool truth() {
    skip_spaces();
    for (const std::string_view word : {"True", "False"}) {
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return word == "True";
    }
    fail("has a fortran_order that is neither True nor False");
  }
  std::vector<Index> tuple() {
    std::vector<Index> lengths;
    expect('(');
    while (!accept(')')) {
      skip_spaces();
      Index length = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), length);
      if (error != std::errc() || length < 0) fail("has a shape that is not of whole numbers");
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      lengths.push_back(length);
      if (lengths.size() > kMaxRank) fail("has more than 32 axes");
      if (!accept(',') && (lengths.size() < 2 || !next_is(')'))) fail("has a shape that is no tuple");
    }
    return lengths;
  }

  std::string_view text_;
  const std::string& who_;
};

const SafetensorsDtype* type_of(std::string_view descr, const std::string& who) {
  check(!descr.starts_with("|O") && !descr.starts_with("O"), who, "holds Python objects, which are not read");
  for (const auto& [numpy, name] : kTypes)
    if (numpy == descr) return find_safetensors_dtype(name);
  throw Error(say(who, "holds values of type",
                  in_quotes(descr) + ", which are not read; f2, f4 and f8 are, little-endian"));
}

Shape shape_of(std::vector<Index> lengths, const std::string& who) {
  try {
    return Shape(std::move(lengths));
  } catch (const Error& e) {
    throw Error(who + " " + e.what());
  }
}

}  // namespace

NpyHeader parse_npy_header(std::span<const std::byte> start, std::uint64_t size, const std::string& who) {
  using namespace std::string_view_literals;
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  check(text.starts_with("\x93NUMPY"sv) && text.size() >= 10, who, "is no .npy array");
  const int version = text[6];
  check((version == 1 || version == 2) && text[7] == 0, who, "is a .npy array of version", version,
        "point " + std::to_string(text[7]) + "; 1.0 and 2.0 are read");
  const std::size_t before = version == 1 ? 10 : 12;
  std::size_t length = 0;
  for (std::size_t i = before; i-- > 8;)
    length = length << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0xffu);
  check(length <= kMaxNpyHeader - 12 && before + length <= text.size(), who, "has a .npy header of", length,
        "bytes, which is cut off or longer than", kMaxNpyHeader - 12);

  Reader::Fields fields = Reader(text.substr(before, length), who).read();
  NpyHeader header{.dtype = type_of(*fields.descr, who),
                   .shape = shape_of(std::move(*fields.shape), who),
                   .fortran_order = *fields.fortran_order,
                   .bytes = before + length};
  const std::uint64_t has = size - header.bytes, each = header.dtype->bits / 8;
  check(has % each == 0 && has / each == static_cast<std::uint64_t>(header.shape.numel()), who, "has", has,
        "bytes of values, but its shape", header.shape, "of", header.dtype->name, "needs another number");
  return header;
}

}  // namespace engine
