// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_COUNTERS_HPP
#define CARDIOMM_TESTS_SUPPORT_COUNTERS_HPP
/// \file
/// Counts what must not happen inside an iteration: allocations and deep copies of Kokkos and
/// fences, through the callbacks of Kokkos Tools, and calls of operator new (replaced in main.cpp).

#include <atomic>
#include <ostream>

#include "cardiomm/core/compat.hpp"

namespace cardiomm_tests {

/// Calls of operator new since the start of the program.
inline std::atomic<long> news{0};

struct event_counts {
  long allocations = 0, deallocations = 0, deep_copies = 0, fences = 0, news = 0;
  bool none() const { return !(allocations || deallocations || deep_copies || fences || news); }
  friend std::ostream& operator<<(std::ostream& out, const event_counts& c) {
    return out << "allocations " << c.allocations << ", deallocations " << c.deallocations
               << ", deep copies " << c.deep_copies << ", fences " << c.fences << ", operator new "
               << c.news;
  }
};
inline event_counts kokkos_events;

/// Runs f twice: once under the callbacks, once under the replaced operator new (the callbacks'
/// own machinery may allocate), and returns what was counted.
template <class F>
event_counts count_events(F&& f) {
  namespace tools = Kokkos::Tools::Experimental;
  kokkos_events = {};
  tools::set_allocate_data_callback([](Kokkos_Profiling_SpaceHandle, const char*, const void*,
                                       uint64_t) { ++kokkos_events.allocations; });
  tools::set_deallocate_data_callback([](Kokkos_Profiling_SpaceHandle, const char*, const void*,
                                         uint64_t) { ++kokkos_events.deallocations; });
  tools::set_begin_deep_copy_callback([](Kokkos_Profiling_SpaceHandle, const char*, const void*,
                                         Kokkos_Profiling_SpaceHandle, const char*, const void*,
                                         uint64_t) { ++kokkos_events.deep_copies; });
  tools::set_begin_fence_callback([](const char*, uint32_t, uint64_t*) { ++kokkos_events.fences; });
  f();
  tools::set_allocate_data_callback(nullptr);
  tools::set_deallocate_data_callback(nullptr);
  tools::set_begin_deep_copy_callback(nullptr);
  tools::set_begin_fence_callback(nullptr);
  event_counts counts = kokkos_events;
  const long before = news;
  f();
  counts.news = news - before;
  return counts;
}

}  // namespace cardiomm_tests

#endif
