#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "data/batch.h"

namespace data {

/// How batches are made: opened, filled piece by piece in any order and by any thread, then finished.
struct BatchMaker {
  std::function<Batch(Index batch)> open;
  std::function<Index(const Batch&)> pieces;
  std::function<void(Batch&, Index batch, Index piece)> fill;
  std::function<void(Batch&, Index batch)> finish;
};

/// Starts a thread; throws std::system_error when the system gives none.
using StartThread = std::function<std::thread(std::function<void()>)>;

/// Makes batches [first, end) on worker threads, at most `depth` beyond the last one taken, and hands them
/// out in order. The destructor stops and joins the threads.
class Ahead {
 public:
  /// Makes do with fewer workers when the system gives no more; throws an Error when it gives none.
  Ahead(
      BatchMaker maker, Index first, Index end, int workers, Index depth,
      const StartThread& start = [](std::function<void()> work) { return std::thread(std::move(work)); });
  ~Ahead();
  Ahead(const Ahead&) = delete;

  /// The next batch, waiting for it; nothing after the last. Rethrows what went wrong in making it: of
  /// several pieces that failed, the first.
  std::optional<Batch> take();

 private:
  struct Job {
    Index batch = 0, pieces = 0, begun = 0, done = 0;
    Batch content;
    std::exception_ptr error;
    Index failed_piece = 0;
  };

  void work();
  /// A job with a piece that nobody has begun, opening further batches while there is room; null when none
  /// may start now. Needs the lock.
  std::shared_ptr<Job> claim();
  std::shared_ptr<Job> open_next();

  BatchMaker maker_;
  Index next_to_open_, end_, depth_;
  std::mutex mutex_;
  std::condition_variable room_, ready_;   // something to begin; something done
  std::deque<std::shared_ptr<Job>> jobs_;  // in order; the front is taken next
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace data
