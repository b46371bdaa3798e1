#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/check.h"

namespace engine {

/// Hears the parts of a JSON text in their order, so that a large text needs no tree in memory. A reader
/// overrides what it wants to hear; it may throw to stop the reading.
class JsonEvents {
 public:
  /// Whole numbers come as int64 when written with a minus sign, and as double when 64 bits are too few.
  using Value = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string_view>;

  virtual ~JsonEvents() = default;
  virtual void open_object() {}
  virtual void open_array() {}
  virtual void key(std::string_view) {}
  virtual void value(const Value&) {}
  /// The end of the object or array opened last.
  virtual void close() {}
};

/// How many objects and arrays may be open at once.
constexpr std::size_t kMaxJsonDepth = 100;

enum class JsonFault { syntax, nul, depth, duplicate };

/// What is wrong with a JSON text and where, without the name of the file.
class JsonError : public Error {
 public:
  JsonError(JsonFault fault, const std::string& text) : Error(text), fault_(fault) {}
  JsonFault fault() const { return fault_; }

 private:
  JsonFault fault_;
};

/// Tells `events` every part of `text`. Throws a JsonError when the text breaks a rule of parse_json();
/// `events` may have heard the parts before that place by then.
void parse_json_events(std::string_view text, JsonEvents& events);

}  // namespace engine
