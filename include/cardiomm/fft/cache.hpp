// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_CACHE_HPP
#define CARDIOMM_FFT_CACHE_HPP
/// \file
/// Plans shared by everybody who asks for the same transform on the same execution space instance.
/// Operators keep what `cached_plan` returns; a Kokkos finalize hook drops the cache's own hold.

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "cardiomm/fft/plan.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

namespace detail {

template <class T, int R, class Ex>
struct plan_cache {
  using key = decltype(std::make_tuple(std::uint32_t(), std::declval<spec<R>>().key(), backend(),
                                       effort()));
  std::mutex guard;
  std::map<key, std::shared_ptr<const plan<T, R, Ex>>> plans;
  bool hooked = false;

  static plan_cache& instance() {
    static plan_cache c;
    return c;
  }
};

}  // namespace detail

/// The plan for `what` on the instance `ex`: made at the first call, the same object afterwards.
/// Safe from several threads.
template <class T, int R, ExecutionSpace Ex>
std::shared_ptr<const plan<T, R, Ex>> cached_plan(const Ex& ex, const spec<R>& what,
                                                  backend choice = backend::automatic) {
  what.check();
  auto& cache = detail::plan_cache<T, R, Ex>::instance();
  const std::lock_guard<std::mutex> lock(cache.guard);
  if (!cache.hooked) {
    Kokkos::push_finalize_hook([] {
      auto& c = detail::plan_cache<T, R, Ex>::instance();
      const std::lock_guard<std::mutex> l(c.guard);
      c.plans.clear();
      c.hooked = false;
    });
    cache.hooked = true;
  }
  auto& slot = cache.plans[{compat::instance_id(ex), what.key(), choice, current_effort()}];
  if (!slot) slot = std::make_shared<const plan<T, R, Ex>>(ex, what, choice);
  return slot;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
