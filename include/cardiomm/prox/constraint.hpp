// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_CONSTRAINT_HPP
#define CARDIOMM_PROX_CONSTRAINT_HPP
/// \file
/// Sets as proximal operators: P is 0 inside and infinite outside, prox is the projection, whatever
/// sigma. A value counts as inside if rounding explains the rest (1e-5 relative in float). One read
/// and one write each; the l2 ball reads twice.

#include "cardiomm/prox/l1.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

namespace detail {

enum class set_kind { box, real, nonnegative, linf_ball, support };

/// The nearest point of the set.
template <class T, set_kind Kind>
KOKKOS_FORCEINLINE_FUNCTION complex<T> nearest(const complex<T>& x, T low, T high) {
  const auto clamp = [](T v, T a, T b) { return v < a ? a : (v > b ? b : v); };
  if constexpr (Kind == set_kind::box) return {clamp(x.real(), low, high), T(0)};
  if constexpr (Kind == set_kind::real) return {x.real(), T(0)};
  if constexpr (Kind == set_kind::nonnegative) return {x.real() > 0 ? x.real() : T(0), T(0)};
  const T size = math::sqrt(abs2(x));
  const T f = size > high ? high / size : T(1);
  return {f * x.real(), f * x.imag()};
}
template <class T, set_kind Kind>
struct project_kernel {
  static constexpr const char* name = "cardiomm::prox::constraint";
  const complex<T>* in;
  complex<T>* out;
  T low, high;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) out[i] = nearest<T, Kind>(in[i], low, high);
  }
};
/// How many numbers are further from the set than rounding.
template <class T, set_kind Kind>
struct outside_kernel {
  static constexpr const char* name = "cardiomm::prox::constraint_value";
  const complex<T>* x;
  T low, high;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double count = 0;
    for (index_t i = first; i < last; ++i) {
      const complex<T> u = nearest<T, Kind>(x[i], low, high);
      const T re = x[i].real() - u.real(), im = x[i].imag() - u.imag(), size = abs2(x[i]);
      count += double(re * re + im * im > slack<T> * slack<T> * (size + T(1e-30)));
    }
    return count;
  }
};

/// out = x where the mask is not 0, else 0
template <class T, int R>
struct support_kernel {
  static constexpr const char* name = "cardiomm::prox::support";
  const complex<T>* in;
  complex<T>* out;
  broadcast<T, R> mask;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const T* m = mask.row(row);
    const index_t n = mask.s[R - 1], step = mask.stride[R - 1];
    for (index_t i = first; i < last; ++i)
      out[row * n + i] = m[i * step] != 0 ? in[row * n + i] : complex<T>(0);
  }
};
template <class T, int R>
struct support_value {
  static constexpr const char* name = "cardiomm::prox::support_value";
  const complex<T>* x;
  broadcast<T, R> mask;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    const index_t n = mask.s[R - 1], step = mask.stride[R - 1];
    double count = 0;
    for (index_t i = first; i < last; ++i)
      count += double(mask.row(i / n)[i % n * step] == 0 && abs2(x[i]) > 0);
    return count;
  }
};
/// factor = min(1, radius / |x|) of each system, then out = factor x
struct ball_factor {
  static constexpr const char* name = "cardiomm::prox::l2_ball_factor";
  double* factor;  ///< |x|^2 on entry
  double radius;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i)
      factor[i] = factor[i] > radius * radius ? radius / math::sqrt(factor[i]) : 1;
  }
};
template <class C>
struct ball_kernel {
  static constexpr const char* name = "cardiomm::prox::l2_ball";
  const C* in;
  C* out;
  const double* factor;
  index_t n, chunks, chunk;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t system = row / chunks, start = (row - system * chunks) * chunk;
    const index_t end = start + last < n ? start + last : n;
    const auto f = real_of<C>(factor[system]);
    const auto* x = blas1::detail::reals(in + system * n);
    auto* y = blas1::detail::reals(out + system * n);
    for (index_t i = 2 * (start + first); i < 2 * end; ++i) y[i] = f * x[i];
  }
};

/// Sets of numbers that are constrained one by one.
template <class Self, class T, int R, ExecutionSpace Ex, set_kind Kind>
class pointwise_set : public proximal_operator<Self, T, R, Ex> {
  using base = proximal_operator<Self, T, R, Ex>;

 public:
  static constexpr bool indicator = true;
  double value(const Ex& ex, in_of<base> x) const {
    return total(ex, static_cast<index_t>(x.size()),
                 outside_kernel<T, Kind>{x.data(), low_, high_}) > 0
               ? std::numeric_limits<double>::infinity()
               : 0;
  }
  void prox(const Ex& ex, in_of<base> x, double, out_of<base> out) const {
    launch::segments(ex, static_cast<index_t>(x.size()),
                     project_kernel<T, Kind>{x.data(), out.data(), low_, high_});
  }

 protected:
  explicit pointwise_set(double low = 0, double high = 0) : low_(T(low)), high_(T(high)) {}
  T low_, high_;
};
}  // namespace detail

/// Real numbers between low and high; either may be infinite.
template <class T, int R, ExecutionSpace Ex = default_space>
struct box : detail::pointwise_set<box<T, R, Ex>, T, R, Ex, detail::set_kind::box> {
  static constexpr const char* name = "box";
  box(double low, double high)
      : detail::pointwise_set<box, T, R, Ex, detail::set_kind::box>(low, high) {
    require(low <= high, "box: expected low <= high, found ", low, " and ", high);
  }
};
/// Real numbers.
template <class T, int R, ExecutionSpace Ex = default_space>
struct real_numbers
    : detail::pointwise_set<real_numbers<T, R, Ex>, T, R, Ex, detail::set_kind::real> {
  static constexpr const char* name = "real_numbers";
  real_numbers() = default;
};
/// Real numbers that are not negative.
template <class T, int R, ExecutionSpace Ex = default_space>
struct nonnegative
    : detail::pointwise_set<nonnegative<T, R, Ex>, T, R, Ex, detail::set_kind::nonnegative> {
  static constexpr const char* name = "nonnegative";
  nonnegative() = default;
};
/// Numbers with |x_i| <= radius.
template <class T, int R, ExecutionSpace Ex = default_space>
struct linf_ball
    : detail::pointwise_set<linf_ball<T, R, Ex>, T, R, Ex, detail::set_kind::linf_ball> {
  static constexpr const char* name = "linf_ball";
  explicit linf_ball(double radius)
      : detail::pointwise_set<linf_ball, T, R, Ex, detail::set_kind::linf_ball>(0, radius) {
    require(radius >= 0, "linf_ball: radius: expected at least 0, found ", radius);
  }
};

/// Tensors with |x| <= radius; with `batch_axes` leading axes each of their entries by itself.
template <class T, int R, ExecutionSpace Ex = default_space>
class l2_ball : public proximal_operator<l2_ball<T, R, Ex>, T, R, Ex> {
  using base = proximal_operator<l2_ball, T, R, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "l2_ball";
  static constexpr bool indicator = true;
  explicit l2_ball(double radius, int batch_axes = 0) : radius_(radius), batch_(batch_axes) {
    require(radius >= 0, "l2_ball: radius: expected at least 0, found ", radius);
    require(batch_axes >= 0 && batch_axes <= R, "l2_ball: batch_axes: expected 0 to ", R,
            ", found ", batch_axes);
  }
  double value(const Ex& ex, in_of<base> x) const {
    const index_t count = systems(x),
                  n = static_cast<index_t>(x.size()) / std::max<index_t>(count, 1);
    if (n == 0) return 0;
    auto squares = make_tensor<double>(ex, shape{count});
    launch::sums(ex, count, n, blas1::detail::norm2_kernel<C>{x.data(), n}, squares.data());
    ex.fence();
    const auto host = to_host(squares);
    for (index_t i = 0; i < count; ++i)
      if (std::sqrt(host(i)) > radius_ * (1 + double(detail::slack<T>)))
        return std::numeric_limits<double>::infinity();
    return 0;
  }
  void prox(const Ex& ex, in_of<base> x, double, out_of<base> out) const {
    const index_t count = systems(x),
                  n = static_cast<index_t>(x.size()) / std::max<index_t>(count, 1);
    if (n == 0) return;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    double* factor = scratch.template take<double>(count);
    launch::sums(ex, count, n, blas1::detail::norm2_kernel<C>{x.data(), n}, factor);
    launch::segments(ex, count, detail::ball_factor{factor, radius_});
    const index_t chunk = launch::on_host<Ex> ? std::min<index_t>(n, 8192) : n;
    const index_t chunks = (n + chunk - 1) / chunk;
    launch::rows(ex, count * chunks, chunk,
                 detail::ball_kernel<C>{x.data(), out.data(), factor, n, chunks, chunk});
  }

 private:
  index_t systems(in_of<base> x) const {
    index_t n = 1;
    for (int i = 0; i < batch_; ++i) n *= static_cast<index_t>(x.extent(i));
    return n;
  }
  double radius_;
  int batch_;
};

/// Tensors that are 0 where the mask is; extents of 1 in the mask are broadcast.
template <class T, int R, ExecutionSpace Ex = default_space>
class support : public proximal_operator<support<T, R, Ex>, T, R, Ex> {
  using base = proximal_operator<support, T, R, Ex>;

 public:
  static constexpr const char* name = "support";
  static constexpr bool indicator = true;
  explicit support(tensor<T, R, Ex> mask) : mask_(std::move(mask)) {}
  shape<R> domain() const {
    shape<R> s = shape_of(mask_);
    for (int i = 0; i < R; ++i)
      if (s[i] == 1) s[i] = open;
    return s;
  }
  double value(const Ex& ex, in_of<base> x) const {
    return detail::total(
               ex, static_cast<index_t>(x.size()),
               detail::support_value<T, R>{x.data(), detail::broadcast_of(mask_, shape_of(x))}) > 0
               ? std::numeric_limits<double>::infinity()
               : 0;
  }
  void prox(const Ex& ex, in_of<base> x, double, out_of<base> out) const {
    const auto s = shape_of(x);
    launch::rows(
        ex, s[R - 1] ? s.size() / s[R - 1] : 0, s[R - 1],
        detail::support_kernel<T, R>{x.data(), out.data(), detail::broadcast_of(mask_, s)});
  }

 private:
  tensor<T, R, Ex> mask_;
};

template <class T, ExecutionSpace Ex>
struct specimen<box<T, 4, Ex>> {
  static box<T, 4, Ex> make(const Ex&, size_class, std::uint64_t) { return {-0.5, 0.75}; }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<real_numbers<T, 4, Ex>> {
  static real_numbers<T, 4, Ex> make(const Ex&, size_class, std::uint64_t) { return {}; }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<nonnegative<T, 4, Ex>> {
  static nonnegative<T, 4, Ex> make(const Ex&, size_class, std::uint64_t) { return {}; }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<linf_ball<T, 4, Ex>> {
  static linf_ball<T, 4, Ex> make(const Ex&, size_class, std::uint64_t) {
    return linf_ball<T, 4, Ex>(0.8);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<l2_ball<T, 4, Ex>> {
  static l2_ball<T, 4, Ex> make(const Ex&, size_class s, std::uint64_t) {
    return l2_ball<T, 4, Ex>(2.5, s == size_class::odd ? 1 : 0);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<support<T, 4, Ex>> {
  static support<T, 4, Ex> make(const Ex& ex, size_class s, std::uint64_t) {
    shape<4> i = specimen_image(s);
    i[0] = 1;
    auto m = make_tensor<T>(host_space(), i);
    for (std::size_t k = 0; k < m.size(); ++k) m.data()[k] = T(k % 3 != 0);
    return support<T, 4, Ex>(to_space(ex, m));
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using constraint_specimens = type_list<box<T, 4, Ex>, real_numbers<T, 4, Ex>, nonnegative<T, 4, Ex>,
                                       linf_ball<T, 4, Ex>, l2_ball<T, 4, Ex>, support<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
