// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_DENSE_HPP
#define CARDIOMM_LINOP_DENSE_HPP
/// \file
/// A small dense matrix along one axis of a tensor: y[.., i, ..] = sum_j M[i][j] x[.., j, ..].
///
///     linop::dense<float, 5> compress(matrix, 2);     // virtual coils x coils of k-space
///     linop::dense<float, 4> series(basis, 0);        // frames x components of a temporal basis

#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// Tensors are (outer, axis, inner) with rows of nx numbers; nx is 1 where the axis is the last.
template <class C, int Chunk>
struct dense_kernel {
  static constexpr const char* name = "cardiomm::linop::dense";
  const C* in;
  C* out;
  const C* matrix;
  index_t from, to, inner, nx;     // extents of the axis, numbers behind it, numbers of a row
  index_t stride_to, stride_from;  // of the matrix: M or its transpose
  bool conjugate;
  accumulation<C> acc;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t per = inner / nx, outer = row / (to * per), rest = row - outer * to * per;
    const index_t i = rest / per, place = (rest - i * per) * nx;
    const C* x = in + outer * from * inner + place;
    const C* m = matrix + i * stride_to;
    for (; first < last; first += Chunk) {
      const int n = last - first < Chunk ? static_cast<int>(last - first) : Chunk;
      C sum[Chunk];
      for (int c = 0; c < n; ++c) sum[c] = C(0);
      for (index_t j = 0; j < from; ++j) {
        const C w = conjugate ? C(m[j * stride_from].real(), -m[j * stride_from].imag())
                              : m[j * stride_from];
        const C* v = x + j * inner + first;
        for (int c = 0; c < n; ++c) {
          const C p = mul(w, v[c]);
          sum[c] = C(sum[c].real() + p.real(), sum[c].imag() + p.imag());
        }
      }
      for (int c = 0; c < n; ++c) acc.put(out[row * nx + first + c], sum[c]);
    }
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
    const index_t nx = axis_ == R - 1 ? 1 : from[R - 1];
    if (to.size() == 0) return;
    const index_t columns = static_cast<index_t>(matrix_.extent(1));
    constexpr int chunk = launch::on_host<Ex> ? 32 : 1;
    launch::rows(ex, to.size() / nx, nx,
                 detail::dense_kernel<C, chunk>{in, out, matrix_.data(), from[axis_], to[axis_],
                                                inner, nx, adjoint ? index_t(1) : columns,
                                                adjoint ? columns : index_t(1), adjoint, acc});
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
