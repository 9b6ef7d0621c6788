// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_DIAGONAL_HPP
#define CARDIOMM_LINOP_DIAGONAL_HPP
/// \file
/// Multiplication element by element with a broadcast tensor.

#include <memory>

#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {
/// y = w x, or conj(w) x, with strides of zero along the broadcast axes of w
template <class C, class W, int R>
struct diagonal_kernel {
  static constexpr const char* name = "cardiomm::linop::diagonal";
  const C* in;
  C* out;
  const W* weight;
  shape<R> s;
  shape<R> stride;
  bool conjugate;
  accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    index_t rest = row, offset = 0;
    for (int i = R - 2; i >= 0; --i) {
      offset += rest % s[i] * stride[i];
      rest /= s[i];
    }
    const index_t n = s[R - 1], step = stride[R - 1];
    for (index_t x = first; x < last; ++x) {
      const W w = weight[offset + x * step];
      const C v = in[row * n + x];
      if constexpr (is_complex<W>)
        acc.put(out[row * n + x], conjugate ? conj_mul(w, v) : mul(w, v));
      else
        acc.put(out[row * n + x], w * v);
    }
  }
};
}  // namespace detail

/// y = w x; extents of one in w are broadcast and stay open in the operator's shape. W is T or
/// complex<T>; real weights make the operator self-adjoint.
template <class W, int R, ExecutionSpace Ex = default_space>
class diagonal : public linear_operator<diagonal<W, R, Ex>, real_of<W>, R, R, Ex> {
  using base = linear_operator<diagonal<W, R, Ex>, real_of<W>, R, R, Ex>;

 public:
  static constexpr const char* name = "diagonal";
  static constexpr bool self_adjoint = !is_complex<W>, is_diagonal = true, inplace_ok = true;

  explicit diagonal(tensor<W, R, Ex> weights) : weights_(std::move(weights)) {}

  void unify(shape<R>& d, shape<R>& r) const {
    shape<R> own = shape_of(weights_);
    for (int i = 0; i < R; ++i)
      if (own[i] == 1) own[i] = open;
    merge(own, d, name);
    merge(d, r, name);
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    run(ex, x, y, false, acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    run(ex, y, x, true, acc);
  }
  const void* id() const { return weights_.data(); }
  const tensor<W, R, Ex>& weights() const { return weights_; }

 private:
  void run(const Ex& ex, domain_in<base> x, range_out<base> y, bool conjugate,
           acc_of<base> acc) const {
    const shape<R> s = shape_of(x), own = shape_of(weights_);
    shape<R> stride{};
    index_t step = 1;
    for (int i = R - 1; i >= 0; --i) {
      stride[i] = own[i] == 1 ? 0 : step;
      step *= own[i];
    }
    const index_t n = s[R - 1];
    launch::rows(ex, n ? s.size() / n : 0, n,
                 detail::diagonal_kernel<complex<real_of<W>>, W, R>{
                     x.data(), y.data(), weights_.data(), s, stride, conjugate, acc});
  }
  tensor<W, R, Ex> weights_;
};

template <TensorView V>
diagonal(const V&) -> diagonal<element_of<V>, rank_of<V>, space_of<V>>;

template <class W, ExecutionSpace Ex>
struct specimen<diagonal<W, 4, Ex>> {
  static diagonal<W, 4, Ex> make(const Ex& ex, size_class s, std::uint64_t seed) {
    shape<4> i = specimen_image(s);
    if (s == size_class::odd) i[1] = 1;   // broadcast over slices
    if (s == size_class::wide) i[3] = 1;  // broadcast along the readout
    auto w = make_tensor<W>(ex, i);
    random::fill_normal(ex, w, seed);
    return diagonal<W, 4, Ex>(w);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using diagonal_specimens = type_list<diagonal<T, 4, Ex>, diagonal<complex<T>, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#include "cardiomm/linop/gram.hpp"  // IWYU pragma: export

#endif
