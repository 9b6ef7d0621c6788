// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LA_BLOCK_THRESHOLD_HPP
#define CARDIOMM_LA_BLOCK_THRESHOLD_HPP
/// \file
/// Singular value soft-thresholding of many small matrices that are blocks of larger arrays:
/// X = U S V^H becomes U max(S - t, 0) V^H (Cai, Candes and Shen 2010), from array to array in one
/// kernel.
///
/// With V_k, the right singular vectors of the values that exceed t, it is sum_k (X V_k) (1 - t /
/// |X V_k|) V_k^H: the smaller Gram matrix of the block, its eigenvectors for a packet of blocks at
/// a time (detail/packet_eigen.hpp), and two thin products. Blocks whose Gram matrix has a norm of
/// at most t^2 vanish without an eigenproblem. Blocks are worked on in scratch of some hundred
/// kilobytes a thread; a block is read and written once.
///
/// Accuracy: the Gram matrix squares the condition. A rounding error of eps s_1^2 in it changes the
/// result by eps s_1^2 / (2 t) at most, s_1 the largest singular value. In single precision, blocks
/// with t < s_1 / 100 are therefore worked on in double: errors stay below 2e-5 s_1.
/// A block's result does not depend on the other blocks or on the number of threads.

#include "cardiomm/la/block_grid.hpp"
#include "cardiomm/la/detail/block_gram.hpp"
#include "cardiomm/la/detail/packet_eigen.hpp"

namespace cardiomm::inline CARDIOMM_ABI::la {

namespace detail {

/// Gathers blocks to planes and scatters them back. C numbers of the array, L packets of the
/// working precision.
template <class C, class L>
struct block_access {
  using lanes = lane_traits<L>;
  using E = typename lanes::real;
  using T = real_of<C>;
  static constexpr index_t W = lanes::width;
  static constexpr bool fast = std::is_same_v<E, T> && is_complex<C> && W > 1;

  block_grid g;
  bool tall;  ///< planes are the columns of the block, else its pixels

  struct place {
    index_t base, y0, x0, h, w;
  };
  KOKKOS_INLINE_FUNCTION place at(index_t b) const {
    const index_t across = g.across(), down = g.down();
    const index_t bx = b % across * g.bx, by = b / across % down * g.by;
    place p{};
    p.base = b / (across * down) * g.batch_stride;
    p.h = g.ny - by < g.by ? g.ny - by : g.by;
    p.w = g.nx - bx < g.bx ? g.nx - bx : g.bx;
    p.y0 = (by + g.sy) % g.ny;
    p.x0 = (bx + g.sx) % g.nx;
    return p;
  }

  /// f(pixel of the block, offset, run) for runs of neighbouring pixels
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void runs(const place& p, const F& f) const {
    const index_t first = g.nx - p.x0 < p.w ? g.nx - p.x0 : p.w;
    for (index_t dy = 0; dy < p.h; ++dy) {
      const index_t y = p.y0 + dy < g.ny ? p.y0 + dy : p.y0 + dy - g.ny;
      const index_t row = p.base + y * g.y_stride;
      f(dy * p.w, row + p.x0 * g.x_stride, first);
      if (first < p.w) f(dy * p.w + first, row, p.w - first);
    }
  }

  static KOKKOS_FORCEINLINE_FUNCTION void copy(const E* from, E* to, index_t n) {
    index_t i = 0;
    for (; i + W <= n; i += W) lanes::store(to + i, lanes::load(from + i));
    for (; i < n; ++i) to[i] = from[i];
  }

  /// planes = scale * block; `row` is scratch of two planes
  KOKKOS_INLINE_FUNCTION void gather(const C* in, index_t b, E scale, E* planes, index_t stride,
                                     E* row) const {
    const place p = at(b);
    if constexpr (fast) {
      if (tall && g.x_stride == 1) {
        for (index_t i = 2 * p.h * p.w; i < 2 * stride; ++i) row[i] = E(0);
        const L s(scale);
        for (index_t f = 0; f < g.columns; ++f) {
          const C* column = in + f * g.column_stride;
          runs(p, [&](index_t pixel, index_t offset, index_t run) {
            copy(reinterpret_cast<const E*>(column + offset), row + 2 * pixel, 2 * run);
          });
          E* re = planes + 2 * f * stride;
          for (index_t r = 0; r < stride; r += W) {
            L x = lanes::load(row + 2 * r), y = lanes::load(row + 2 * r + W);
            launch::detail::deinterleave(x, y);
            lanes::store(re + r, s * x);
            lanes::store(re + stride + r, s * y);
          }
        }
        return;
      }
    }
    (void)row;
    const index_t used = tall ? p.h * p.w : g.columns, count = tall ? g.columns : p.h * p.w;
    for (index_t k = 0; k < 2 * count; ++k)
      for (index_t i = used; i < stride; ++i) planes[k * stride + i] = E(0);
    for (index_t k = 2 * count * stride; k < 2 * planes_of() * stride; ++k) planes[k] = E(0);
    for (index_t f = 0; f < g.columns; ++f)
      runs(p, [&](index_t pixel, index_t offset, index_t run) {
        const C* from = in + f * g.column_stride + offset;
        for (index_t i = 0; i < run; ++i) {
          const index_t k = tall ? f : pixel + i, r = tall ? pixel + i : f;
          const C v = from[i * g.x_stride];
          planes[2 * k * stride + r] = scale * E(real_part(v));
          planes[(2 * k + 1) * stride + r] = scale * E(imag_part(v));
        }
      });
  }

  KOKKOS_INLINE_FUNCTION void scatter(const E* planes, index_t stride, C* out, index_t b,
                                      E* row) const {
    const place p = at(b);
    if constexpr (fast) {
      if (tall && g.x_stride == 1) {
        for (index_t f = 0; f < g.columns; ++f) {
          const E* re = planes + 2 * f * stride;
          for (index_t r = 0; r < stride; r += W) {
            L x = lanes::load(re + r), y = lanes::load(re + stride + r);
            launch::detail::interleave(x, y);
            lanes::store(row + 2 * r, x);
            lanes::store(row + 2 * r + W, y);
          }
          C* column = out + f * g.column_stride;
          runs(p, [&](index_t pixel, index_t offset, index_t run) {
            copy(row + 2 * pixel, reinterpret_cast<E*>(column + offset), 2 * run);
          });
        }
        return;
      }
    }
    (void)row;
    for (index_t f = 0; f < g.columns; ++f)
      runs(p, [&](index_t pixel, index_t offset, index_t run) {
        C* to = out + f * g.column_stride + offset;
        for (index_t i = 0; i < run; ++i) {
          const index_t k = tall ? f : pixel + i, r = tall ? pixel + i : f;
          to[i * g.x_stride] = make_scalar<C>(double(planes[2 * k * stride + r]),
                                              double(planes[(2 * k + 1) * stride + r]));
        }
      });
  }

  KOKKOS_INLINE_FUNCTION void fill(C* out, index_t b, C value) const {
    for (index_t f = 0; f < g.columns; ++f)
      runs(at(b), [&](index_t, index_t offset, index_t run) {
        C* to = out + f * g.column_stride + offset;
        for (index_t i = 0; i < run; ++i) to[i * g.x_stride] = value;
      });
  }

  /// Planes of a block.
  KOKKOS_INLINE_FUNCTION index_t planes_of() const { return tall ? g.columns : g.pixels(); }
};

/// The work on a series of blocks in one precision. Scratch: a packet of blocks as planes, their
/// eigenproblem, and one block between the two products.
template <class C, class L>
struct block_worker {
  using lanes = lane_traits<L>;
  using E = typename lanes::real;
  using products = block_products<L>;
  using eigen = packet_eigen<L>;
  static constexpr index_t W = lanes::width;
  /// Above this norm of G / t^2 single precision does not do.
  static constexpr E most = sizeof(E) == 4 ? E(1e4) : E(__builtin_huge_val());

  block_access<C, L> access;
  index_t n, stride, each;

  KOKKOS_INLINE_FUNCTION explicit block_worker(const block_grid& g) {
    const index_t pixels = g.pixels();
    access.g = g;
    access.tall = g.columns <= pixels;
    n = access.tall ? g.columns : pixels;
    stride = products::padded_rows(access.tall ? pixels : g.columns);
    each = 2 * products::padded_columns(n) * stride;
  }
  KOKKOS_INLINE_FUNCTION index_t scratch() const {
    return (W + 1) * each + 2 * n * n + 2 * stride + W + eigen::scratch(n, true) + 32;
  }

  /// Thresholds blocks at(0) ... at(count - 1); those that need more precision go to `refused`,
  /// whose number is returned.
  template <class At>
  KOKKOS_INLINE_FUNCTION index_t threshold(const C* in, C* out, double t, index_t count,
                                           const At& block_at, E* room, index_t* refused) const {
    E* planes = room;
    E* middle = planes + W * each;
    E* row = middle + each;
    E* limit = row + 2 * stride;
    E* factors = limit + W;  // of the products
    const eigen problem(n, factors + 2 * n * n, true);
    const E scale = E(1 / t);
    index_t blocks[W], filled = 0, left = 0;
    for (index_t i = 2 * n * stride; i < each; ++i)
      for (index_t w = 0; w < W; ++w) planes[w * each + i] = E(0);
    for (index_t i = 0; i <= count; ++i) {
      if (i == count || filled == W) {
        if (filled > 0) flush(out, t, problem, planes, middle, row, limit, factors, blocks, filled);
        filled = 0;
        if (i == count) break;
      }
      const index_t b = block_at(i);
      E* own = planes + filled * each;
      access.gather(in, b, scale, own, stride, row);
      const E norm = products::gram(own, n, stride, problem.a + filled, W);
      if (norm <= E(1)) {
        access.fill(out, b, C(0));
      } else if (!(norm < most)) {
        if constexpr (sizeof(E) == 4)
          refused[left++] = b;
        else
          access.fill(out, b, make_scalar<C>(double(norm) - double(norm), 0));  // NaN or Inf inside
      } else {
        limit[filled] = E(1) - E(4 * epsilon<E>) * norm;
        blocks[filled++] = b;
      }
    }
    return left;
  }

  /// Sums of the singular values of blocks, sum_k |X v_k|: more exact than roots of eigenvalues.
  template <class At>
  KOKKOS_INLINE_FUNCTION void values(const C* in, index_t count, const At& block_at, double* sums,
                                     E* room) const {
    E* planes = room;
    E* middle = planes + W * each;
    E* row = middle + each;
    E* limit = row + 2 * stride;
    E* factors = limit + W;
    const eigen problem(n, factors + 2 * n * n, true);
    for (index_t i = 2 * n * stride; i < each; ++i)
      for (index_t w = 0; w < W; ++w) planes[w * each + i] = E(0);
    for (index_t first = 0; first < count; first += W) {
      const index_t filled = count - first < W ? count - first : W;
      for (index_t w = 0; w < W; ++w) {
        limit[w] = -E(__builtin_huge_val());
        if (w < filled) {
          access.gather(in, block_at(first + w), E(1), planes + w * each, stride, row);
          products::gram(planes + w * each, n, stride, problem.a + w, W);
        } else {
          clear(problem, w);
        }
      }
      problem.template solve<true>();
      index_t kept[W];
      problem.vectors(limit, kept);
      for (index_t w = 0; w < filled; ++w) {
        const index_t r = kept[w];
        project(problem, w, r, planes + w * each, middle, factors);
        double sum = r == n ? 0 : __builtin_nan("");
        for (index_t k = 0; k < r; ++k) sum += math::sqrt(square(middle + 2 * k * stride));
        sums[block_at(first + w)] = sum;
      }
    }
  }

 private:
  KOKKOS_INLINE_FUNCTION void clear(const eigen& problem, index_t w) const {
    for (index_t i = 0; i < n * (n + 1); ++i) problem.a[i * W + w] = E(0);
  }

  /// Columns X v_k of the first r eigenvectors in lane w
  KOKKOS_INLINE_FUNCTION void project(const eigen& problem, index_t w, index_t r, const E* planes,
                                      E* middle, E* factors) const {
    const E* u = problem.u + w;  // (k, component)
    for (index_t i = 0; i < n; ++i)
      for (index_t k = 0; k < r; ++k) {
        factors[2 * (i * r + k)] = u[2 * (k * n + i) * W];
        factors[2 * (i * r + k) + 1] = u[(2 * (k * n + i) + 1) * W];
      }
    products::multiply(planes, n, factors, r, middle, stride);
  }
  /// |x|^2 of a column
  KOKKOS_INLINE_FUNCTION double square(const E* x) const {
    L sum(E(0));
    for (index_t i = 0; i < 2 * stride; i += W) {
      const L v = lanes::load(x + i);
      sum = lanes::fma(v, v, sum);
    }
    return double(lanes::sum(sum));
  }

  KOKKOS_INLINE_FUNCTION void flush(C* out, double t, const eigen& problem, E* planes, E* middle,
                                    E* row, E* limit, E* factors, const index_t* blocks,
                                    index_t filled) const {
    for (index_t w = filled; w < W; ++w) {
      clear(problem, w);
      limit[w] = E(1);
    }
    problem.template solve<true>();
    index_t kept[W];
    problem.vectors(limit, kept);
    for (index_t w = 0; w < filled; ++w) {
      const index_t r = kept[w];
      E* own = planes + w * each;
      if (r == 0) {
        access.fill(out, blocks[w], C(0));
        continue;
      }
      project(problem, w, r, own, middle, factors);
      const E* u = problem.u + w;  // (k, component)
      for (index_t k = 0; k < r; ++k) {
        const double s2 = square(middle + 2 * k * stride);
        const E f = s2 > 1 ? E(t * (1 - 1 / math::sqrt(s2))) : E(0);
        for (index_t i = 0; i < n; ++i) {
          factors[2 * (k * n + i)] = f * u[2 * (k * n + i) * W];
          factors[2 * (k * n + i) + 1] = -f * u[(2 * (k * n + i) + 1) * W];
        }
      }
      products::multiply(middle, r, factors, n, own, stride);
      access.scatter(own, stride, out, blocks[w], row);
    }
  }
};

/// Blocks of a run, worked on one after the other by the same worker.
template <ExecutionSpace Ex>
inline constexpr index_t blocks_of_run = launch::on_host<Ex> ? 64 : 1;

template <class C, ExecutionSpace Ex>
struct block_threshold_kernel {
  static constexpr const char* name = "cardiomm::la::block_threshold";
  using T = real_of<C>;
  using single = block_worker<C, lane<T, Ex>>;
  using twice = block_worker<C, lane<double, Ex>>;
  static constexpr index_t run = blocks_of_run<Ex>;
  const C* in;
  C* out;
  block_grid grid;
  double t;
  double* sums;  ///< of singular values, where only those are wanted
  T* room;
  index_t first;

  static KOKKOS_INLINE_FUNCTION index_t scratch(const block_grid& g) {
    constexpr index_t ratio = static_cast<index_t>(sizeof(double) / sizeof(T));
    const index_t a = single(g).scratch(), b = ratio * twice(g).scratch();
    return (a > b ? a : b) + run * ratio + 64;
  }
  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    work(tile.index(), tile.scratch());
  }
  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t, index_t) const {
    work(first + item, room + item * scratch(grid));
  }

 private:
  KOKKOS_INLINE_FUNCTION void work(index_t which, T* p) const {
    const index_t begin = which * run, all = grid.count();
    const index_t count = all - begin < run ? all - begin : run;
    const auto in_order = [begin](index_t i) { return begin + i; };
    if (sums != nullptr) {
      twice(grid).values(in, count, in_order, sums, reinterpret_cast<double*>(p));
      return;
    }
    constexpr index_t per_index = static_cast<index_t>(sizeof(index_t) / sizeof(T));
    index_t* refused = reinterpret_cast<index_t*>(p);
    p += (run * per_index + 31) / 32 * 32;
    const index_t left = single(grid).threshold(in, out, t, count, in_order, p, refused);
    if constexpr (sizeof(T) == 4) {
      if (left > 0)
        twice(grid).threshold(
            in, out, t, left, [refused](index_t i) { return refused[i]; },
            reinterpret_cast<double*>(p), refused);
    }
  }
};

/// Starts a kernel on `items` items with `each` numbers T of scratch for every worker (on devices:
/// for every item that is under way): k(tile) on hosts, else k(item, ...) with k.room and k.first.
template <class T, ExecutionSpace Ex, class K>
void launch_with_room(const Ex& ex, index_t items, index_t each, K k) {
  if constexpr (launch::on_host<Ex>) {
    launch::tiles<T>(ex, items, each, k);
  } else {
    index_t group = (index_t(256) << 20) / (each * static_cast<index_t>(sizeof(T)));
    group = group < 1 ? 1 : group > items ? items : group;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    k.room = scratch.template take<T>(group * each);
    for (; k.first < items; k.first += group)
      launch::rows(ex, k.first + group < items ? group : items - k.first, 1, k);
  }
}

template <class C, ExecutionSpace Ex>
void launch_blocks(const Ex& ex, const C* in, C* out, const block_grid& grid, double t,
                   double* sums) {
  using kernel = block_threshold_kernel<C, Ex>;
  launch_with_room<real_of<C>>(ex, (grid.count() + kernel::run - 1) / kernel::run,
                               kernel::scratch(grid), kernel{in, out, grid, t, sums, nullptr, 0});
}

template <class C>
struct copy_kernel {
  static constexpr const char* name = "cardiomm::la::copy";
  const C* in;
  C* out;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) out[i] = in[i];
  }
};

}  // namespace detail

/// out = the blocks of `in` with singular values max(s - t, 0); in and out, arrays of the grid, may
/// be the same. A block with NaN or Inf becomes NaN. Does not wait.
/// Throws value_error where t is negative.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
void threshold_blocks(const Ex& ex, const block_grid& grid, const X& in, const Y& out, double t) {
  using C = element_of<Y>;
  static_assert(std::is_same_v<element_of<X>, C>);
  require(t >= 0, "threshold_blocks: expected a threshold of at least 0, found ", t);
  require<shape_error>(in.size() == out.size() && static_cast<index_t>(in.size()) ==
                                                      grid.columns * grid.batch * grid.ny * grid.nx,
                       "threshold_blocks: expected arrays of ",
                       grid.columns * grid.batch * grid.ny * grid.nx, " numbers, found ", in.size(),
                       " and ", out.size());
  if (in.size() == 0) return;
  if (!(real_of<C>(1 / t) < real_of<C>(__builtin_huge_val()))) {
    if (static_cast<const void*>(in.data()) != out.data())
      launch::segments(ex, static_cast<index_t>(in.size()),
                       detail::copy_kernel<C>{in.data(), out.data()});
    return;
  }
  detail::launch_blocks<C>(ex, in.data(), out.data(), grid, t, nullptr);
}

/// Singular value soft-thresholding of matrices (batch, m, n); see threshold_blocks.
template <ExecutionSpace Ex, TensorView X, TensorView Y>
void threshold_singular_values(const Ex& ex, const X& in, const Y& out, double t) {
  static_assert(rank_of<X> == 3 && rank_of<Y> == 3, "la: matrices are tensors of rank 3");
  require<shape_error>(shape_of(in) == shape_of(out),
                       "threshold_singular_values: expected equal shapes, found ", shape_of(in),
                       " and ", shape_of(out));
  threshold_blocks(ex, matrix_blocks(shape_of(in)), in, out, t);
}

/// Sum of the singular values of all blocks, computed in double (waits).
template <ExecutionSpace Ex, TensorView X>
double nuclear_norm_of_blocks(const Ex& ex, const block_grid& grid, const X& in) {
  using C = element_of<X>;
  require<shape_error>(
      static_cast<index_t>(in.size()) == grid.columns * grid.batch * grid.ny * grid.nx,
      "nuclear_norm_of_blocks: expected an array of ",
      grid.columns * grid.batch * grid.ny * grid.nx, " numbers, found ", in.size());
  if (in.size() == 0) return 0;
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  const auto sums = scratch.template tensor<double>(shape{grid.count()});
  detail::launch_blocks<C>(ex, in.data(), static_cast<C*>(nullptr), grid, 1, sums.data());
  ex.fence();
  const auto host = to_host(sums);
  double sum = 0;
  for (std::size_t i = 0; i < host.extent(0); ++i) sum += host(i);
  return sum;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::la

#endif
