#pragma once

#include <ostream>
#include <streambuf>

namespace cli {

/// What stands between a stream and where it goes: a name of a stranger's may hold codes that a terminal
/// obeys. Every control character but the end of a line and a tab becomes a space, those of 8 bits (C1),
/// alone or in UTF-8, and DEL as well.
class SafeOutput : public std::streambuf {
 public:
  /// Stands in `stream` while it lives.
  explicit SafeOutput(std::ostream& stream);
  ~SafeOutput() override;

 protected:
  int_type overflow(int_type byte) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override;

 private:
  /// False when it could not be written.
  bool put(unsigned char byte);

  std::ostream& stream_;
  std::streambuf& to_;
  int left_ = 0;          ///< bytes that the UTF-8 character before still needs
  bool waiting_ = false;  ///< a byte C2 was given, whose next byte decides
};

}  // namespace cli
