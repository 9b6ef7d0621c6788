// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_ACS_HPP
#define CARDIOMM_MODELS_ACS_HPP
/// \file
/// The calibration region of learned sensitivities: which part of k-space (item, coil, y, x) their
/// network sees. As published: n lines from (ny - n + 1) / 2 (one later than the usual centre where
/// ny - n is odd), for every kind of mask; the square of the samples measured is an option.

#include <algorithm>
#include <vector>

#include "cardiomm/core/complex.hpp"
#include "cardiomm/core/launch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

/// lines: n central phase encodes, the whole readout. square: the n x n samples of the centre,
/// times the mask.
enum class acs_rule { lines, square };

namespace detail {

/// First index of n central ones.
constexpr index_t acs_start(index_t length, index_t n) { return (length - n + 1) / 2; }

/// Lines that surround the centre of a mask (y, x), counted in its first readout sample: twice the
/// shorter of the runs that end at a gap on either side, at least 1. A side without a gap counts as
/// none, so that a full mask gives 1.
inline index_t lines_of_mask(const std::uint8_t* mask, index_t ny, index_t nx) {
  const index_t centre = ny / 2;
  index_t below = 0, above = 0;
  index_t y = centre - 1;
  while (y >= 0 && mask[y * nx]) --y, ++below;
  if (y < 0) below = 0;
  y = centre;
  while (y < ny && mask[y * nx]) ++y, ++above;
  if (y == ny) above = 0;
  return std::max<index_t>(2 * std::min(below, above), 1);
}

/// out = in inside the region of its item, zero elsewhere.
template <class C>
struct keep_acs {
  static constexpr const char* name = "cardiomm::models::keep_acs";
  const C* in;
  C* out;
  const std::uint8_t* mask;  // null: not multiplied
  const index_t* lines;      // of each item
  shape<4> s;                // (item, coil, y, x)
  index_t mask_items, square;
  bool add;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % s[2], item = row / (s[2] * s[1]);
    const index_t n = lines[item], y0 = (s[2] - n + 1) / 2;
    const bool inside = y >= y0 && y < y0 + n;
    const index_t x0 = square ? (s[3] - n + 1) / 2 : 0, x1 = square ? x0 + n : s[3];
    const std::uint8_t* m =
        mask ? mask + ((mask_items == 1 ? 0 : item) * s[2] + y) * s[3] : nullptr;
    const C* a = in + row * s[3];
    C* b = out + row * s[3];
    for (index_t x = first; x < last; ++x) {
      const bool keep = inside && x >= x0 && x < x1 && (!m || m[x]);
      if (add) {
        if (keep) b[x] += a[x];
      } else {
        b[x] = keep ? a[x] : C(0);
      }
    }
  }
};

}  // namespace detail

/// A projection of k-space (item, coil, y, x) on the calibration region, hence its own adjoint.
template <ExecutionSpace Ex>
class acs_region {
 public:
  acs_region() = default;
  /// n lines, or as many as the mask (item or 1, y, x) has about its centre for n = 0 (rule lines
  /// only). Throws value_error where they do not fit.
  acs_region(const Ex& ex, const host_tensor<std::uint8_t, 3>& mask, index_t items, index_t n,
             acs_rule rule)
      : rule_(rule), mask_items_(static_cast<index_t>(mask.extent(0))) {
    host_lines_ = make_tensor<index_t>(host_space(), shape{items}, "cardiomm::models::acs");
    lines_ = make_tensor<index_t>(ex, shape{items}, "cardiomm::models::acs");
    if (rule == acs_rule::square)
      mask_ = make_tensor<std::uint8_t>(ex, shape_of(mask), "cardiomm::models::acs");
    set(ex, mask, n);
  }
  /// Another mask of the same shape, other lines; allocates nothing.
  void set(const Ex& ex, const host_tensor<std::uint8_t, 3>& mask, index_t n) {
    const index_t ny = static_cast<index_t>(mask.extent(1)),
                  nx = static_cast<index_t>(mask.extent(2));
    require(n >= 0 && n <= ny && (rule_ == acs_rule::lines || n <= nx),
            "acs: expected a size of at most ", ny, rule_ == acs_rule::lines ? " lines" : " and ",
            rule_ == acs_rule::lines ? std::string() : std::to_string(nx), ", found ", n);
    require(n > 0 || rule_ == acs_rule::lines,
            "acs: a square region needs its size; only lines are counted in the mask");
    for (index_t i = 0; i < static_cast<index_t>(lines_.extent(0)); ++i)
      host_lines_(i) =
          n > 0 ? n
                : detail::lines_of_mask(mask.data() + (mask_items_ == 1 ? 0 : i) * ny * nx, ny, nx);
    Kokkos::deep_copy(ex, lines_, host_lines_);
    if (rule_ == acs_rule::square) Kokkos::deep_copy(ex, mask_, mask);
  }

  /// out = in inside the region, zero elsewhere; out += with `add`. (item, coil, y, x)
  template <class T>
  void apply(const Ex& ex, const view<const complex<T>, 4, Ex>& in,
             const view<complex<T>, 4, Ex>& out, bool add = false) const {
    const shape<4> s = shape_of(in);
    launch::rows(ex, s[0] * s[1] * s[2], s[3],
                 detail::keep_acs<complex<T>>{in.data(), out.data(), mask_.data(), lines_.data(), s,
                                              mask_items_, rule_ == acs_rule::square, add});
  }
  /// Lines of each item.
  const tensor<index_t, 1, Ex>& lines() const { return lines_; }

 private:
  acs_rule rule_ = acs_rule::lines;
  index_t mask_items_ = 1;
  host_tensor<index_t, 1> host_lines_;
  tensor<index_t, 1, Ex> lines_;
  tensor<std::uint8_t, 3, Ex> mask_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
