#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/stopwatch.h"

namespace cli {

/// One line to stderr. A note ("note: ...") is thrown as an Error instead once notes_are_errors() was called.
void note(const std::string& text);
/// Of --strict.
void notes_are_errors();
bool are_notes_errors();

/// A name that others chose, of a file, a class, a tensor, as text for a terminal: control characters, which
/// it would obey, are spaces.
std::string shown(const std::string& name);
/// A JSON value as the result on stdout, indented; what a terminal would obey is written as \u00XX.
void print_json(const nlohmann::ordered_json& json);
/// `text` in the same form.
std::string escaped_controls(const std::string& text);

/// Columns for text on standard output: those of COLUMNS or of the terminal, at least 40 and at most 120; 80
/// where neither is known.
std::size_t text_width();

/// How far a loop has come: on a terminal a bar with images/s and time left, otherwise a line now and then.
class Progress {
 public:
  /// `steps` in all, of `images` images each.
  Progress(std::string title, engine::Index steps, engine::Index images);
  ~Progress();
  /// One more step is done; `detail` is shown behind the bar ("loss 0.412").
  void advance(const std::string& detail = "");

 private:
  void draw(const std::string& detail, bool last);
  std::string title_;
  engine::Index steps_, images_, done_ = 0;
  bool terminal_;
  double drawn_at_ = -1;
  engine::Stopwatch watch_;
};

}  // namespace cli
