#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// A message in the wire format of protocol buffers (protobuf.dev/programming-guides/encoding), put together
/// field by field; it is written, never read. Fields are known by their numbers, in the order in which they
/// are added. Large contents are not copied: the message has only their size, and asks for their bytes when
/// it is written.
class ProtobufMessage {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;
  /// Gives the sink the bytes of a content, piece by piece.
  using Producer = std::function<void(const Sink&)>;

  /// int32, int64, enum and bool: a varint.
  void integer(int field, std::int64_t value);
  /// float and double: the value's own bytes.
  void floating(int field, float value);
  void floating(int field, double value);
  /// string and bytes.
  void text(int field, std::string_view value);
  /// A repeated double in one field.
  void packed(int field, std::span<const double> values);
  void message(int field, ProtobufMessage nested);
  /// bytes of this size, which `produce` gives whenever the message is written.
  void streamed(int field, std::uint64_t size, Producer produce);

  /// Bytes of the whole message.
  std::uint64_t size() const { return size_; }
  /// Throws an Error when a producer gives another number of bytes than it was said to.
  void write(const Sink& sink) const;
  /// What write() writes.
  std::string bytes() const;

 private:
  /// Bytes of its own, and behind them those of a producer.
  struct Piece {
    std::string own;
    std::uint64_t size = 0;
    Producer produce;
  };

  void varint(std::uint64_t value);
  void tag(int field, int wire_type);
  void append(std::string_view bytes);

  std::vector<Piece> pieces_;
  std::uint64_t size_ = 0;
};

}  // namespace engine
