#include "tools/experiments/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "engine/io/file.h"
#include "engine/io/file_system.h"
#include "engine/kernels/processors.h"

namespace experiments {
namespace {

constexpr const char* kShown = "a process for a run";

/// The end of a pipe.
class End {
 public:
  explicit End(int descriptor) : descriptor_(descriptor) {}
  ~End() { close(); }
  End(const End&) = delete;
  int descriptor() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  void close() {
    if (is_open()) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
};

struct Pipe {
  explicit Pipe(std::array<int, 2> ends = opened()) : from(ends[0]), to(ends[1]) {}
  static std::array<int, 2> opened() {
    std::array<int, 2> ends;
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) engine::throw_system_error(kShown, "pipe", errno);
    return ends;
  }
  End from, to;
};

/// Cuts standard error into lines and keeps the one that is the error.
class ErrorLines {
 public:
  explicit ErrorLines(const std::function<void(const std::string&)>& on_line) : on_line_(on_line) {}
  void add(std::string_view bytes) {
    for (const char c : bytes) {
      if (c == '\n')
        finish();
      else if (line_.size() < kLongest)
        line_ += c;
    }
  }
  void finish() {
    constexpr std::string_view kMark = "espalier: ";
    if (line_.starts_with(kMark))
      error_ = line_.substr(kMark.size());
    else if (!line_.empty())
      on_line_(line_);
    line_.clear();
  }
  const std::string& error() const { return error_; }

 private:
  static constexpr std::size_t kLongest = 1 << 16;
  const std::function<void(const std::string&)>& on_line_;
  std::string line_, error_;
};

constexpr int kStopping[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP};

/// Keeps these signals waiting while it lives.
class Waiting {
 public:
  Waiting() {
    sigset_t stopping;
    ::sigemptyset(&stopping);
    for (const int number : kStopping) ::sigaddset(&stopping, number);
    ::sigprocmask(SIG_BLOCK, &stopping, &before_);
  }
  ~Waiting() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Waiting(const Waiting&) = delete;
  const sigset_t& before() const { return before_; }

 private:
  sigset_t before_{};
};

/// Becomes the program, on `processors`. Between fork() and here nothing may be called that needs a lock.
[[noreturn]] void become(char* const* arguments, int out, int err, pid_t parent, const sigset_t& mask,
                         const engine::kernels::Processors& processors) {
  // A signal that has come since fork() ends it here: what it would have noted would be lost with execv().
  for (const int number : kStopping) {
    struct sigaction now {};
    ::sigaction(number, nullptr, &now);
    if (now.sa_handler != SIG_IGN) ::signal(number, SIG_DFL);
  }
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  ::setpgid(0, 0);  // a terminal's Ctrl-C is for the parent, which passes it on
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  processors.release_thread();  // failing, it has fewer threads and says so
  if (::getppid() != parent) ::_exit(128 + SIGTERM);
  if (::dup2(out, STDOUT_FILENO) >= 0 && ::dup2(err, STDERR_FILENO) >= 0)
    ::execv("/proc/self/exe", arguments);
  ::_exit(127);
}

/// Reads what is there; closes the end when there will be no more.
template <class Take>
void drain(End& end, const Take& take) {
  std::array<char, 4096> bytes;
  const ssize_t count =
      engine::uninterrupted([&] { return ::read(end.descriptor(), bytes.data(), bytes.size()); });
  if (count <= 0) return end.close();
  take(std::string_view(bytes.data(), static_cast<std::size_t>(count)));
}

/// Follows the process until it has closed both streams.
void follow(pid_t process, End& out, End& err, ErrorLines& lines, const ChildHooks& hooks) {
  bool signalled = false;
  while (out.is_open() || err.is_open()) {
    if (hooks.suspension()) {
      ::kill(process, SIGSTOP);
      hooks.suspend();
      ::kill(process, SIGCONT);
    }
    if (const int signal = hooks.stop_signal(); signal != 0 && !signalled) {
      ::kill(process, signal);
      signalled = true;
    }
    std::array<pollfd, 2> streams{pollfd{out.descriptor(), POLLIN, 0}, pollfd{err.descriptor(), POLLIN, 0}};
    constexpr int kMilliseconds = 200;  // a signal may come just before the wait
    if (::poll(streams.data(), streams.size(), kMilliseconds) <= 0) continue;
    if (streams[0].revents != 0) drain(out, [](std::string_view) {});
    if (streams[1].revents != 0) drain(err, [&](std::string_view bytes) { lines.add(bytes); });
  }
  lines.finish();
}

}  // namespace

ChildEnd run_child(const std::vector<std::string>& arguments, const ChildHooks& hooks) {
  std::vector<std::string> all{"espalier"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& one : all) argv.push_back(one.data());
  argv.push_back(nullptr);

  Pipe out, err;
  const pid_t parent = ::getpid();
  const auto processors = engine::kernels::Processors::of_loops();
  pid_t process = -1;
  {
    const Waiting waiting;
    process = ::fork();
    if (process == 0)
      become(argv.data(), out.to.descriptor(), err.to.descriptor(), parent, waiting.before(), processors);
  }
  if (process < 0) engine::throw_system_error(kShown, "fork", errno);
  out.to.close(), err.to.close();
  ErrorLines lines(hooks.on_line);
  follow(process, out.from, err.from, lines, hooks);
  int status = 0;
  if (engine::uninterrupted([&] { return ::waitpid(process, &status, 0); }) < 0)
    engine::throw_system_error(kShown, "waitpid", errno);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), lines.error()};
}

}  // namespace experiments
