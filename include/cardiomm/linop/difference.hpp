// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_DIFFERENCE_HPP
#define CARDIOMM_LINOP_DIFFERENCE_HPP
/// \file
/// Finite differences y_i = x_i - x_(i-1) of images (frame, slice, y, x) along one axis
/// (`difference`) or several (`gradient`, with a leading axis of directions). Ends are periodic,
/// x_(-1) = x_(n-1), as in BART and SigPy, or free, y_0 = 0.
///
///     linop::difference<float> along_time(linop::axis::frame);
///     linop::gradient<float> in_space({linop::axis::y, linop::axis::x}, linop::ends::free);
///
/// Their grams are one sweep: 2 x_i - x_(i-1) - x_(i+1), summed over the axes.

#include <vector>

#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// Axes by name.
enum class axis { frame, slice, y, x };
/// What follows the last sample of an axis.
enum class ends { periodic, free };

namespace detail {

enum class difference_kind { forward, adjoint, gram };

/// Directions that a kernel works along; `stride` in elements.
template <int R>
struct difference_axes {
  int count = 0;
  index_t extent[R], stride[R];
  bool periodic = true;

  static difference_axes of(const shape<R>& s, const int* axes, int count, ends e) {
    difference_axes a;
    a.count = count;
    a.periodic = e == ends::periodic;
    for (int d = 0; d < count; ++d) {
      a.extent[d] = s[axes[d]];
      a.stride[d] = 1;
      for (int i = axes[d] + 1; i < R; ++i) a.stride[d] *= s[i];
    }
    return a;
  }
};

/// One row of `in` (or of every direction of it) gives one row of `out` (of every direction).
template <class C, int R, difference_kind Kind>
struct difference_kernel {
  static constexpr const char* name = "cardiomm::linop::difference";
  using T = real_of<C>;
  const C* in;
  C* out;
  difference_axes<R> axes;
  index_t nx, size;  // extent of rows, numbers of an image
  accumulation<C> acc;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    if constexpr (Kind == difference_kind::forward) {
      const index_t rows = size / nx, d = row / rows;
      along(static_cast<int>(d), (row - d * rows) * nx, in, out + d * size, first, last, acc);
    } else {
      for (int d = 0; d < axes.count; ++d) {
        const C* from = Kind == difference_kind::adjoint ? in + d * size : in;
        along(d, row * nx, from, out, first, last, d == 0 ? acc : accumulation<C>{acc.alpha, true});
      }
    }
  }

 private:
  /// Numbers [first, last) of the row that starts at `start`, along direction d.
  KOKKOS_FORCEINLINE_FUNCTION void along(int d, index_t start, const C* from, C* to, index_t first,
                                         index_t last, const accumulation<C>& how) const {
    const index_t n = axes.extent[d], stride = axes.stride[d];
    if (stride >= nx) {
      row(start / stride % n, n, stride, from + start, to + start, first, last, how);
    } else {  // along the row: its ends differ
      if (first == 0) row(0, n, 1, from + start, to + start, 0, 1, how);
      const index_t inner = first > 1 ? first : 1, outer = last < n - 1 ? last : n - 1;
      if (inner < outer) row(inner, n, 1, from + start, to + start, inner, outer, how);
      if (last == n && n > 1 && first < n)
        row(n - 1, n, 1, from + start, to + start, n - 1, n, how);
    }
  }
  /// Place i of n along the direction for numbers [first, last).
  KOKKOS_FORCEINLINE_FUNCTION void row(index_t i, index_t n, index_t stride, const C* from, C* to,
                                       index_t first, index_t last,
                                       const accumulation<C>& how) const {
    const bool has_before = i > 0 || axes.periodic, has_after = i + 1 < n || axes.periodic;
    const C* before = from + (i > 0 ? -stride : has_before ? (n - 1) * stride : 0);
    const C* after = from + (i + 1 < n ? stride : has_after ? (1 - n) * stride : 0);
    const T b = has_before ? T(1) : T(0), a = has_after ? T(1) : T(0);
    if constexpr (Kind == difference_kind::forward)
      combine(from, b, before, b, from, T(0), to, first, last, how);
    else if constexpr (Kind == difference_kind::adjoint)
      combine(from, b, after, a, from, T(0), to, first, last, how);
    else
      combine(from, b + a, before, b, after, a, to, first, last, how);
  }
  /// to = p x - q y - r z
  KOKKOS_FORCEINLINE_FUNCTION void combine(const C* x, T p, const C* y, T q, const C* z, T r, C* to,
                                           index_t first, index_t last,
                                           const accumulation<C>& how) const {
    const auto value = [=](index_t i) {
      T re = p * x[i].real() - q * y[i].real(), im = p * x[i].imag() - q * y[i].imag();
      if constexpr (Kind == difference_kind::gram) {
        re -= r * z[i].real();
        im -= r * z[i].imag();
      }
      return C(re, im);
    };
    (void)z;
    (void)r;
    if (how.plain())
      for (index_t i = first; i < last; ++i) to[i] = value(i);
    else
      for (index_t i = first; i < last; ++i) how.put(to[i], value(i));
  }
};

template <int R>
int place_of(axis a) {
  switch (a) {
    case axis::frame:
      return R - 4;
    case axis::slice:
      return R - 3;
    case axis::y:
      return R - 2;
    case axis::x:
      break;
  }
  return R - 1;
}

template <difference_kind Kind, ExecutionSpace Ex, class C, int R>
void run_differences(const Ex& ex, const int* axes, int count, ends e, const shape<R>& image,
                     const C* in, C* out, const accumulation<C>& acc) {
  const index_t size = image.size(), nx = image[R - 1];
  if (size == 0) return;
  launch::rows(ex, size / nx * (Kind == difference_kind::forward ? count : 1), nx,
               difference_kernel<C, R, Kind>{in, out, difference_axes<R>::of(image, axes, count, e),
                                             nx, size, acc});
}

}  // namespace detail

/// D^H D of differences along some axes, in one sweep.
template <class T, ExecutionSpace Ex = default_space, int R = 4>
class difference_gram : public linear_operator<difference_gram<T, Ex, R>, T, R, R, Ex> {
  using base = linear_operator<difference_gram<T, Ex, R>, T, R, R, Ex>;

 public:
  static constexpr const char* name = "difference_gram";
  static constexpr bool self_adjoint = true;
  difference_gram(std::vector<int> axes, ends e) : axes_(std::move(axes)), ends_(e) {}

  void unify(shape<R>& d, shape<R>& r) const { merge(d, r, name); }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    detail::run_differences<detail::difference_kind::gram>(ex, axes_.data(),
                                                           static_cast<int>(axes_.size()), ends_,
                                                           shape_of(x), x.data(), y.data(), acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    apply(ex, y, x, acc);
  }
  const void* id() const { return this; }

 private:
  std::vector<int> axes_;
  ends ends_;
};

/// Differences along one axis of images (frame, slice, y, x), or (set, frame, slice, y, x) with
/// R = 5; all extents are open.
template <class T, ExecutionSpace Ex = default_space, int R = 4>
class difference : public linear_operator<difference<T, Ex, R>, T, R, R, Ex> {
  using base = linear_operator<difference<T, Ex, R>, T, R, R, Ex>;
  static_assert(R >= 4, "cardiomm: difference works on images (..., frame, slice, y, x)");

 public:
  static constexpr const char* name = "difference";
  explicit difference(axis along, ends e = ends::periodic)
      : axis_(detail::place_of<R>(along)), ends_(e) {}

  void unify(shape<R>& d, shape<R>& r) const { merge(d, r, name); }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    detail::run_differences<detail::difference_kind::forward>(ex, &axis_, 1, ends_, shape_of(x),
                                                              x.data(), y.data(), acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    detail::run_differences<detail::difference_kind::adjoint>(ex, &axis_, 1, ends_, shape_of(x),
                                                              y.data(), x.data(), acc);
  }
  const void* id() const { return this; }
  difference_gram<T, Ex, R> normal() const { return {{axis_}, ends_}; }

 private:
  int axis_;
  ends ends_;
};

/// Differences along several axes: (frame, slice, y, x) to (direction, frame, slice, y, x), in the
/// order in which the axes are named.
template <class T, ExecutionSpace Ex = default_space, int R = 4>
class gradient : public linear_operator<gradient<T, Ex, R>, T, R, R + 1, Ex> {
  using base = linear_operator<gradient<T, Ex, R>, T, R, R + 1, Ex>;
  static_assert(R >= 4, "cardiomm: gradient works on images (..., frame, slice, y, x)");

 public:
  static constexpr const char* name = "gradient";

  /// Throws value_error if no axis is named, or one twice.
  explicit gradient(const std::vector<axis>& along, ends e = ends::periodic) : ends_(e) {
    require(!along.empty(), "gradient: expected at least one axis, found none");
    for (const axis a : along) {
      const int place = detail::place_of<R>(a);
      for (const int other : axes_)
        require(other != place, "gradient: expected different axes, found one twice");
      axes_.push_back(place);
    }
  }

  void unify(shape<R>& d, shape<R + 1>& r) const {
    index_t count = static_cast<index_t>(axes_.size());
    merge(count, r[0], name, "directions");
    for (int i = 0; i < R; ++i) merge(d[i], r[i + 1], name, "extents of images");
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    detail::run_differences<detail::difference_kind::forward>(ex, axes_.data(), count(), ends_,
                                                              shape_of(x), x.data(), y.data(), acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    detail::run_differences<detail::difference_kind::adjoint>(ex, axes_.data(), count(), ends_,
                                                              shape_of(x), y.data(), x.data(), acc);
  }
  const void* id() const { return this; }
  difference_gram<T, Ex, R> normal() const { return {axes_, ends_}; }

 private:
  int count() const { return static_cast<int>(axes_.size()); }
  std::vector<int> axes_;
  ends ends_;
};

template <class T, ExecutionSpace Ex, int R>
struct gram_of<difference<T, Ex, R>> {
  static difference_gram<T, Ex, R> make(const difference<T, Ex, R>& a) { return a.normal(); }
};
template <class T, ExecutionSpace Ex, int R>
struct gram_of<gradient<T, Ex, R>> {
  static difference_gram<T, Ex, R> make(const gradient<T, Ex, R>& a) { return a.normal(); }
};

template <class T, ExecutionSpace Ex, int R>
struct specimen<difference<T, Ex, R>> {
  static difference<T, Ex, R> make(const Ex&, size_class s, std::uint64_t) {
    switch (s) {
      case size_class::tiny:
        return difference<T, Ex, R>(axis::x);
      case size_class::odd:
        return difference<T, Ex, R>(axis::frame);
      case size_class::multiple_of_four:
        return difference<T, Ex, R>(axis::y, ends::free);
      case size_class::wide:
        return difference<T, Ex, R>(axis::x, ends::free);
      default:
        return difference<T, Ex, R>(axis::frame, ends::free);
    }
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex, int R>
struct specimen<gradient<T, Ex, R>> {
  static gradient<T, Ex, R> make(const Ex&, size_class s, std::uint64_t) {
    if (s == size_class::odd) return gradient<T, Ex, R>({axis::frame, axis::y, axis::x});
    if (s == size_class::wide) return gradient<T, Ex, R>({axis::x, axis::slice}, ends::free);
    return gradient<T, Ex, R>({axis::y, axis::x},
                              s == size_class::tiny ? ends::periodic : ends::free);
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using difference_specimens = type_list<difference<T, Ex>, gradient<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
