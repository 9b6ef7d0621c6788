// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_DENSE_HPP
#define CARDIOMM_LINOP_DENSE_HPP
/// \file
/// A small dense matrix along one axis of a tensor: y[.., i, ..] = sum_j M[i][j] x[.., j, ..].
///
///     linop::dense<float, 5> compress(matrix, 2);     // virtual coils x coils of k-space
///     linop::dense<float, 4> series(basis, 0);        // frames x components of a temporal basis

#include "cardiomm/core/random.hpp"
#include "cardiomm/core/tile.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// Tensors are (outer, axis, inner). A tile holds its columns of `in` in scratch: planes far apart
/// in memory are read once, whatever the number of rows of the matrix.
template <class T>
struct dense_kernel {
  static constexpr const char* name = "cardiomm::linop::dense";
  using C = complex<T>;
  const C* in;
  C* out;
  const C* matrix;
  index_t from, to, inner;         // extents of the axis, numbers behind it
  index_t stride_to, stride_from;  // of the matrix: M or its transpose
  T sign;                          // of its imaginary parts
  accumulation<C> acc;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    constexpr index_t W = Tile::width;
    const index_t per = (inner + W - 1) / W, outer = tile.index() / per;
    const index_t first = (tile.index() - outer * per) * W;
    const int valid = static_cast<int>(inner - first < W ? inner - first : W);
    const C* x = in + outer * from * inner + first;
    C* y = out + outer * to * inner + first;
    T* const rows = tile.scratch();
    tile.for_each(from, [&](column c, index_t j) {
      L re, im;
      c.load(x + j * inner, valid, re, im);
      c.store(rows + 2 * j * W, re);
      c.store(rows + (2 * j + 1) * W, im);
    });
    tile.barrier();
    tile.for_each(to, [&](column c, index_t i) {
      const C* m = matrix + i * stride_to;
      L re = L(T(0)), im = L(T(0));
      for (index_t j = 0; j < from; ++j) {
        const L v = c.load(rows + 2 * j * W), w = c.load(rows + (2 * j + 1) * W);
        const L a(m[j * stride_from].real()), b(sign * m[j * stride_from].imag());
        re = lane_traits<L>::fma(a, v, re);
        im = lane_traits<L>::fma(a, w, im);
        re = lane_traits<L>::fma(L(T(0)) - b, w, re);
        im = lane_traits<L>::fma(b, v, im);
      }
      if (!acc.plain()) {
        const L p(acc.alpha.real()), q(acc.alpha.imag());
        const L old = re;
        re = p * old - q * im;
        im = p * im + q * old;
        if (acc.add) {
          L before_re, before_im;
          c.load(y + i * inner, valid, before_re, before_im);
          re = re + before_re;
          im = im + before_im;
        }
      }
      c.store(y + i * inner, valid, re, im);
    });
    tile.barrier();  // the next tile of this worker reuses the scratch
  }
};

}  // namespace detail

/// M along axis `along` of tensors of rank R; all other extents are open.
template <class T, int R, ExecutionSpace Ex = default_space>
class dense : public linear_operator<dense<T, R, Ex>, T, R, R, Ex> {
  using base = linear_operator<dense<T, R, Ex>, T, R, R, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "dense";

  /// Throws shape_error for an empty matrix, value_error for an axis outside [0, R).
  dense(tensor<C, 2, Ex> matrix, int along) : matrix_(std::move(matrix)), axis_(along) {
    require<shape_error>(matrix_.size() > 0, "dense: expected a matrix with numbers, found ",
                         shape_of(matrix_));
    require(along >= 0 && along < R, "dense: expected an axis in [0, ", R, "), found ", along);
  }
  void unify(shape<R>& d, shape<R>& r) const {
    shape<2> m = shape_of(matrix_);
    for (int i = 0; i < R; ++i)
      if (i != axis_) merge(d[i], r[i], name, "extents of the other axes");
    merge(m[1], d[axis_], name, "columns of the matrix and extent of the domain");
    merge(m[0], r[axis_], name, "rows of the matrix and extent of the range");
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    run(ex, x.data(), y.data(), shape_of(x), shape_of(y), false, acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    run(ex, y.data(), x.data(), shape_of(y), shape_of(x), true, acc);
  }
  const void* id() const { return matrix_.data(); }
  const tensor<C, 2, Ex>& matrix() const { return matrix_; }

 private:
  void run(const Ex& ex, const C* in, C* out, const shape<R>& from, const shape<R>& to,
           bool adjoint, acc_of<base> acc) const {
    index_t inner = 1;
    for (int i = axis_ + 1; i < R; ++i) inner *= from[i];
    if (to.size() == 0) return;
    const index_t columns = static_cast<index_t>(matrix_.extent(1));
    constexpr index_t W = launch::tile_width<T, Ex>;
    launch::tiles<T>(
        ex, to.size() / (to[axis_] * inner) * ((inner + W - 1) / W), 2 * W * from[axis_],
        detail::dense_kernel<T>{in, out, matrix_.data(), from[axis_], to[axis_], inner,
                                adjoint ? index_t(1) : columns, adjoint ? columns : index_t(1),
                                adjoint ? T(-1) : T(1), acc});
  }
  tensor<C, 2, Ex> matrix_;
  int axis_;
};

template <class T, int R, ExecutionSpace Ex>
struct specimen<dense<T, R, Ex>> {
  static dense<T, R, Ex> make(const Ex& ex, size_class s, std::uint64_t seed) {
    const shape<R> d = domain(s);
    const int along = s == size_class::odd ? R - 1 : s == size_class::wide ? R - 2 : R == 5 ? 2 : 0;
    auto m = make_tensor<complex<T>>(
        ex, shape{s == size_class::tiny ? d[along] : d[along] / 2 + 2, d[along]});
    random::fill_normal(ex, m, seed);
    return {m, along};
  }
  static auto domain(size_class s) {
    if constexpr (R == 5)
      return specimen_kspace(s);
    else
      return specimen_image(s);
  }
};
template <class T, ExecutionSpace Ex>
using dense_specimens = type_list<dense<T, 5, Ex>, dense<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
