// SPDX-License-Identifier: Apache-2.0
/// \file
/// An operator of one's own, with its adjoint: simultaneous slices. The slices are excited
/// together, each with its own linear phase along the phase encodes (CAIPIRINHA), and what the
/// coils receive is their sum:
///
///     y(f, 0, c, ky, kx) = sum over slices z of  exp(2 pi i z (ky - n/2) / shift) x(f, z, c, ky,
///     kx)
#pragma once

#include <cmath>

#include "cardiomm/linop/gram.hpp"

namespace mine {
using namespace cardiomm;

/// From (frame, slice, coil, y, x) to (frame, 1, coil, y, x). T is float or double.
template <class T, class Ex = default_space>
class multiband : public linop::linear_operator<multiband<T, Ex>, T, 5, 5, Ex> {
 public:
  using C = complex<T>;
  using in = view<const C, 5, Ex>;          // what apply gets: borrowed tensors
  using out = view<C, 5, Ex>;               //
  using put_rule = linop::accumulation<C>;  // y = alpha v, or y += alpha v
  static constexpr const char* name = "multiband";

  /// Slice z is moved by z times the field of view / shift.
  multiband(index_t slices, double shift) : slices_(slices), turn_(2 * M_PI / shift) {
    require(slices > 0, name, ": slices: expected at least 1, found ", slices);
  }

  /// Settles the open extents of x (shape d) and y (shape r), or throws shape_error.
  void unify(shape<5>& d, shape<5>& r) const {
    index_t many = slices_, one = 1;
    linop::merge(many, d[1], name, "slice of x");
    linop::merge(one, r[1], name, "slice of y");
    for (const int axis : {0, 2, 3, 4})
      linop::merge(d[axis], r[axis], name, "axes other than the slice");
  }

  /// y = A x: rows of the readout in parallel, x and y indexed as above.
  void apply(const Ex& ex, in x, out y, put_rule rule) const {
    const auto self = *this;
    rows(
        ex, y, KOKKOS_LAMBDA(index_t f, index_t c, index_t ky) {
          for (index_t z = 0; z < self.slices_; ++z) {
            const C phase = self.phase(z, ky, y.extent(3));
            const put_rule next{rule.alpha, rule.add || z > 0};
            for (std::size_t kx = 0; kx < y.extent(4); ++kx)
              next.put(y(f, 0, c, ky, kx), mul(phase, x(f, z, c, ky, kx)));
          }
        });
  }

  /// x = A^H y: the conjugate phases.
  void apply_adjoint(const Ex& ex, in y, out x, put_rule rule) const {
    const auto self = *this;
    rows(
        ex, y, KOKKOS_LAMBDA(index_t f, index_t c, index_t ky) {
          for (index_t z = 0; z < self.slices_; ++z) {
            const C phase = self.phase(z, ky, y.extent(3));
            for (std::size_t kx = 0; kx < y.extent(4); ++kx)
              rule.put(x(f, z, c, ky, kx), conj_mul(phase, y(f, 0, c, ky, kx)));
          }
        });
  }

  /// Same address, same numbers. Copies differ, which costs adjoint(A) * A a shortcut, no more.
  const void* id() const { return this; }

  KOKKOS_INLINE_FUNCTION C phase(index_t z, index_t ky, std::size_t n) const {
    const T angle = T(turn_ * double(z * (ky - index_t(n) / 2)));
    return C(math::cos(angle), math::sin(angle));
  }

  /// f(frame, coil, phase encode) for every line of y.
  template <class V, class F>
  static void rows(const Ex& ex, const V& y, const F& f) {
    const index_t coils = index_t(y.extent(2)), lines = index_t(y.extent(3));
    Kokkos::parallel_for(
        name, Kokkos::RangePolicy<Ex>(ex, 0, index_t(y.extent(0)) * coils * lines),
        KOKKOS_LAMBDA(index_t row) { f(row / lines / coils, row / lines % coils, row % lines); });
  }

 private:
  index_t slices_;
  double turn_;
};

}  // namespace mine
