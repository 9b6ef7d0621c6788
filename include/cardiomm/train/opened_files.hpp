// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_OPENED_FILES_HPP
#define CARDIOMM_TRAIN_OPENED_FILES_HPP
/// \file
/// A few training files kept open for several threads.

#include <condition_variable>
#include <deque>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "cardiomm/io/fastmri.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// The arrays of an opened training file. Reading them is safe from several threads. Where they lie
/// unpacked in the file they are read straight from there, otherwise by a process of their own.
struct opened_file {
  io::stored_array kspace;              ///< (image, coil, x, y) or (image, x, y)
  std::optional<io::stored_array> rss;  ///< (image, x, y), of the size of k-space

  explicit opened_file(const io::fastmri_file& file) : kspace(file.stored_kspace()) {
    if (file.reconstruction() != std::optional<std::string>("reconstruction_rss")) return;
    io::stored_array a = file.file().at("reconstruction_rss");
    if (a.shape() == io::extents{file.images(), file.nx(), file.ny()}) rss = std::move(a);
  }
};

/// The files used last. All of them are opened by one thread that lives as long as this object: a
/// process that reads for us ends with the thread that started it, and two must not be started at
/// once, because each would hold the other's connection.
class opened_files {
 public:
  explicit opened_files(index_t most) : most_(most) {
    require(most >= 1, "training files: open files: expected at least 1, found ", most);
  }
  ~opened_files() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = true;
    }
    asked_.notify_all();
    if (opener_.joinable()) opener_.join();
  }
  opened_files(const opened_files&) = delete;
  opened_files& operator=(const opened_files&) = delete;

  /// The file of a path. Throws what opening it throws.
  std::shared_ptr<const opened_file> get(const std::string& path) const {
    std::future<std::shared_ptr<const opened_file>> answer;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (auto found = find(path)) return found;
      if (!opener_.joinable()) opener_ = std::thread([this] { work(); });
      requests_.push_back({path, {}});
      answer = requests_.back().answer.get_future();
    }
    asked_.notify_one();
    return answer.get();
  }

 private:
  using pointer = std::shared_ptr<const opened_file>;
  struct request {
    std::string path;
    std::promise<pointer> answer;
  };
  struct entry {
    std::string path;
    pointer file;
  };

  pointer find(const std::string& path) const {
    const auto at = places_.find(path);
    if (at == places_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, at->second);
    return at->second->file;
  }
  void work() const {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      asked_.wait(lock, [&] { return ended_ || !requests_.empty(); });
      if (ended_) return;
      request r = std::move(requests_.front());
      requests_.pop_front();
      if (auto found = find(r.path)) {  // asked for twice
        r.answer.set_value(std::move(found));
        continue;
      }
      std::list<entry> dropped;
      while (static_cast<index_t>(recent_.size()) >= most_) {
        places_.erase(recent_.back().path);
        dropped.splice(dropped.begin(), recent_, std::prev(recent_.end()));
      }
      lock.unlock();
      dropped.clear();
      pointer made;
      std::exception_ptr error;
      try {
        made = std::make_shared<const opened_file>(io::fastmri_file(r.path));
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (error) {
        r.answer.set_exception(error);
        continue;
      }
      recent_.push_front({r.path, made});
      places_[r.path] = recent_.begin();
      r.answer.set_value(std::move(made));
    }
  }

  index_t most_;
  mutable std::mutex mutex_;
  mutable std::condition_variable asked_;
  mutable std::deque<request> requests_;
  mutable std::list<entry> recent_;  // the last one used in front
  mutable std::map<std::string, std::list<entry>::iterator> places_;
  mutable std::thread opener_;
  bool ended_ = false;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
