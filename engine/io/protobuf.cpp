#include "engine/io/protobuf.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "engine/base/check.h"

namespace engine {

namespace {

enum WireType { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

// Fixed numbers are little-endian in the format, and copied as they are in memory.
static_assert(std::endian::native == std::endian::little);

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace

void ProtobufMessage::append(std::string_view bytes) {
  if (pieces_.empty() || pieces_.back().produce) pieces_.emplace_back();
  pieces_.back().own += bytes;
  size_ += bytes.size();
}

void ProtobufMessage::varint(std::uint64_t value) {
  // Seven bits a byte, the lowest first; the eighth says that more follow.
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  append(bytes += static_cast<char>(value));
}

void ProtobufMessage::tag(int field, int wire_type) {
  varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire_type));
}

void ProtobufMessage::integer(int field, std::int64_t value) {
  tag(field, kVarint);
  varint(static_cast<std::uint64_t>(value));
}

void ProtobufMessage::floating(int field, float value) {
  tag(field, kFixed32);
  append(bytes_of(value));
}

void ProtobufMessage::floating(int field, double value) {
  tag(field, kFixed64);
  append(bytes_of(value));
}

void ProtobufMessage::text(int field, std::string_view value) {
  tag(field, kLength);
  varint(value.size());
  append(value);
}

void ProtobufMessage::packed(int field, std::span<const double> values) {
  text(field, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

void ProtobufMessage::message(int field, ProtobufMessage nested) {
  tag(field, kLength);
  varint(nested.size_);
  size_ += nested.size_;
  std::ranges::move(nested.pieces_, std::back_inserter(pieces_));
}

void ProtobufMessage::streamed(int field, std::uint64_t size, Producer produce) {
  tag(field, kLength);
  varint(size);
  pieces_.back().size = size;
  pieces_.back().produce = std::move(produce);
  size_ += size;
}

void ProtobufMessage::write(const Sink& sink) const {
  for (const Piece& piece : pieces_) {
    sink(std::as_bytes(std::span(piece.own)));
    if (!piece.produce) continue;
    std::uint64_t given = 0;
    piece.produce([&](std::span<const std::byte> bytes) {
      given += bytes.size();
      sink(bytes);
    });
    check(given == piece.size, "protobuf: a content of", piece.size, "bytes has", given);
  }
}

std::string ProtobufMessage::bytes() const {
  std::string all;
  write([&](std::span<const std::byte> piece) {
    all.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  return all;
}

}  // namespace engine
