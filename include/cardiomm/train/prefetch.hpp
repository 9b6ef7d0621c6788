// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_PREFETCH_HPP
#define CARDIOMM_TRAIN_PREFETCH_HPP
/// \file
/// Samples made ahead by other threads and handed out in order.

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "cardiomm/train/sample.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Samples `order[0]`, `order[1]`, ... of an epoch, made ahead by `threads` threads. At most
/// `depth` samples exist that were not handed out yet, those that are being made included. The
/// result is the same for every number of threads; 0 makes each sample when it is asked for.
/// What a source throws for a sample is thrown where that sample would have come; the one after it
/// comes next. The destructor waits for the samples that are being made, and drops them.
///
///     train::prefetch<train::sample> ahead(source, epoch, order, 2, 4);
///     while (auto s = ahead.next()) ...
///
/// One consumer. The source must live longer.
template <class S>
class prefetch {
 public:
  prefetch(const source<S>& from, std::uint64_t epoch, std::vector<index_t> order, int threads = 1,
           index_t depth = 4)
      : from_(from), epoch_(epoch), order_(std::move(order)), depth_(depth) {
    require(threads >= 0 && threads <= 1024, "prefetch: threads: expected 0 to 1024, found ",
            threads);
    require(depth >= 1, "prefetch: depth: expected at least 1, found ", depth);
    for (const index_t i : order_)
      require(i >= 0 && i < from.size(), "prefetch: order: expected samples of 0 to ",
              from.size() - 1, ", found ", i);
    try {
      for (index_t t = 0; t < std::min<index_t>({threads, depth, size()}); ++t)
        threads_.emplace_back([this] { work(); });
    } catch (...) {
      stop();
      throw;
    }
  }
  ~prefetch() { stop(); }
  prefetch(const prefetch&) = delete;
  prefetch& operator=(const prefetch&) = delete;

  /// The next sample; nothing after the last. Throws what making it threw.
  std::optional<S> next() {
    if (given_ == size()) return std::nullopt;
    if (threads_.empty()) return from_.get(epoch_, order_[std::size_t(given_++)]);
    slot done;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      made_.wait(lock, [&] { return !slots_.empty() && slots_.front().ready; });
      done = std::move(slots_.front());
      slots_.pop_front();
      ++given_;
    }
    room_.notify_one();
    if (done.error) std::rethrow_exception(done.error);
    return std::move(done.value);
  }

  index_t size() const { return static_cast<index_t>(order_.size()); }
  /// Samples that were handed out, or thrown for.
  index_t position() const { return given_; }

 private:
  struct slot {
    std::optional<S> value;
    std::exception_ptr error;
    bool ready = false;
  };

  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      room_.wait(lock, [&] { return stopped_ || taken_ == size() || taken_ - given_ < depth_; });
      if (stopped_ || taken_ == size()) return;
      const index_t mine = taken_++;
      slots_.emplace_back();
      lock.unlock();
      slot made;
      try {
        made.value = from_.get(epoch_, order_[static_cast<std::size_t>(mine)]);
      } catch (...) {
        made.error = std::current_exception();
      }
      made.ready = true;
      lock.lock();
      // given_ <= mine: the consumer waits for this one before it goes on
      slots_[static_cast<std::size_t>(mine - given_)] = std::move(made);
      if (mine == given_) made_.notify_one();
    }
  }
  void stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
    }
    room_.notify_all();
    for (std::thread& t : threads_) t.join();
    threads_.clear();
  }

  const source<S>& from_;
  std::uint64_t epoch_;
  std::vector<index_t> order_;
  index_t depth_;
  std::mutex mutex_;
  std::condition_variable made_, room_;
  std::deque<slot> slots_;  // of samples given_, given_ + 1, .. that were begun
  index_t taken_ = 0, given_ = 0;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
