// SPDX-License-Identifier: Apache-2.0
/// \file
/// Counts allocations: of the host by replacing operator new, of Kokkos by a callback of its tools.
/// For one translation unit of a program.
#pragma once

#include <Kokkos_Core.hpp>
#include <atomic>
#include <cstdlib>
#include <new>

inline std::atomic<long> allocations{0};

inline void count_allocations_of_kokkos() {
  Kokkos::Tools::Experimental::set_allocate_data_callback(
      [](Kokkos_Profiling_SpaceHandle, const char*, const void*, std::uint64_t) { ++allocations; });
}

// Not inlined: the compiler would pair malloc with operator delete and warn.
[[gnu::noinline]] void* operator new(std::size_t n) {
  ++allocations;
  if (void* p = std::malloc(n ? n : 1)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
