#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/check.h"

namespace data::parquet {

using engine::check;
using engine::Error;
using engine::Index;
using Bytes = std::span<const std::byte>;

/// The bytes end before what was begun in them.
struct CutOff : Error {
  using Error::Error;
};

/// Reads Thrift's compact protocol, in which Parquet writes its footer and the headers of its pages
/// (thrift/doc/specs/thrift-compact-protocol.md). Whatever the bytes claim, reading takes time in proportion
/// to them, and no memory. Errors start with `who` and name the byte; the bytes must outlive the reader.
class CompactReader {
 public:
  /// As the protocol numbers the types of a field. A boolean's value is in its type.
  enum class Type : std::uint8_t {
    stop,
    yes,
    no,
    i8,
    i16,
    i32,
    i64,
    real,
    binary,
    list,
    set,
    map,
    structure
  };
  static constexpr int kMaxDepth = 16;  ///< of structs and lists in one another; Parquet's have half as many

  CompactReader(Bytes bytes, std::string who) : bytes_(bytes), who_(std::move(who)) {}

  /// A struct: `on_field(id, type)` takes a field's value and returns true, or returns false for one that is
  /// to be passed over.
  template <class OnField>
  void structure(OnField&& on_field) {
    const Deeper deeper(*this);
    int id = 0;
    while (const std::optional<Type> type = next_field(id))
      if (!on_field(id, *type)) skip(*type);
  }
  /// A list: `on_element(type)` takes an element as on_field does.
  template <class OnElement>
  void list(Type field, OnElement&& on_element) {
    const Deeper deeper(*this);
    Type element;
    for (std::size_t left = list_header(field, element); left > 0; --left)
      if (!on_element(element)) skip(element);
  }

  bool boolean(Type field) const;
  /// A whole number of any width, within these bounds.
  std::int64_t integer(Type field, std::int64_t lowest, std::int64_t highest);
  /// A number that counts or places something.
  std::int64_t natural(Type field) { return integer(field, 0, INT64_MAX); }
  /// A text or bytes, which lie in the reader's.
  std::string_view text(Type field);
  /// Throws an Error unless a field is a struct.
  void expect_structure(Type field) const { expect(field == Type::structure, "a struct"); }

  /// Bytes that were read.
  std::size_t used() const { return at_; }
  /// Throws an Error about what stands here.
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  class Deeper {
   public:
    explicit Deeper(CompactReader& reader) : reader_(reader) {
      if (++reader_.depth_ > kMaxDepth) reader_.refuse("structs lie in one another too deeply");
    }
    ~Deeper() { --reader_.depth_; }
    Deeper(const Deeper&) = delete;

   private:
    CompactReader& reader_;
  };

  void expect(bool right, const char* what) const;
  std::uint8_t byte();
  std::uint64_t varint();
  /// The next field's type and, in `id`, its number; nothing at the struct's end.
  std::optional<Type> next_field(int& id);
  std::size_t list_header(Type field, Type& element);
  void skip(Type type);
  void skip_bytes(std::uint64_t count);

  Bytes bytes_;
  std::string who_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace data::parquet
