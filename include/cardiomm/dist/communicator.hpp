// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_DIST_COMMUNICATOR_HPP
#define CARDIOMM_DIST_COMMUNICATOR_HPP
/// \file
/// The processes of a run, by MPI. Without MPI (CARDIOMM_HAS_MPI is 0, or the program was started
/// without a launcher) there is one process and everything here is free of cost.
///
/// Every process calls the same functions in the same order. Sums are exact where all but one
/// process hold zeros, which is how parts of an array are put together.
///
/// Calls may come from any thread: MPI is entered by one at a time (MPI_THREAD_SERIALIZED).

#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "cardiomm/core/concepts.hpp"
#include "cardiomm/core/error.hpp"
#include "cardiomm/dist/launcher.hpp"

#ifndef CARDIOMM_HAS_MPI
#define CARDIOMM_HAS_MPI 0  // a library has to be linked as well, so it is never guessed
#endif
#if CARDIOMM_HAS_MPI
#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1  // the C interface is all that is used
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::dist {

/// Whether this program can run on several processes.
inline constexpr bool has_mpi = CARDIOMM_HAS_MPI != 0;

namespace detail {
/// Held while MPI is called.
inline std::mutex& mpi_guard() {
  static std::mutex one;
  return one;
}
using mpi_lock = std::lock_guard<std::mutex>;
}  // namespace detail

/// Processes that work together. Copies mean the same processes. All of them must end before the
/// `environment` does.
class communicator {
 public:
  /// This process alone.
  communicator() = default;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool first() const { return rank_ == 0; }

  /// Adds numbers over all processes, in place; the result is the same everywhere.
  void sum(double* values, index_t n) const { reduce(values, n, operation::sum); }
  /// Largest numbers of all processes, in place.
  void max(double* values, index_t n) const { reduce(values, n, operation::max); }
  /// Bitwise or over all processes, in place.
  void any(std::uint8_t* values, index_t n) const { reduce(values, n, operation::any); }
  void send(const double* values, index_t n, int to) const;
  void receive(double* values, index_t n, int from) const;
  /// The text of process `root`, on all.
  std::string broadcast(std::string text, int root = 0) const;
  /// The bytes of process `root`, on all, in place.
  void broadcast(void* bytes, index_t n, int root = 0) const;
  /// The processes 0 ... n - 1 on those; this process alone on the others.
  communicator first_of(int n) const;
  /// Processes on this machine.
  int here() const;
  /// Threads that each process of this machine may run so that together they fill it: the
  /// processors that the launcher left to them, shared out.
  int threads_each() const;
  /// Ends all processes at once; they do not clean up.
  [[noreturn]] void abort(int code) const;

 private:
  friend class environment;
  template <class T, ExecutionSpace Ex>
  friend class reduction;
  enum class operation { sum, max, any };
  template <class T>
  void reduce(T* values, index_t n, operation what) const;
  int rank_ = 0, size_ = 1;
#if CARDIOMM_HAS_MPI
  explicit communicator(MPI_Comm c, bool mine) {
    if (mine)
      handle_ = std::shared_ptr<MPI_Comm>(new MPI_Comm(c), [](MPI_Comm* p) {
        int ended = 0;
        MPI_Finalized(&ended);
        // freeing is for all together, which an error of one process is not
        if (!ended && std::uncaught_exceptions() == 0) MPI_Comm_free(p);
        delete p;
      });
    else
      handle_ = std::make_shared<MPI_Comm>(c);
    MPI_Comm_rank(c, &rank_);
    MPI_Comm_size(c, &size_);
  }
  /// f(first, count) for pieces that MPI's int counts can hold.
  template <class F>
  static void pieces(index_t n, F&& f) {
    constexpr index_t most = index_t(1) << 28;
    for (index_t i = 0; i < n; i += most) f(i, static_cast<int>(std::min(most, n - i)));
  }
  std::shared_ptr<MPI_Comm> handle_;
#endif
};

/// Starts MPI where the program was started by a launcher, and ends it. One object, which outlives
/// all communicators.
///
///     cardiomm::dist::environment processes;
///     const auto& all = processes.world();   // all.rank() of all.size()
class environment {
 public:
  /// Throws value_error where a launcher started several processes of a program without MPI, which
  /// would all do the same.
  environment() {
#if CARDIOMM_HAS_MPI
    int started = 0;
    MPI_Initialized(&started);
    if (!started && launched()) {
      int provided = 0;
      MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
      mine_ = true;
    }
    if (started || mine_) world_ = communicator(MPI_COMM_WORLD, false);
#else
    require(launched_processes() <= 1, "this program was built without MPI: expected one process, ",
            "found that the launcher started ", launched_processes());
#endif
  }
  ~environment() {
#if CARDIOMM_HAS_MPI
    if (mine_) MPI_Finalize();
#endif
  }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  const communicator& world() const { return world_; }

 private:
  communicator world_;
  [[maybe_unused]] bool mine_ = false;
};

#if CARDIOMM_HAS_MPI
template <class T>
void communicator::reduce(T* values, index_t n, operation what) const {
  if (size_ == 1) return;
  const MPI_Datatype type = std::is_same_v<T, double> ? MPI_DOUBLE : MPI_UINT8_T;
  const detail::mpi_lock alone(detail::mpi_guard());
  const MPI_Op op = what == operation::sum ? MPI_SUM : what == operation::max ? MPI_MAX : MPI_BOR;
  pieces(n, [&](index_t i, int count) {
    MPI_Allreduce(MPI_IN_PLACE, values + i, count, type, op, *handle_);
  });
}
inline void communicator::send(const double* values, index_t n, int to) const {
  const detail::mpi_lock alone(detail::mpi_guard());
  pieces(n,
         [&](index_t i, int count) { MPI_Send(values + i, count, MPI_DOUBLE, to, 0, *handle_); });
}
inline void communicator::receive(double* values, index_t n, int from) const {
  const detail::mpi_lock alone(detail::mpi_guard());
  pieces(n, [&](index_t i, int count) {
    MPI_Recv(values + i, count, MPI_DOUBLE, from, 0, *handle_, MPI_STATUS_IGNORE);
  });
}
inline std::string communicator::broadcast(std::string text, int root) const {
  if (size_ == 1) return text;
  long long length = static_cast<long long>(text.size());
  broadcast(&length, sizeof length, root);
  text.resize(static_cast<std::size_t>(length));
  broadcast(text.data(), length, root);
  return text;
}
inline void communicator::broadcast(void* bytes, index_t n, int root) const {
  if (size_ == 1) return;
  const detail::mpi_lock alone(detail::mpi_guard());
  pieces(n, [&](index_t i, int count) {
    MPI_Bcast(static_cast<char*>(bytes) + i, count, MPI_BYTE, root, *handle_);
  });
}
inline communicator communicator::first_of(int n) const {
  if (size_ == 1 || n >= size_) return *this;
  const detail::mpi_lock alone(detail::mpi_guard());
  MPI_Comm part = MPI_COMM_NULL;
  MPI_Comm_split(*handle_, rank_ < n ? 0 : MPI_UNDEFINED, rank_, &part);
  return part == MPI_COMM_NULL ? communicator() : communicator(part, true);
}
inline int communicator::here() const {
  if (size_ == 1) return 1;
  const detail::mpi_lock alone(detail::mpi_guard());
  MPI_Comm node;
  int n = 1;
  MPI_Comm_split_type(*handle_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &n);
  MPI_Comm_free(&node);
  return n;
}
inline int communicator::threads_each() const {
  cpu_set_t mine;
  CPU_ZERO(&mine);
  if (sched_getaffinity(0, sizeof mine, &mine) != 0)
    return std::max(1u, std::thread::hardware_concurrency());
  if (size_ == 1) return std::max(1, CPU_COUNT(&mine));
  const detail::mpi_lock alone(detail::mpi_guard());
  MPI_Comm node;
  MPI_Comm_split_type(*handle_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node);
  int here = 1;
  MPI_Comm_size(node, &here);
  cpu_set_t all = mine;
  MPI_Allreduce(MPI_IN_PLACE, &all, static_cast<int>(sizeof all), MPI_BYTE, MPI_BOR, node);
  MPI_Comm_free(&node);
  return std::max(1, std::min(CPU_COUNT(&mine), CPU_COUNT(&all) / here));
}
inline void communicator::abort(int code) const {
  if (size_ > 1) MPI_Abort(*handle_, code);
  std::_Exit(code);
}
#else
template <class T>
void communicator::reduce(T*, index_t, operation) const {}
inline void communicator::send(const double*, index_t, int) const {}
inline void communicator::receive(double*, index_t, int) const {}
inline std::string communicator::broadcast(std::string text, int) const { return text; }
inline void communicator::broadcast(void*, index_t, int) const {}
inline communicator communicator::first_of(int) const { return *this; }
inline int communicator::here() const { return 1; }
inline int communicator::threads_each() const {
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}
inline void communicator::abort(int code) const { std::_Exit(code); }
#endif

}  // namespace cardiomm::inline CARDIOMM_ABI::dist

#endif
