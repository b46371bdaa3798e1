#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace support {

/// A protobuf message that is read field by field: enough to look into what is written.
class ProtobufReader {
 public:
  struct Field {
    int number;
    std::uint64_t value;     ///< of a varint, or the bits of a fixed number
    std::string_view bytes;  ///< of a length-delimited field
  };

  /// The bytes must outlive the reader. Throws where they are no message.
  explicit ProtobufReader(std::string_view bytes) : rest_(bytes) {
    while (!rest_.empty()) {
      const std::uint64_t tag = varint();
      Field field{static_cast<int>(tag >> 3), 0, {}};
      switch (tag & 7) {
        case 0:
          field.value = varint();
          break;
        case 1:
          field.value = fixed<std::uint64_t>();
          break;
        case 2:
          field.bytes = take(varint());
          break;
        case 5:
          field.value = fixed<std::uint32_t>();
          break;
        default:
          throw std::runtime_error("no such wire type");
      }
      fields_.push_back(field);
    }
  }

  const std::vector<Field>& fields() const { return fields_; }
  std::vector<Field> all(int number) const {
    std::vector<Field> found;
    for (const Field& field : fields_)
      if (field.number == number) found.push_back(field);
    return found;
  }
  bool has(int number) const { return !all(number).empty(); }
  /// The last field of that number, as protobuf has it; 0 and empty where there is none.
  Field last(int number) const {
    const std::vector<Field> found = all(number);
    return found.empty() ? Field{number, 0, {}} : found.back();
  }
  std::string text(int number) const { return std::string(last(number).bytes); }
  std::int64_t integer(int number) const { return static_cast<std::int64_t>(last(number).value); }
  ProtobufReader message(int number) const { return ProtobufReader(last(number).bytes); }
  std::vector<ProtobufReader> messages(int number) const {
    std::vector<ProtobufReader> found;
    for (const Field& field : all(number)) found.emplace_back(field.bytes);
    return found;
  }

 private:
  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) throw std::runtime_error("a field is cut off");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  template <class T>
  T fixed() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = fixed<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("a varint does not end");
  }

  std::string_view rest_;
  std::vector<Field> fields_;
};

}  // namespace support
