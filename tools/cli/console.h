#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/stopwatch.h"

namespace cli {

/// One line to stderr.
void note(const std::string& text);

/// Columns for text on standard output: those of COLUMNS or of the terminal, at least 40 and at most 120; 80
/// where neither is known.
std::size_t text_width();

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
