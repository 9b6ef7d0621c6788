// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_CASORATI_THRESHOLD_HPP
#define CARDIOMM_LA_CASORATI_THRESHOLD_HPP
/// \file
/// Singular value soft-thresholding of few tall matrices with many rows and few columns, such as
/// the Casorati matrix of a whole series, (pixels, frames).
///
/// Three launches: the Gram matrix of the columns, by chunks of rows and in double; its
/// eigenvectors v_k and the matrix M = sum_k max(0, 1 - t / s_k) v_k v_k^H, a matrix for a thread;
/// X M. The data are read twice and written once. Memory: a Gram matrix for every chunk of 32 at
/// most.

#include "cardiomm/la/block_threshold.hpp"

namespace cardiomm::inline CARDIOMM_ABI::la {

namespace detail {

/// Gram matrices, lower halves, of groups of chunks.
template <class C, ExecutionSpace Ex>
struct casorati_gram_kernel {
  static constexpr const char* name = "cardiomm::la::casorati_gram";
  using L = lane<double, Ex>;
  using products = block_products<L>;
  const C* in;
  block_grid chunks;   ///< batch: arrays
  index_t groups;      ///< of every matrix
  index_t per_matrix;  ///< chunks of a matrix
  double* partial;     ///< (matrix, group, element)
  double* room;
  index_t first;

  static index_t stride(const block_grid& g) { return products::padded_rows(g.pixels()); }
  static index_t scratch(const block_grid& g) {
    const index_t n = g.columns;
    return 2 * (products::padded_columns(n) + 1) * stride(g) + n * (n + 1);
  }
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    work(tile.index(), tile.scratch());
  }
  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t, index_t) const {
    const index_t n = chunks.columns, rows = products::padded_rows(chunks.pixels());
    work(first + item, room + item * (2 * (products::padded_columns(n) + 1) * rows + n * (n + 1)));
  }

 private:
  KOKKOS_INLINE_FUNCTION void work(index_t item, double* p) const {
    const index_t matrix = item / groups, group = item % groups, n = chunks.columns;
    const index_t rows = products::padded_rows(chunks.pixels());
    const block_access<C, L> access{chunks, true};
    double *row = p + 2 * products::padded_columns(n) * rows, *g = row + 2 * rows;
    double* sum = partial + item * n * (n + 1);
    for (index_t i = 0; i < n * (n + 1); ++i) sum[i] = 0;
    for (index_t i = 2 * n * rows; i < 2 * products::padded_columns(n) * rows; ++i) p[i] = 0;
    for (index_t c = per_matrix * group / groups; c < per_matrix * (group + 1) / groups; ++c) {
      access.gather(in, matrix * per_matrix + c, 1, p, rows, row);
      products::gram(p, n, rows, g, 1);
      for (index_t i = 0; i < n * (n + 1); ++i) sum[i] += g[i];
    }
  }
};

/// From partial Gram matrices to M, and the sum of the singular values.
template <class C>
struct casorati_factor_kernel {
  static constexpr const char* name = "cardiomm::la::casorati_factor";
  using T = real_of<C>;
  using eigen = packet_eigen<double>;
  const double* partial;
  T* mix;  ///< (matrix, n, n), re and im in turn; null: only the sums are wanted
  double* sums;
  double* room;
  index_t n, groups;
  double t;

  KOKKOS_INLINE_FUNCTION void operator()(index_t matrix, index_t, index_t) const {
    const eigen problem(n, room + matrix * eigen::scratch(n, mix != nullptr), mix != nullptr);
    for (index_t i = 0; i < n * (n + 1); ++i) {
      double sum = 0;
      for (index_t g = 0; g < groups; ++g) sum += partial[(matrix * groups + g) * n * (n + 1) + i];
      problem.a[i] = sum;
    }
    if (mix == nullptr) {
      problem.template solve<false>();
      double sum = 0;
      for (index_t i = 0; i < n; ++i) sum += problem.d[i] > 0 ? math::sqrt(problem.d[i]) : 0;
      sums[matrix] = sum;
      return;
    }
    problem.template solve<true>();
    const double limit = t * t;
    index_t kept = 0;
    problem.vectors(&limit, &kept);
    T* m = mix + matrix * 2 * n * n;
    for (index_t i = 0; i < 2 * n * n; ++i) m[i] = T(0);
    index_t k = 0;
    for (index_t e = 0; e < n; ++e) {
      if (!(problem.d[e] > limit)) continue;
      const double f = 1 - t / math::sqrt(problem.d[e]);
      const double* v = problem.u + 2 * n * k++;
      for (index_t i = 0; i < n; ++i)
        for (index_t j = 0; j < n; ++j) {
          m[2 * (i * n + j)] += T(f * (v[2 * i] * v[2 * j] + v[2 * i + 1] * v[2 * j + 1]));
          m[2 * (i * n + j) + 1] += T(f * (v[2 * i + 1] * v[2 * j] - v[2 * i] * v[2 * j + 1]));
        }
    }
  }
};

/// A chunk times M.
template <class C, ExecutionSpace Ex>
struct casorati_mix_kernel {
  static constexpr const char* name = "cardiomm::la::casorati_mix";
  using T = real_of<C>;
  using L = lane<T, Ex>;
  using products = block_products<L>;
  const C* in;
  C* out;
  block_grid chunks;
  index_t per_matrix;
  const T* mix;
  T* room;
  index_t first;

  static KOKKOS_INLINE_FUNCTION index_t scratch(const block_grid& g) {
    return 2 * (2 * g.columns + 1) * products::padded_rows(g.pixels());
  }
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    work(tile.index(), tile.scratch());
  }
  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t, index_t) const {
    work(first + item, room + item * scratch(chunks));
  }

 private:
  KOKKOS_INLINE_FUNCTION void work(index_t chunk, T* p) const {
    const index_t n = chunks.columns, rows = products::padded_rows(chunks.pixels());
    const block_access<C, L> access{chunks, true};
    T *row = p, *x = row + 2 * rows, *y = x + 2 * n * rows;
    access.gather(in, chunk, 1, x, rows, row);
    products::multiply(x, n, mix + chunk / per_matrix * 2 * n * n, n, y, rows);
    access.scatter(y, rows, out, chunk, row);
  }
};

/// Images (frame, slice, y, x) in chunks of rows of about 256 pixels.
inline block_grid casorati_chunks(const shape<4>& s) {
  const index_t lines = 256 / s[3];
  return image_blocks(s, lines > 0 ? lines : 1, s[3] < 512 ? s[3] : 256);
}

/// Thresholds to `out`, or returns the sum of the singular values where `out` is null (waits).
template <class C, ExecutionSpace Ex>
double casorati(const Ex& ex, const shape<4>& s, const C* in, C* out, double t, bool joint) {
  using gram = casorati_gram_kernel<C, Ex>;
  using factor = casorati_factor_kernel<C>;
  using mix = casorati_mix_kernel<C, Ex>;
  const block_grid chunks = casorati_chunks(s);
  const index_t matrices = joint ? 1 : s[1], n = s[0], per_matrix = chunks.count() / matrices;
  const index_t most = launch::on_host<Ex> ? 32 : 512,
                groups = per_matrix < most ? per_matrix : most;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  auto* partial = scratch.template take<double>(matrices * groups * n * (n + 1));
  auto* room = scratch.template take<double>(matrices * factor::eigen::scratch(n, out != nullptr));
  auto* sums = scratch.template take<double>(matrices);
  auto* m = out == nullptr ? nullptr : scratch.template take<real_of<C>>(2 * matrices * n * n);
  launch_with_room<double>(ex, matrices * groups, gram::scratch(chunks),
                           gram{in, chunks, groups, per_matrix, partial, nullptr, 0});
  launch::rows(ex, matrices, 1, factor{partial, m, sums, room, n, groups, t});
  if (out != nullptr) {
    launch_with_room<real_of<C>>(ex, chunks.count(), mix::scratch(chunks),
                                 mix{in, out, chunks, per_matrix, m, nullptr, 0});
    return 0;
  }
  ex.fence();
  const auto host = to_host(borrow(ex, sums, shape{matrices}));
  double sum = 0;
  for (index_t i = 0; i < matrices; ++i) sum += host(static_cast<std::size_t>(i));
  return sum;
}

}  // namespace detail

/// out = images (frame, slice, y, x) whose Casorati matrices (pixel, frame) have the singular
/// values max(s - t, 0): one matrix of all pixels, or one for every slice. in and out may be the
/// same. Does not wait. Throws value_error where t is negative.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
void threshold_casorati(const Ex& ex, const X& in, const Y& out, double t, bool joint = true) {
  static_assert(rank_of<X> == 4 && rank_of<Y> == 4 && std::is_same_v<element_of<X>, element_of<Y>>);
  require(t >= 0, "threshold_casorati: expected a threshold of at least 0, found ", t);
  require<shape_error>(shape_of(in) == shape_of(out),
                       "threshold_casorati: expected equal shapes, found ", shape_of(in), " and ",
                       shape_of(out));
  if (in.size() == 0) return;
  detail::casorati<element_of<Y>>(ex, shape_of(in), in.data(), out.data(), t, joint);
}

/// Sum of the singular values of those matrices (waits).
template <ExecutionSpace Ex, TensorView X>
double nuclear_norm_of_casorati(const Ex& ex, const X& in, bool joint = true) {
  static_assert(rank_of<X> == 4);
  using C = element_of<X>;
  if (in.size() == 0) return 0;
  return detail::casorati<C>(ex, shape_of(in), in.data(), static_cast<C*>(nullptr), 0, joint);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::la

#endif
