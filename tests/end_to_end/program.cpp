#include "tests/end_to_end/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace end_to_end {
namespace {

/// Starts the program; returns its process id.
pid_t start(const Words& words, const fs::path& out, const fs::path& err, const Surroundings& where) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), flags, 0600);
  if (!where.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, where.folder.c_str());
  Words all = where.through + Words{ESPALIER_PROGRAM} + words;
  std::vector<char*> arguments;
  for (std::string& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t process = -1;
  const int failure = posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw std::runtime_error(all[0] + " does not start");
  return process;
}

int wait_for(pid_t process, double* peak_mb = nullptr) {
  int status = 0;
  rusage usage{};
  while (wait4(process, &status, 0, &usage) < 0) {
    if (errno != EINTR) throw std::runtime_error("wait4 fails");
  }
  if (peak_mb) *peak_mb = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Json Outcome::json() const {
  EXPECT_EQ(status, 0) << err;
  const Json json = Json::parse(out, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << "not JSON: " << out;
  return json.is_discarded() ? Json() : json;
}

std::string Outcome::error(int expected_status) const {
  EXPECT_EQ(status, expected_status) << err;
  EXPECT_EQ(out, "") << "an error leaves stdout empty";
  EXPECT_TRUE(err.ends_with('\n')) << err;
  const std::string mark = "espalier: ";
  std::istringstream lines(err);
  Words found;
  std::string last;
  for (std::string line; std::getline(lines, line); last = line) {
    if (line.starts_with(mark)) found.push_back(line.substr(mark.size()));
  }
  EXPECT_EQ(found.size(), 1u) << err;
  if (found.empty()) return "";
  EXPECT_EQ(last, mark + found[0]) << "the error is the last line";
  return found[0];
}

Outcome run(const Words& words, const Surroundings& where) {
  const Folder captured;
  const fs::path out = where.standard_out.empty() ? fs::path(captured / "out") : where.standard_out;
  const fs::path err = captured / "err";
  Outcome outcome;
  outcome.status = wait_for(start(words, out, err, where), &outcome.peak_mb);
  if (where.standard_out.empty()) outcome.out = read_text(out);
  outcome.err = read_text(err);
  return outcome;
}

Background::Background(const Words& words, const fs::path& errors)
    : process_(start(words, "/dev/null", errors, {})) {}

Background::~Background() {
  kill();
}

bool Background::running() {
  siginfo_t ended{};
  return process_ > 0 &&
         waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == 0;
}

bool Background::kill() {
  if (process_ <= 0) return false;
  ::kill(process_, SIGKILL);
  const int status = wait_for(process_);
  process_ = -1;
  return status == 128 + SIGKILL;
}

int Background::wait() {
  const int status = wait_for(process_);
  process_ = -1;
  return status;
}

Words through_shell(const std::string& redirections) {
  return {"sh", "-c", "exec \"$@\" " + redirections, "sh"};
}

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Folder::Folder() {
  // In memory where there is a place for it: the program waits for the disk after every file.
  const fs::path memory = "/dev/shm";
  const bool quick = ::access(memory.c_str(), W_OK) == 0;
  std::string name = ((quick ? memory : fs::temp_directory_path()) / "espalier-e2e-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error(name + ": cannot be made");
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string Folder::operator/(const std::string& name) const {
  const fs::path path = path_ / name;
  fs::create_directories(path.parent_path());
  return path.string();
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path << " cannot be read";
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

Json read_json(const fs::path& path) {
  const Json json = Json::parse(read_text(path), nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << path << " is not JSON";
  return json;
}

std::vector<Json> read_lines(const fs::path& path) {
  std::istringstream text(read_text(path));
  std::vector<Json> lines;
  for (std::string line; std::getline(text, line);) {
    lines.push_back(Json::parse(line, nullptr, false));
    EXPECT_TRUE(lines.back().is_object()) << line;
  }
  return lines;
}

std::vector<Json> of_kind(const std::vector<Json>& lines, const std::string& kind) {
  std::vector<Json> some;
  for (const Json& line : lines) {
    if (line.value("kind", "") == kind) some.push_back(line);
  }
  return some;
}

Words keys(const Json& object) {
  Words names;
  for (const auto& [key, value] : object.items()) names.push_back(key);
  return names;
}

}  // namespace end_to_end
