// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_SUPPORT_REPLACE_NEW_HPP
#define CARDIOMM_TESTS_SUPPORT_REPLACE_NEW_HPP
/// \file
/// Operator new that counts its calls. For one translation unit of a program: main.cpp. Sanitizers
/// bring their own, so there the count stays zero.

#include <cstdlib>
#include <new>

#include "support/counters.hpp"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Not inlined: the compiler would pair malloc with operator delete and warn.
[[gnu::noinline]] void* operator new(std::size_t n) {
  ++cardiomm_tests::news;
  if (void* p = std::malloc(n ? n : 1)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif

#endif
