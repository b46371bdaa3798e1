#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace data::parquet {

/// What is made once when it is first asked for, by whichever thread asks; others wait for it. Beyond `limit`
/// bytes what was not asked for the longest is dropped, save the newest.
template <class Value>
class SharedCache {
 public:
  using Pointer = std::shared_ptr<const Value>;

  void set_limit(std::size_t bytes) { limit_ = bytes; }

  /// The value of a key, which `make` gives and which takes `bytes`. Throws what `make` throws; so does every
  /// later call until the key is dropped.
  template <class Make>
  Pointer get(std::uint32_t key, std::size_t bytes, Make&& make) {
    std::promise<Pointer> promise;
    {
      std::unique_lock lock(mutex_);
      const auto known = kept_.find(key);
      if (known != kept_.end()) {
        order_.splice(order_.begin(), order_, known->second.place);
        const std::shared_future<Pointer> wanted = known->second.value;
        lock.unlock();
        return wanted.get();
      }
      total_ += bytes;
      while (total_ > limit_ && !order_.empty()) {
        const auto last = kept_.find(order_.back());
        total_ -= last->second.bytes;
        kept_.erase(last);
        order_.pop_back();
      }
      order_.push_front(key);
      kept_.emplace(key, Kept{promise.get_future().share(), bytes, order_.begin()});
    }
    try {
      const Pointer made = make();
      promise.set_value(made);
      return made;
    } catch (...) {
      promise.set_exception(std::current_exception());
      throw;
    }
  }

 private:
  struct Kept {
    std::shared_future<Pointer> value;
    std::size_t bytes;
    std::list<std::uint32_t>::iterator place;
  };
  std::size_t limit_ = SIZE_MAX, total_ = 0;
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, Kept> kept_;
  std::list<std::uint32_t> order_;  // what was asked for last comes first
};

}  // namespace data::parquet
