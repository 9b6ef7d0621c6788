// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_DIST_REDUCTION_HPP
#define CARDIOMM_DIST_REDUCTION_HPP
/// \file
/// Sums over all processes that go on while the program computes: gradients are summed range by
/// range while the rest of the backward pass still runs.
///
/// MPI moves data only inside its functions. A thread of its own therefore enters it every 100
/// microseconds; where the MPI library allows one thread only, the caller does so by `poll()`.

#ifdef _OPENMP
#include <omp.h>
#endif

#include <chrono>
#include <condition_variable>
#include <optional>
#include <thread>
#include <vector>

#include "cardiomm/core/tensor.hpp"
#include "cardiomm/dist/communicator.hpp"

namespace cardiomm::inline CARDIOMM_ABI::dist {

/// Whether the MPI library takes addresses of device memory: CARDIOMM_DEVICE_MPI=1 in the
/// environment says so (CUDA-aware builds of Open MPI, MPICH, Cray MPICH with
/// MPICH_GPU_SUPPORT_ENABLED=1). MPI has no portable question for it.
inline bool device_mpi() {
  const char* text = std::getenv("CARDIOMM_DEVICE_MPI");
  return text != nullptr && std::string(text) == "1";
}

namespace detail {
/// A thread starts with the processors of the one that made it, which OpenMP may have bound to a
/// single core that is busy computing. This lets the calling thread run on all of OpenMP's places.
inline void leave_place() {
#ifdef _OPENMP
  cpu_set_t all;
  CPU_ZERO(&all);
  for (int place = 0; place < omp_get_num_places(); ++place) {
    std::vector<int> processors(std::size_t(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, processors.data());
    for (const int p : processors)
      if (p >= 0 && p < CPU_SETSIZE) CPU_SET(p, &all);
  }
  if (CPU_COUNT(&all) > 0) (void)sched_setaffinity(0, sizeof all, &all);
#endif
}
}  // namespace detail

struct reduction_options {
  /// A thread that keeps MPI going; without it `poll` has to be called.
  bool thread = true;
  /// Seconds between its looks at MPI.
  double period = 100e-6;
  /// Through host memory (true) or straight from where the numbers lie (false). By default numbers
  /// that the host cannot reach are staged unless `device_mpi()`.
  std::optional<bool> staged = {};
};

/// In-place sums over all processes of ranges of one vector. All processes start the same ranges in
/// the same order. Every number is the sum of the processes' numbers, with the same bits on all of
/// them. One process: nothing happens, and nothing is allocated.
///
///     dist::reduction sums(ex, processes, gradients);
///     sums.start(500, 1000);     // these numbers are complete here
///     ...                        // more computation, which leaves them alone
///     sums.wait();               // all that were started are sums
template <class T, ExecutionSpace Ex>
class reduction {
  using real = real_of<T>;
  static_assert(std::is_same_v<real, float> || std::is_same_v<real, double>,
                "cardiomm: sums over processes are of float or double, or complex numbers of them");

 public:
  /// Over `values`, which outlive this object.
  reduction(const Ex& ex, const communicator& all, const view<T, 1, Ex>& values,
            const reduction_options& options = {})
      : ex_(ex), all_(all), values_(values), options_(options) {
    constexpr bool reachable =
        Kokkos::SpaceAccessibility<Kokkos::HostSpace, typename Ex::memory_space>::accessible;
    if (all.size() == 1) return;
    if (options.staged.value_or(!reachable && !device_mpi()))
      stage_ = stage(Kokkos::view_alloc(Kokkos::WithoutInitializing, "cardiomm::dist::stage"),
                     values.extent(0));
#if CARDIOMM_HAS_MPI
    int level = MPI_THREAD_SINGLE;
    MPI_Query_thread(&level);
    if (options.thread && level >= MPI_THREAD_SERIALIZED) worker_ = std::thread([this] { work(); });
#endif
  }
  ~reduction() {
#if CARDIOMM_HAS_MPI
    // after an error of one process nobody may wait for the others
    if (std::uncaught_exceptions() == 0) wait();
    {
      const detail::mpi_lock alone(detail::mpi_guard());
      stop_ = true;
    }
    wake_.notify_all();
    if (worker_.joinable()) worker_.join();
#endif
  }
  reduction(const reduction&) = delete;
  reduction& operator=(const reduction&) = delete;

  /// Starts the sum of the numbers first ... last - 1, of which nobody may write or read one until
  /// `wait`. Waits for what was started on the execution space, because MPI does not.
  void start(index_t first, index_t last) {
    require<shape_error>(first >= 0 && first <= last && last <= index_t(values_.extent(0)),
                         "reduction: expected a range within 0 to ", values_.extent(0), ", found ",
                         first, " to ", last);
    if (all_.size() == 1 || first == last) return;
#if CARDIOMM_HAS_MPI
    T* data = values_.data();
    if (stage_.data()) {
      const auto range = Kokkos::make_pair(first, last);
      Kokkos::deep_copy(ex_, Kokkos::subview(stage_, range), Kokkos::subview(values_, range));
      data = stage_.data();
      staged_.push_back({first, last});
    }
    ex_.fence();
    constexpr index_t reals = index_t(sizeof(T) / sizeof(real));
    {
      const detail::mpi_lock alone(detail::mpi_guard());
      communicator::pieces((last - first) * reals, [&](index_t i, int count) {
        MPI_Iallreduce(MPI_IN_PLACE, reinterpret_cast<real*>(data + first) + i, count,
                       std::is_same_v<real, float> ? MPI_FLOAT : MPI_DOUBLE, MPI_SUM, *all_.handle_,
                       &requests_.emplace_back());
      });
    }
    wake_.notify_all();
#endif
  }

  /// Lets MPI go on. True where all that was started is done.
  bool poll() {
#if CARDIOMM_HAS_MPI
    const detail::mpi_lock alone(detail::mpi_guard());
    return test();
#else
    return true;
#endif
  }

  /// Until all that was started is done.
  void wait() {
#if CARDIOMM_HAS_MPI
    if (all_.size() == 1) return;
    {
      const detail::mpi_lock alone(detail::mpi_guard());
      if (!requests_.empty())
        MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
      requests_.clear();
    }
    for (const auto& [first, last] : staged_) {
      const auto range = Kokkos::make_pair(first, last);
      Kokkos::deep_copy(ex_, Kokkos::subview(values_, range), Kokkos::subview(stage_, range));
    }
    if (!staged_.empty()) ex_.fence();  // the next start writes to the stage
    staged_.clear();
#endif
  }

  /// Whether a thread keeps MPI going, so that `poll` is not needed.
  bool threaded() const { return worker_.joinable(); }

 private:
  // Memory that the device copies from and to without a detour.
#if defined(KOKKOS_ENABLE_CUDA)
  using stage_space = Kokkos::CudaHostPinnedSpace;
#else
  using stage_space = Kokkos::HostSpace;
#endif
  using stage = Kokkos::View<T*, Kokkos::LayoutRight, stage_space>;

#if CARDIOMM_HAS_MPI
  bool test() {
    int done = 1;
    if (!requests_.empty())
      MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE);
    if (done) requests_.clear();
    return done != 0;
  }
  void work() {
    detail::leave_place();
    std::unique_lock<std::mutex> alone(detail::mpi_guard());
    while (!stop_) {
      if (test()) {
        wake_.wait(alone, [this] { return stop_ || !requests_.empty(); });
        continue;
      }
      alone.unlock();
      std::this_thread::sleep_for(std::chrono::duration<double>(options_.period));
      alone.lock();
    }
  }
  std::vector<MPI_Request> requests_;  // what is under way
  std::condition_variable wake_;
  bool stop_ = false;
#endif
  Ex ex_;
  communicator all_;
  view<T, 1, Ex> values_;
  reduction_options options_;
  stage stage_;
  std::vector<std::pair<index_t, index_t>> staged_;
  std::thread worker_;
};

/// The numbers of process `root`, on all.
template <ExecutionSpace Ex, TensorView V>
void broadcast(const Ex& ex, const communicator& all, const V& values, int root = 0) {
  if (all.size() == 1) return;
  const auto here = Kokkos::create_mirror_view(values);
  Kokkos::deep_copy(ex, here, values);
  ex.fence();
  all.broadcast(static_cast<void*>(here.data()),
                static_cast<index_t>(here.size() * sizeof(element_of<V>)), root);
  Kokkos::deep_copy(ex, values, here);
  ex.fence();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::dist

#endif
