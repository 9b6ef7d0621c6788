// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_DATA_PARALLEL_HPP
#define CARDIOMM_TRAIN_DATA_PARALLEL_HPP
/// \file
/// One training step by several processes: each takes a part of the batch, and gradients are summed
/// while the backward pass still runs. All processes then hold the same gradient, bit for bit, and
/// make the same step of the optimiser, so that their parameters stay equal without being sent.

#include <cstring>
#include <span>

#include "cardiomm/dist/reduction.hpp"
#include "cardiomm/dist/together.hpp"
#include "cardiomm/train/parameter_block.hpp"
#include "cardiomm/train/task.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

struct data_parallel_options {
  /// Gradients are summed in pieces of about this size: small ones start early, large ones use the
  /// network well. 0: an eighth of all, but at least 64 KiB and at most 4 MiB.
  std::size_t bucket_bytes = 0;
  dist::reduction_options sums = {};
};

/// Samples of a batch.
struct batch_share {
  index_t first = 0, last = 0;
};

/// The part of process `rank`: the parts are contiguous, and the first ones may be longer by one.
inline batch_share share_of(index_t batch, int rank, int processes) {
  const auto start = [&](index_t r) {
    return r * (batch / processes) + std::min<index_t>(r, batch % processes);
  };
  return {start(rank), start(rank + 1)};
}

/// Pieces (buckets) are whole parameters in the order of the block. They are summed from the last
/// to the first, the order in which a backward pass completes them; a task that completes them in
/// another order gets the same sums with less overlap. A parameter with several names is complete
/// when all of them are. One process: nothing is sent, nothing allocated.
///
///     train::data_parallel parallel(ex, processes, block, task.parameters());
///     double loss[1] = {0};
///     block.zero_gradients(ex);
///     parallel.step(batch, [&](index_t i, const finished_range& finished) {
///       loss[0] += task.accumulate(sample_of(i), 1.0 / batch, finished).loss / batch;
///     }, loss);
///     optimiser.step(...);       // gradients and loss are those of the whole batch
template <class T, ExecutionSpace Ex>
class data_parallel {
 public:
  /// `names` is the list that `block` was made of; the block outlives this object. The values of
  /// process 0 become those of all.
  data_parallel(const Ex& ex, const dist::communicator& all, const parameter_block<T, Ex>& block,
                const nn::named_parameters<T, Ex>& names, const data_parallel_options& options = {})
      : ex_(ex),
        all_(all),
        values_(block.values()),
        gradients_(block.gradients()),
        sums_(ex, all, gradients_, options.sums) {
    if (all_.size() == 1) return;
    make_buckets(block, names, options.bucket_bytes);
    hook_ = [this](std::size_t first, std::size_t last) { finished(first, last); };
    dist::broadcast(ex_, all_, values_);
  }
  data_parallel(const data_parallel&) = delete;
  data_parallel& operator=(const data_parallel&) = delete;

  /// The samples of a batch that are this process's.
  batch_share share(index_t batch) const { return share_of(batch, all_.rank(), all_.size()); }

  /// f(i, finished) for the samples `i` of this process's share, in their order, then sums of the
  /// gradients, and of `numbers` (loss, metrics, flags), over the processes. f adds to the
  /// gradients, hands `finished` to its task, and does not communicate; it may add to `numbers`.
  /// Processes without a sample take part with what is there, zeros. Where f throws on one process,
  /// all throw the error of the first that failed, and the gradients are of no use.
  template <class F>
  void step(index_t batch, F&& f, std::span<double> numbers = {}) {
    static const finished_range quiet;
    const batch_share mine = share(batch);
    if (all_.size() == 1) {
      for (index_t i = mine.first; i < mine.last; ++i) f(i, quiet);
      return;
    }
    std::copy(names_of_.begin(), names_of_.end(), missing_.begin());
    std::fill(told_.begin(), told_.end(), char(0));
    next_ = 0;
    std::exception_ptr failure;
    try {
      for (index_t i = mine.first; i < mine.last; ++i) f(i, i + 1 == mine.last ? hook_ : quiet);
    } catch (...) {
      failure = std::current_exception();
    }
    const auto began = std::chrono::steady_clock::now();
    while (next_ < buckets_.size()) start_next();
    sums_.wait();
    waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    numbers_.assign(numbers.begin(), numbers.end());
    numbers_.push_back(failure ? 1 : 0);
    all_.sum(numbers_.data(), static_cast<index_t>(numbers_.size()));
    if (numbers_.back() > 0)
      dist::together(all_, [&] {
        if (failure) std::rethrow_exception(failure);
      });
    std::copy(numbers_.begin(), numbers_.end() - 1, numbers.begin());
  }

  /// Throws value_error on all processes unless they hold the same values, bit for bit. One sum of
  /// a few bytes; for checkpoints, because an MPI library that sums in another order on every
  /// process would let the copies drift apart.
  void check_equal() const {
    if (all_.size() == 1) return;
    const auto host = to_host(values_);
    std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a of words of 32 bits
    for (std::size_t i = 0; i < host.size() * sizeof(T) / 4; ++i) {
      std::uint32_t word = 0;
      std::memcpy(&word, reinterpret_cast<const char*>(host.data()) + 4 * i, 4);
      hash = (hash ^ word) * 0x100000001b3u;
    }
    const double high = double(hash >> 32), low = double(hash & 0xffffffffu);
    double extremes[4] = {high, -high, low, -low};
    all_.max(extremes, 4);
    if (extremes[0] == -extremes[1] && extremes[2] == -extremes[3]) return;
    dist::failed_together() = true;
    throw value_error("data_parallel: parameters: expected the same ones on all " +
                      std::to_string(all_.size()) + " processes, found different ones");
  }

  /// Seconds that steps spent on sums which were not hidden behind the backward pass.
  double waited() const { return waited_; }
  /// Pieces that are summed one by one.
  std::size_t buckets() const { return buckets_.size(); }
  const dist::communicator& processes() const { return all_; }

 private:
  struct bucket {
    std::size_t first_entry, last_entry;
    index_t first, last;
  };

  void make_buckets(const parameter_block<T, Ex>& block, const nn::named_parameters<T, Ex>& names,
                    std::size_t bytes) {
    if (bytes == 0)
      bytes = std::clamp(std::size_t(block.size()) * sizeof(T) / 8, std::size_t(64) << 10,
                         std::size_t(4) << 20);
    const auto& entries = block.entries();
    names_of_.assign(entries.size(), 0);
    std::size_t next = 0;  // most names are new: their entry is the next one
    for (const auto& [name, p] : names) {
      std::size_t e = 0;
      if (next < entries.size() && entries[next].parameter.same_as(p))
        e = next++;
      else
        while (e < entries.size() && !entries[e].parameter.same_as(p)) ++e;
      entry_of_.push_back(e);
      if (e < entries.size()) ++names_of_[e];
    }
    require(next == entries.size(), "data_parallel: expected the names of all ", entries.size(),
            " parameters of the block, found ", next);
    missing_ = names_of_;
    told_.assign(names.size(), 0);
    index_t end = block.size();
    for (std::size_t last = entries.size(); last > 0;) {
      std::size_t first = last;
      while (first > 0) {
        --first;
        if (std::size_t(end - entries[first].first) * sizeof(T) >= bytes) break;
      }
      buckets_.push_back({first, last, entries[first].first, end});
      end = entries[first].first;
      last = first;
    }
  }

  void finished(std::size_t first, std::size_t last) {
    require(first <= last && last <= entry_of_.size(),
            "data_parallel: gradients: expected a range within 0 to ", entry_of_.size(), ", found ",
            first, " to ", last);
    for (std::size_t i = first; i < last; ++i) {
      require(!told_[i], "data_parallel: gradients: expected each name once in a step, found ", i,
              " again");
      told_[i] = 1;
      if (entry_of_[i] < missing_.size()) --missing_[entry_of_[i]];
    }
    while (next_ < buckets_.size() && complete(buckets_[next_])) start_next();
    if (!sums_.threaded()) sums_.poll();
  }
  bool complete(const bucket& b) const {
    for (std::size_t e = b.first_entry; e < b.last_entry; ++e)
      if (missing_[e] > 0) return false;
    return true;
  }
  void start_next() {
    const bucket& b = buckets_[next_++];
    sums_.start(b.first, b.last);
  }

  Ex ex_;
  dist::communicator all_;
  view<T, 1, Ex> values_, gradients_;
  dist::reduction<T, Ex> sums_;
  finished_range hook_;
  std::vector<std::size_t> entry_of_;  // of a name; the number of entries for frozen ones
  std::vector<int> names_of_;          // of an entry
  std::vector<int> missing_;           // names of an entry that were not told in this step
  std::vector<char> told_;             // of a name
  std::vector<bucket> buckets_;        // in the order of their sums
  std::size_t next_ = 0;
  std::vector<double> numbers_;
  double waited_ = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
