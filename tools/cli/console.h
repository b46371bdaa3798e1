#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/base/check.h"

namespace tools {

/// `text` with spaces in place of line breaks and other control characters, as names of files may have.
std::string one_line(std::string text);

/// One line to stderr.
void note(const std::string& text);

/// Throws an Error when there is no folder for a file at `path` or none may be made there: long work would be
/// lost. An empty path is none.
void check_can_write(const std::string& path);

/// An option that names a file, and the file.
struct NamedFile {
  std::string option, path;
};

/// Throws a UsageError when an output is one of the inputs or another output: writing it would destroy what
/// was there. Empty paths are none; a folder or an index that is an input stands for its weight_files().
void check_apart(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs);

/// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// How far a loop has come: on a terminal a bar with images/s and time left, otherwise a line now and then.
class Progress {
 public:
  /// `steps` in all, of `images` pictures each.
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
  Stopwatch watch_;
};

/// JSON as text, indented when `indent` is not negative. Bytes that are not UTF-8, as names of files may
/// have, become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json, int indent = -1);

/// True when `text` is UTF-8 throughout.
bool is_utf8(const std::string& text);

/// The most memory this process has had, or has had since the last reset, in MB (10^6 bytes).
double peak_mb();
/// Begins anew to look for the peak. False where the system does not allow it: peak_mb() then goes on to
/// tell that of the whole process.
bool reset_peak_mb();

/// `value` with this many digits behind the point.
std::string fixed(double value, int digits);

/// A double as text that reads back to the same bits.
std::string exact(double value);

/// The shortest such text, for people.
std::string shortest(double value);

}  // namespace tools
