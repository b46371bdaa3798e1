#include "tools/cli/console.h"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/text.h"
#include "tools/training/json_text.h"

namespace cli {
namespace {

std::string clock_text(double seconds) {
  const long whole = std::lround(seconds);
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

constexpr std::size_t kColumns = 80;  // without a terminal

std::size_t terminal_width(int stream) {
  winsize size{};
  return ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : kColumns;
}

/// COLUMNS as a shell exports it; nothing unless it is a number of columns.
std::optional<std::size_t> columns_of_environment() {
  const char* const text = std::getenv("COLUMNS");
  std::size_t columns = 0;
  if (!text) return std::nullopt;
  const char* const end = text + std::strlen(text);
  const auto [last, error] = std::from_chars(text, end, columns);
  return error == std::errc() && last == end && columns > 0 ? std::optional(columns) : std::nullopt;
}

}  // namespace

std::size_t text_width() {
  const std::size_t width = columns_of_environment().value_or(terminal_width(STDOUT_FILENO));
  return std::clamp<std::size_t>(width, 40, 120);
}

namespace {

bool strict = false;

}  // namespace

void note(const std::string& text) {
  constexpr std::string_view kMark = "note: ";
  if (strict && text.starts_with(kMark)) throw engine::Error(text.substr(kMark.size()) + " (--strict)");
  std::cerr << engine::one_line(text) << '\n';
}

void notes_are_errors() {
  strict = true;
}

bool are_notes_errors() {
  return strict;
}

std::string shown(const std::string& name) {
  return engine::one_line(name);
}

std::string escaped_controls(const std::string& text) {
  std::string all;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0u;
    const bool c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
    if (byte != 0x7f && !c1) {
      all += text[i];
      continue;
    }
    char code[8];
    std::snprintf(code, sizeof code, "\\u%04x", c1 ? next : byte);
    all += code;
    if (c1) ++i;
  }
  return all;
}

void print_json(const nlohmann::ordered_json& json) {
  std::cout << escaped_controls(training::json_text(json, 2)) << '\n';
}

Progress::Progress(std::string title, engine::Index steps, engine::Index images)
    : title_(std::move(title)), steps_(steps), images_(images), terminal_(isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  if (terminal_ && done_ > 0) std::cerr << '\n';
}

void Progress::advance(const std::string& detail) {
  ++done_;
  const bool last = done_ == steps_;
  const double now = watch_.seconds(), pause = terminal_ ? 0.1 : 10;
  if (last || drawn_at_ < 0 || now - drawn_at_ >= pause) {
    draw(detail, last);
    drawn_at_ = now;
  }
}

void Progress::draw(const std::string& detail, bool last) {
  const double seconds = std::max(watch_.seconds(), 1e-9);
  const double left = seconds / static_cast<double>(done_) * static_cast<double>(steps_ - done_);
  const std::string rate = engine::fixed(static_cast<double>(done_ * images_) / seconds, 1) + " images/s";
  const std::string time = last ? clock_text(seconds) : clock_text(left) + " left";
  const std::string counts = std::to_string(done_) + '/' + std::to_string(steps_);
  if (!terminal_) {
    note(engine::say(title_, counts, detail, rate, time));
    return;
  }
  constexpr std::size_t kCells = 20;
  const std::size_t full =
      kCells * static_cast<std::size_t>(done_) / static_cast<std::size_t>(std::max<engine::Index>(1, steps_));
  std::string bar = "[" + std::string(full, '=') + std::string(kCells - full, ' ') + "]";
  std::string line = engine::say(title_, bar, counts, detail, rate, time);
  line.resize(std::min(line.size(), terminal_width(STDERR_FILENO) - 1));
  std::cerr << "\r\033[K" << line << std::flush;
}

}  // namespace cli
