#include "engine/tensor/storage.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/div_up.h"

namespace engine {
namespace {

/// Buffers of this size and more come in pages of their own, huge ones where the system has them: fewer
/// faults and fewer misses of the address cache.
constexpr std::size_t kHugePage = std::size_t{1} << 21;

/// `size` bytes from the system; nullptr when it has none. Large ones are zero.
std::byte* take_from_system(std::size_t size) {
  if (size < kHugePage)
    return static_cast<std::byte*>(::operator new(size, std::align_val_t(kAlignment), std::nothrow));
  // A huge page more, so that the buffer can start on a boundary; the rest goes back at once.
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), pages = round_up(size, page);
  if (pages < size || pages + kHugePage < pages) return nullptr;
  void* const start =
      mmap(nullptr, pages + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return nullptr;
  const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(start);
  const std::size_t before = (kHugePage - at % kHugePage) % kHugePage;
  std::byte* const buffer = static_cast<std::byte*>(start) + before;
  if (before > 0) munmap(start, before);
  if (before < kHugePage) munmap(buffer + pages, kHugePage - before);
#ifdef MADV_HUGEPAGE
  madvise(buffer, pages, MADV_HUGEPAGE);  // refused: pages of the usual size do as well
#endif
  return buffer;
}

void return_to_system(std::byte* buffer, std::size_t size) {
  if (size < kHugePage)
    ::operator delete(buffer, std::align_val_t(kAlignment));
  else
    munmap(buffer, size);
}

/// Free buffers by size. Sizes are rounded up so that nearly equal requests share a buffer.
class Pool {
 public:
  /// A buffer, and whether it came fresh from the system.
  std::pair<std::byte*, bool> take(std::size_t size) {
    {
      const std::lock_guard lock(mutex_);
      std::vector<std::byte*>& free = free_[size];
      if (!free.empty()) {
        std::byte* buffer = free.back();
        free.pop_back();
        count(size);
        return {buffer, false};
      }
      ++asked_;
    }
    std::byte* fresh = take_from_system(size);
    if (!fresh) {
      release();  // the kept buffers have the wrong sizes: give them back and try once more
      fresh = take_from_system(size);
      if (!fresh) throw std::bad_alloc();
    }
    const std::lock_guard lock(mutex_);
    count(size);
    return {fresh, true};
  }

  void give_back(std::byte* buffer, std::size_t size) {
    const std::lock_guard lock(mutex_);
    live_ -= size;
    free_[size].push_back(buffer);
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, buffers] : free_) {
      for (std::byte* buffer : buffers) return_to_system(buffer, size);
      buffers.clear();
    }
  }

  std::size_t live() const {
    const std::lock_guard lock(mutex_);
    return live_;
  }
  std::size_t asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::size_t peak() const {
    const std::lock_guard lock(mutex_);
    return peak_;
  }
  void reset_peak() {
    const std::lock_guard lock(mutex_);
    peak_ = live_;
  }

 private:
  void count(std::size_t size) {
    live_ += size;
    peak_ = std::max(peak_, live_);
  }

  mutable std::mutex mutex_;
  std::unordered_map<std::size_t, std::vector<std::byte*>> free_;
  std::size_t live_ = 0, peak_ = 0, asked_ = 0;
};

/// Never destroyed: tensors with static lifetime may outlive it.
Pool& pool() {
  static Pool* const instance = new Pool;
  return *instance;
}

/// Up to 1/32 more than asked: few different sizes, little waste.
std::size_t rounded(std::size_t bytes) {
  const std::size_t step = std::max(kAlignment, std::bit_floor(std::max<std::size_t>(bytes, 1)) / 32);
  return round_up(std::max<std::size_t>(bytes, 1), step);
}

}  // namespace

std::shared_ptr<std::byte> allocate(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  return {pool().take(size).first, [size](std::byte* buffer) { pool().give_back(buffer, size); }};
}

std::shared_ptr<std::byte> allocate_zeros(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  const auto [start, fresh] = pool().take(size);
  std::shared_ptr<std::byte> buffer(start, [size](std::byte* b) { pool().give_back(b, size); });
  if (!fresh || size < kHugePage) std::memset(buffer.get(), 0, bytes);
  return buffer;
}

std::size_t system_allocations() {
  return pool().asked();
}

std::size_t live_bytes() {
  return pool().live();
}
std::size_t peak_bytes() {
  return pool().peak();
}
void reset_peak_bytes() {
  pool().reset_peak();
}
void release_free_buffers() {
  pool().release();
}

}  // namespace engine
