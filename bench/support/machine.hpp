// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_BENCH_SUPPORT_MACHINE_HPP
#define CARDIOMM_BENCH_SUPPORT_MACHINE_HPP
/// \file
/// What the machine can do, measured in the run that uses it: multiply-adds of all threads, and
/// bandwidth of memory. Both bound every kernel (Williams et al., Commun ACM 52, 2009, 65-76).

#include <algorithm>
#include <chrono>
#include <vector>

#include "cardiomm/core/tile.hpp"

namespace bench {

using ex_t = cardiomm::host_space;
using cardiomm::index_t;

/// Seconds of f() and the fence after it.
template <class F>
double seconds_of(const ex_t& ex, F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  ex.fence();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Independent chains of multiply-adds, none of which waits for another.
struct peak_kernel {
  static constexpr const char* name = "cardiomm::bench::peak";
  static constexpr int chains = 12, rounds = 100000;
  float* out;
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    L a[chains];
    CARDIOMM_UNROLL
    for (int i = 0; i < chains; ++i) a[i] = L(1.0f + static_cast<float>(i));
    const L x(0.999f), y(0.001f);
    for (int r = 0; r < rounds; ++r) {
      CARDIOMM_UNROLL
      for (int i = 0; i < chains; ++i) a[i] = a[i] * x + y;
    }
    L s = a[0];
    for (int i = 1; i < chains; ++i) s = s + a[i];
    out[tile.index()] = cardiomm::lane_traits<L>::sum(s);
  }
};

/// Float multiply-adds of all threads, flop/s; the best of ten, once a process.
inline double peak() {
  static const double found = [] {
    const ex_t ex;
    const index_t n = 4 * cardiomm::compat::concurrency(ex);
    std::vector<float> out(static_cast<std::size_t>(n));
    double best = 0;
    for (int i = 0; i < 10; ++i) {
      const double t = seconds_of(
          ex, [&] { cardiomm::launch::tiles<float>(ex, n, 1, peak_kernel{out.data()}); });
      const double flops = double(n) * peak_kernel::rounds * peak_kernel::chains * 2 *
                           cardiomm::lane_width<float, ex_t>;
      best = std::max(best, flops / t);
    }
    return best;
  }();
  return found;
}

struct triad_kernel {
  static constexpr const char* name = "cardiomm::bench::triad";
  float* a;
  const float* b;
  const float* c;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) a[i] = b[i] + 3.0f * c[i];
  }
};

/// Bytes per second of a = b + 3 c over three arrays of 96 MiB, 12 bytes a number (what the cache
/// reads before it writes is not counted); the best of ten, once a process.
inline double bandwidth() {
  static const double found = [] {
    const ex_t ex;
    const index_t n = index_t(24) << 20;
    const cardiomm::shape<1> s{{n}};
    const auto a = cardiomm::zeros<float>(ex, s), b = cardiomm::zeros<float>(ex, s),
               c = cardiomm::zeros<float>(ex, s);
    double best = 0;
    for (int i = 0; i < 10; ++i) {
      const double t = seconds_of(ex, [&] {
        cardiomm::launch::segments(ex, n, triad_kernel{a.data(), b.data(), c.data()});
      });
      best = std::max(best, 12.0 * double(n) / t);
    }
    return best;
  }();
  return found;
}

}  // namespace bench

#endif
