// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_PAGES_HPP
#define CARDIOMM_CORE_PAGES_HPP
/// \file
/// Large blocks of fresh host memory in large pages: a series of k-space has tens of thousands of
/// small ones, and the first touch of each is a call of the system's.

#include <cstddef>
#include <cstdint>

#include "cardiomm/core/config.hpp"
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::detail {

/// Asks for large pages in [p, p + bytes), before the first touch. Only a wish: where the system
/// has none to give nothing happens. Whole large pages only, so that no memory is added.
inline void prefer_large_pages([[maybe_unused]] void* p, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr std::uintptr_t page = std::uintptr_t(2) << 20;
  if (bytes < 2 * page) return;
  const auto begin = (reinterpret_cast<std::uintptr_t>(p) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(p) + bytes) / page * page;
  if (begin < end) (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

}  // namespace cardiomm::inline CARDIOMM_ABI::detail

#endif
