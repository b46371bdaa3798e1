#include "engine/tensor/storage.h"

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

namespace engine {
namespace {

/// Free buffers by size. Sizes are rounded up so that nearly equal requests share a buffer.
class Pool {
 public:
  std::byte* take(std::size_t size) {
    {
      const std::lock_guard lock(mutex_);
      std::vector<std::byte*>& free = free_[size];
      if (!free.empty()) {
        std::byte* buffer = free.back();
        free.pop_back();
        count(size);
        return buffer;
      }
    }
    void* fresh = ::operator new(size, std::align_val_t(kAlignment), std::nothrow);
    if (!fresh) {
      release();  // the kept buffers have the wrong sizes: give them back and try once more
      fresh = ::operator new(size, std::align_val_t(kAlignment));
    }
    const std::lock_guard lock(mutex_);
    count(size);
    return static_cast<std::byte*>(fresh);
  }

  void give_back(std::byte* buffer, std::size_t size) {
    const std::lock_guard lock(mutex_);
    live_ -= size;
    free_[size].push_back(buffer);
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, buffers] : free_) {
      for (std::byte* buffer : buffers) ::operator delete(buffer, std::align_val_t(kAlignment));
      buffers.clear();
    }
  }

  std::size_t live() const {
    const std::lock_guard lock(mutex_);
    return live_;
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
  std::size_t live_ = 0, peak_ = 0;
};

/// Never destroyed: tensors with static lifetime may outlive it.
Pool& pool() {
  static Pool* const instance = new Pool;
  return *instance;
}

/// Up to an eighth more than asked: few different sizes, little waste.
std::size_t rounded(std::size_t bytes) {
  const std::size_t step = std::max(kAlignment, std::bit_floor(std::max<std::size_t>(bytes, 1)) / 8);
  return (std::max<std::size_t>(bytes, 1) + step - 1) / step * step;
}

}  // namespace

std::shared_ptr<std::byte> allocate(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  return {pool().take(size), [size](std::byte* buffer) { pool().give_back(buffer, size); }};
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
