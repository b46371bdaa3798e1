#include "engine/io/process_space.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>

#include "engine/io/sha256.h"

namespace engine {
namespace {

constexpr std::size_t kDigits = 12;

std::string found_space() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code failure;
  const auto processes = std::filesystem::read_symlink("/proc/self/ns/pid", failure);
  if (boot.empty() || failure) return "";
  std::array<char, 256> host{};  // of two copies of a machine that was asleep, all else may be the same
  ::gethostname(host.data(), host.size() - 1);
  const std::string all = boot + '\n' + processes.string() + '\n' + host.data();
  Sha256 hash;
  hash.add(std::as_bytes(std::span(all)));
  return hash.hex().substr(0, kDigits);
}

}  // namespace

const std::string& process_space() {
  static const std::string space = found_space();
  return space;
}

bool is_gone(long long process) {
  if (process <= 0 || process > std::numeric_limits<pid_t>::max()) return false;
  return ::getpgid(static_cast<pid_t>(process)) < 0 && errno == ESRCH;
}

}  // namespace engine
