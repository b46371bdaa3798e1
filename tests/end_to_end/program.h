#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace end_to_end {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

/// What one call of the program left behind.
struct Outcome {
  int status = -1;  ///< the exit status; 128 + the signal when one ended it
  std::string out, err;
  double peak_mb = 0;  ///< resident, of the program

  /// The JSON on stdout; a test failure and null when there is none or the program failed.
  Json json() const;
  /// The one line of stderr that begins with "espalier:", without that. A test failure unless there is
  /// exactly one, nothing on stdout, and `status` is as expected.
  std::string error(int expected_status) const;
  /// The names of the lines on stderr, to see what was noted.
  bool noted(const std::string& text) const { return err.find(text) != std::string::npos; }
};

struct Surroundings {
  fs::path folder = {};        ///< to run in
  fs::path standard_out = {};  ///< a file in place of captured stdout
  Words through = {};          ///< a program and its words in front of this one, as of `env` or `setpriv`
};

/// Of a shell that runs the program with redirections: through_shell("2>&-").
Words through_shell(const std::string& redirections);

/// Runs `espalier words...` as a user does.
Outcome run(const Words& words, const Surroundings& where = {});

/// The same in the background, for tests that end it.
class Background {
 public:
  /// What it writes to stderr goes to `errors`.
  explicit Background(const Words& words, const fs::path& errors = "/dev/null");
  ~Background();
  Background(const Background&) = delete;
  /// Ends it by SIGKILL and waits. False when it had ended by itself.
  bool kill();
  /// Waits for its end: the exit status, 128 + the signal when one ended it.
  int wait();
  bool running();
  int process() const { return process_; }

 private:
  int process_;
};

/// `a` and then `b`.
Words operator+(Words a, const Words& b);

/// A folder of its own for one test, removed at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  const fs::path& path() const { return path_; }
  /// The full name of a file below it, making the folders it lies in.
  std::string operator/(const std::string& name) const;

 private:
  fs::path path_;
};

std::string read_text(const fs::path& path);
void write_text(const fs::path& path, const std::string& text);
Json read_json(const fs::path& path);
/// The lines of a metrics.jsonl.
std::vector<Json> read_lines(const fs::path& path);
/// Those of one kind.
std::vector<Json> of_kind(const std::vector<Json>& lines, const std::string& kind);
/// The fields of an object, in their order.
Words keys(const Json& object);

}  // namespace end_to_end
