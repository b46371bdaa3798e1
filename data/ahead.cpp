#include "data/ahead.h"

#include <system_error>
#include <utility>

namespace data {

Ahead::Ahead(BatchMaker maker, Index first, Index end, int workers, Index depth, const StartThread& start)
    : maker_(std::move(maker)), next_to_open_(first), end_(end), depth_(depth) {
  threads_.reserve(static_cast<std::size_t>(workers));  // nothing may throw while a thread runs
  try {
    for (int i = 0; i < workers; ++i) threads_.push_back(start([this] { work(); }));
  } catch (const std::system_error& error) {
    check(!threads_.empty(), "no thread to decode ahead could be started (" + error.code().message() +
                                 "); --workers 0 needs none");
  }
}

Ahead::~Ahead() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  room_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::shared_ptr<Ahead::Job> Ahead::open_next() {
  auto job = std::make_shared<Job>();
  job->batch = next_to_open_++;
  try {
    job->content = maker_.open(job->batch);
    job->pieces = maker_.pieces(job->content);
  } catch (...) {
    job->error = std::current_exception();
  }
  return job;
}

std::shared_ptr<Ahead::Job> Ahead::claim() {
  for (const auto& job : jobs_)
    if (job->begun < job->pieces) return job;
  while (next_to_open_ < end_ && static_cast<Index>(jobs_.size()) < depth_) {
    jobs_.push_back(open_next());
    if (jobs_.back()->pieces > 0) {
      room_.notify_all();
      return jobs_.back();
    }
    ready_.notify_all();
  }
  return nullptr;
}

void Ahead::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    std::shared_ptr<Job> job;
    room_.wait(lock, [&] { return stop_ || (job = claim()) != nullptr; });
    if (stop_) return;
    const Index piece = job->begun++;
    std::exception_ptr error;
    lock.unlock();
    try {
      maker_.fill(job->content, job->batch, piece);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error && (!job->error || piece < job->failed_piece)) {
      job->error = error;
      job->failed_piece = piece;
    }
    if (++job->done == job->pieces) ready_.notify_all();
  }
}

std::optional<Batch> Ahead::take() {
  std::unique_lock lock(mutex_);
  if (jobs_.empty() && next_to_open_ == end_) return std::nullopt;
  ready_.wait(lock, [&] { return !jobs_.empty() && jobs_.front()->done == jobs_.front()->pieces; });
  const std::shared_ptr<Job> job = std::move(jobs_.front());
  jobs_.pop_front();
  lock.unlock();
  room_.notify_all();
  if (job->error) std::rethrow_exception(job->error);
  maker_.finish(job->content, job->batch);
  return std::move(job->content);
}

}  // namespace data
