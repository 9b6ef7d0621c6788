// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_CHANNEL_SUMS_HPP
#define CARDIOMM_NN_CHANNEL_SUMS_HPP
/// \file
/// Sums over the pixels of features, one for each (item, channel): packets along the channels, runs
/// of 16 pixels in the features' precision, everything else in double. Parts have fixed bounds and
/// are added in their order, so that the result does not depend on the number of threads.

#include "cardiomm/nn/concept.hpp"
#include "cardiomm/nn/packets.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

namespace detail {

inline constexpr index_t sum_run = 16;    ///< pixels that are added before they become double
inline constexpr index_t sum_part = 128;  ///< pixels of a part

/// Rows are parts of items, columns channels.
template <class T, class Term, ExecutionSpace Ex>
struct part_sums {
  static constexpr const char* name = "cardiomm::nn::part_sums";
  static constexpr int count = Term::count;
  Term term;
  double* partial;  // (item, part, count, channel)
  index_t pixels, parts, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t item = row / parts, p0 = (row - item * parts) * sum_part;
    const index_t p1 = p0 + sum_part < pixels ? p0 + sum_part : pixels;
    packets<T, Ex>(first, last, [&](auto tag, index_t c) {
      using L = typename decltype(tag)::type;
      using traits = lane_traits<L>;
      constexpr int W = traits::width;
      double total[count][W] = {};
      for (index_t run = p0; run < p1; run += sum_run) {
        const index_t stop = run + sum_run < p1 ? run + sum_run : p1;
        L sum[count];
        for (int k = 0; k < count; ++k) sum[k] = L(T(0));
        for (index_t p = run; p < stop; ++p)
          term.add(sum, item, (item * pixels + p) * channels + c, c);
        for (int k = 0; k < count; ++k) {
          T part[W];
          traits::store(part, sum[k]);
          for (int j = 0; j < W; ++j) total[k][j] += double(part[j]);
        }
      }
      for (int k = 0; k < count; ++k)
        for (int j = 0; j < W; ++j) partial[(row * count + k) * channels + c + j] = total[k][j];
    });
  }
};
/// Rows are items, columns (count, channel).
struct join_sums {
  static constexpr const char* name = "cardiomm::nn::join_sums";
  const double* partial;
  double* out;
  index_t parts, width;
  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) out[item * width + i] = 0;
    for (index_t part = 0; part < parts; ++part)
      for (index_t i = first; i < last; ++i)
        out[item * width + i] += partial[(item * parts + part) * width + i];
  }
};

/// Sums to means in the features' precision.
template <class T>
struct mean_of_sums {
  static constexpr const char* name = "cardiomm::nn::mean_of_sums";
  const double* sums;
  double pixels;
  T* mean;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) mean[i] = T(sums[i] / pixels);
  }
};
/// x
template <class T>
struct sum_of_values {
  static constexpr int count = 1;
  const T* x;
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION void add(L* sum, index_t, index_t at, index_t) const {
    sum[0] = sum[0] + lane_traits<L>::load(x + at);
  }
};
/// a b
template <class T>
struct sum_of_products {
  static constexpr int count = 1;
  const T* a;
  const T* b;
  template <class L>
  KOKKOS_FORCEINLINE_FUNCTION void add(L* sum, index_t, index_t at, index_t) const {
    using traits = lane_traits<L>;
    sum[0] = traits::fma(traits::load(a + at), traits::load(b + at), sum[0]);
  }
};
}  // namespace detail

/// Sums of features (items, pixels, channels) over their pixels. `term.add(L* sum, item, at, c)`
/// adds to sum[0 .. Term::count) the terms of the packet L of numbers that starts at channel c,
/// number `at` of the features. out: (item, Term::count, channel) in the memory of the space.
template <class T, ExecutionSpace Ex, class Term>
void channel_sums(const Ex& ex, index_t items, index_t pixels, index_t channels, const Term& term,
                  double* out) {
  const index_t parts = (pixels + detail::sum_part - 1) / detail::sum_part;
  const index_t width = Term::count * channels;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  double* partial = scratch.template take<double>(items * parts * width);
  launch::rows(ex, items * parts, channels,
               detail::part_sums<T, Term, Ex>{term, partial, pixels, parts, channels});
  launch::rows(ex, items, width, detail::join_sums{partial, out, parts, width});
}

/// out[item, c] = sum of the channel over the item's pixels.
template <ExecutionSpace Ex, TensorView X>
void channel_sums(const Ex& ex, const X& x, double* out) {
  using T = element_of<X>;
  const auto s = shape_of(x);
  constexpr int R = rank_of<X>;
  const index_t items = s[0], channels = s[R - 1];
  const index_t all = items * channels;
  channel_sums<T>(ex, items, all > 0 ? static_cast<index_t>(x.size()) / all : 0, channels,
                  detail::sum_of_values<T>{x.data()}, out);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
