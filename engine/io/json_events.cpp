#include "engine/io/json_events.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "engine/io/in_quotes.h"

namespace engine {
namespace {

/// The line and column of the byte at `position`, both counted from 1.
std::string place(std::string_view text, std::size_t position) {
  const std::string_view before = text.substr(0, position);
  const std::size_t line_end = before.rfind('\n');
  const std::size_t column =
      line_end == std::string_view::npos ? before.size() : before.size() - line_end - 1;
  return say("line", std::to_string(1 + std::ranges::count(before, '\n')) + ", column", column + 1);
}

/// "[json...101] parse error at line 1, column 2: syntax error while parsing value - invalid literal; last
/// read: '...'" without all that surrounds the reason: the last read token may be of any length.
std::string reason(std::string_view message) {
  if (const std::size_t dash = message.find(" - "); dash != std::string_view::npos) {
    message.remove_prefix(dash + 3);
    return std::string(message.substr(0, message.find(';')));
  }
  return "a number is too large";  // the only other error: out_of_range.406
}

/// Between the parser and the events: adds the checks that the parser leaves out.
class Strict final : public nlohmann::json_sax<nlohmann::ordered_json> {
 public:
  /// The parser reads `text` from `begin` on.
  Strict(std::string_view text, std::size_t begin, JsonEvents& events, const JsonLimits& limits)
      : text_(text), begin_(begin), events_(events), limits_(limits) {}

  bool null() override { return tell(nullptr); }
  bool boolean(bool value) override { return tell(value); }
  bool number_integer(number_integer_t value) override { return tell(value); }
  bool number_unsigned(number_unsigned_t value) override { return tell(value); }
  bool number_float(number_float_t value, const string_t&) override { return tell(value); }
  bool string(string_t& value) override { return tell(std::string_view(value)); }
  bool binary(binary_t&) override { return false; }  // no such thing in a text

  bool start_object(std::size_t) override {
    open();
    events_.open_object();
    return true;
  }
  bool start_array(std::size_t) override {
    open();
    events_.open_array();
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (++keys_ > limits_.keys)
      throw JsonError(JsonFault::keys, say("more than", limits_.keys, "keys in all"));
    const auto [at, fresh] = levels_.back().keys.insert(name);
    if (!fresh) {
      std::string text = say("key", in_quotes(name), "is given twice");
      const std::string* parent = levels_.size() < 2 ? nullptr : levels_[levels_.size() - 2].last;
      if (parent) text += say(" in", in_quotes(*parent));
      throw JsonError(JsonFault::duplicate, text);
    }
    levels_.back().last = &*at;
    events_.key(*at);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    const std::size_t at = std::min(begin_ + std::max<std::size_t>(position, 1) - 1, text_.size());
    throw JsonError(JsonFault::syntax, say("not valid JSON at", place(text_, at) + ":", reason(e.what())));
  }

 private:
  /// One open object or array: the keys so far, in a tree because hashes of hostile keys can collide.
  struct Level {
    std::set<std::string> keys;
    const std::string* last = nullptr;
  };

  bool tell(const JsonEvents::Value& value) {
    events_.value(value);
    return true;
  }
  void open() {
    if (levels_.size() == limits_.depth)
      throw JsonError(JsonFault::depth,
                      say("more than", limits_.depth, "objects or arrays inside each other"));
    levels_.emplace_back();
  }
  bool close() {
    levels_.pop_back();
    events_.close();
    return true;
  }

  std::string_view text_;
  std::size_t begin_;
  JsonEvents& events_;
  const JsonLimits& limits_;
  std::vector<Level> levels_;
  std::size_t keys_ = 0;
};

}  // namespace

void parse_json_events(std::string_view text, JsonEvents& events, const JsonLimits& limits) {
  // Headers may be padded with megabytes of white space, which the parser would read byte by byte.
  constexpr const char* kSpace = " \t\r\n";
  const std::size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  const std::string_view inner = text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
  if (inner.size() > limits.bytes)
    throw JsonError(JsonFault::bytes,
                    say("a JSON text of", inner.size(), "bytes is longer than the", limits.bytes, "allowed"));
  // The parser skips a byte order mark and takes a NUL byte for the end of the text.
  if (inner.starts_with("\xef\xbb\xbf"))
    throw JsonError(JsonFault::syntax,
                    say("not valid JSON at", place(text, begin) + ":", "a byte order mark"));
  if (const std::size_t nul = inner.find('\0'); nul != std::string_view::npos)
    throw JsonError(JsonFault::nul, say("not valid JSON at", place(text, begin + nul) + ":", "a NUL byte"));
  Strict strict(text, begin, events, limits);
  nlohmann::ordered_json::sax_parse(inner.begin(), inner.end(), &strict);
}

}  // namespace engine
