#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/check.h"

namespace engine {

/// A SAX handler: receives the parse events of a JSON text in order, so that a large text needs no tree in
/// memory. A reader overrides the events it needs; it may throw to stop the reading.
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

/// Bounds on the time and the memory that reading a JSON text can take: a second and some hundred megabytes.
struct JsonLimits {
  std::size_t bytes = 25'000'000;  ///< of the text, without the white space around it
  std::size_t depth = 100;         ///< objects and arrays open at once
  std::size_t keys = 1'250'000;    ///< in all objects together
};

enum class JsonFault { syntax, nul, depth, duplicate, bytes, keys };

/// What is wrong with a JSON text and where, without the name of the file.
class JsonError : public Error {
 public:
  JsonError(JsonFault fault, const std::string& text) : Error(text), fault_(fault) {}
  JsonFault fault() const { return fault_; }

 private:
  JsonFault fault_;
};

/// Hands `events` every part of `text`. Throws a JsonError when the text breaks a rule of parse_json() or a
/// limit; `events` may have received the parts before that place by then.
void parse_json_events(std::string_view text, JsonEvents& events, const JsonLimits& limits = {});

}  // namespace engine
