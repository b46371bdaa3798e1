#include "tools/cli/safe_output.h"

namespace cli {
namespace {

constexpr unsigned char kBeforeC1 = 0xc2;  // C2 80 to C2 9F are C1 in UTF-8

bool is_continuation(unsigned char byte) {
  return (byte & 0xc0u) == 0x80u;
}

bool is_control(unsigned char byte) {
  return (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
}

/// Bytes that follow the first one of a UTF-8 character.
int following(unsigned char first) {
  return first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
}

}  // namespace

SafeOutput::SafeOutput(std::ostream& stream) : stream_(stream), to_(*stream.rdbuf()) {
  stream_.rdbuf(this);
}

SafeOutput::~SafeOutput() {
  sync();
  stream_.rdbuf(&to_);
}

bool SafeOutput::put(unsigned char byte) {
  const auto write = [&](unsigned char b) { return to_.sputc(static_cast<char>(b)) != traits_type::eof(); };
  if (waiting_) {
    waiting_ = false;
    if (is_continuation(byte)) {
      left_ = 0;
      if (byte < 0xa0) return write(' ');
      return write(kBeforeC1) && write(byte);
    }
    if (!write(kBeforeC1)) return false;
    left_ = 0;
  }
  if (byte == kBeforeC1) {
    waiting_ = true;
    return true;
  }
  const bool alone = is_continuation(byte) && left_ == 0;
  left_ = is_continuation(byte) ? (left_ > 0 ? left_ - 1 : 0) : following(byte);
  return write(is_control(byte) || (alone && byte < 0xa0) ? ' ' : byte);
}

SafeOutput::int_type SafeOutput::overflow(int_type byte) {
  if (traits_type::eq_int_type(byte, traits_type::eof())) return traits_type::not_eof(byte);
  return put(static_cast<unsigned char>(byte)) ? byte : traits_type::eof();
}

std::streamsize SafeOutput::xsputn(const char* text, std::streamsize size) {
  for (std::streamsize i = 0; i < size; ++i)
    if (!put(static_cast<unsigned char>(text[i]))) return i;
  return size;
}

int SafeOutput::sync() {
  if (waiting_ && to_.sputc(static_cast<char>(kBeforeC1)) == traits_type::eof()) return -1;
  waiting_ = false;
  return to_.pubsync();
}

}  // namespace cli
