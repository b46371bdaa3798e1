#include "data/parquet/compact.h"

namespace data::parquet {

void CompactReader::refuse(const std::string& what) const {
  throw Error(engine::say(who_, what + ", at byte", at_));
}

void CompactReader::expect(bool right, const char* what) const {
  if (!right) refuse(std::string("should have ") + what + " here");
}

std::uint8_t CompactReader::byte() {
  if (at_ == bytes_.size()) throw CutOff(engine::say(who_, "is cut off after", at_, "bytes"));
  return std::to_integer<std::uint8_t>(bytes_[at_++]);
}

std::uint64_t CompactReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t next = byte();
    if (shift == 63 && next > 1) break;
    value |= std::uint64_t{next & 0x7fu} << shift;
    if (next < 0x80) return value;
  }
  refuse("a number has more than 64 bits");
}

std::optional<CompactReader::Type> CompactReader::next_field(int& id) {
  const std::uint8_t header = byte();
  if ((header & 15) > static_cast<int>(Type::structure)) refuse("a field is of no known type");
  const auto type = static_cast<Type>(header & 15);
  if (type == Type::stop) return std::nullopt;
  const int step = header >> 4;
  id = step > 0 ? id + step : static_cast<int>(integer(Type::i16, INT16_MIN, INT16_MAX));
  if (id > INT16_MAX) refuse("a field's number is too large");
  return type;
}

std::size_t CompactReader::list_header(Type field, Type& element) {
  expect(field == Type::list || field == Type::set, "a list");
  const std::uint8_t header = byte();
  element = static_cast<Type>(header & 15);
  if (element == Type::stop || element > Type::structure)
    refuse("the elements of a list are of no known type");
  const std::uint64_t count = header >> 4 < 15 ? header >> 4 : varint();
  // Every element has at least a byte.
  if (count > bytes_.size() - at_)
    throw CutOff(engine::say(who_, "is cut off: a list of", count, "at byte", at_));
  return static_cast<std::size_t>(count);
}

bool CompactReader::boolean(Type field) const {
  expect(field == Type::yes || field == Type::no, "a boolean");
  return field == Type::yes;
}

std::int64_t CompactReader::integer(Type field, std::int64_t lowest, std::int64_t highest) {
  expect(field >= Type::i8 && field <= Type::i64, "a whole number");
  std::int64_t value;
  if (field == Type::i8) {
    value = static_cast<std::int8_t>(byte());
  } else {
    const std::uint64_t zigzag = varint();
    value = static_cast<std::int64_t>(zigzag >> 1 ^ (0 - (zigzag & 1)));
  }
  if (value < lowest || value > highest)
    refuse(engine::say("a number should lie in", lowest, "to", highest, "and is", value));
  return value;
}

std::string_view CompactReader::text(Type field) {
  expect(field == Type::binary, "a text");
  const std::uint64_t size = varint();
  const std::size_t start = at_;
  skip_bytes(size);
  return {reinterpret_cast<const char*>(bytes_.data()) + start, static_cast<std::size_t>(size)};
}

void CompactReader::skip_bytes(std::uint64_t count) {
  if (count > bytes_.size() - at_)
    throw CutOff(engine::say(who_, "is cut off:", count, "bytes at byte", at_));
  at_ += static_cast<std::size_t>(count);
}

void CompactReader::skip(Type type) {
  switch (type) {
    case Type::stop:
    case Type::yes:
    case Type::no:
      return;
    case Type::i8:
      return skip_bytes(1);
    case Type::i16:
    case Type::i32:
    case Type::i64:
      varint();
      return;
    case Type::real:
      return skip_bytes(8);
    case Type::binary:
      text(type);
      return;
    case Type::list:
    case Type::set:
      return list(type, [&](Type element) {
        // In a list a boolean is a byte.
        if (element == Type::yes || element == Type::no) skip_bytes(1);
        return element == Type::yes || element == Type::no;
      });
    case Type::map: {
      const Deeper deeper(*this);
      const std::uint64_t count = varint();
      if (count == 0) return;
      const std::uint8_t types = byte();
      const auto key = static_cast<Type>(types >> 4), value = static_cast<Type>(types & 15);
      if (key < Type::i8 || value < Type::i8 || key > Type::structure || value > Type::structure)
        refuse("the entries of a map are of no known type");
      for (std::uint64_t i = 0; i < count; ++i) skip(key), skip(value);
      return;
    }
    case Type::structure:
      return structure([](int, Type) { return false; });
  }
}

}  // namespace data::parquet
