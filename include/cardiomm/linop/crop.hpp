// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_CROP_HPP
#define CARDIOMM_LINOP_CROP_HPP
/// \file
/// Centred crop; its adjoint pads with zeros. A block of length m in an axis of length N starts at
/// N/2 - m/2 (integer divisions), so that index N/2 (DC, image centre) goes to m/2.

#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {
template <class C, int R>
struct crop_kernel {
  static constexpr const char* name = "cardiomm::linop::crop";
  const C* in;
  C* out;
  shape<R> large, small;
  accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    index_t rest = row, offset = 0, stride = large[R - 1];
    for (int i = R - 2; i >= 0; --i) {
      offset += (rest % small[i] + large[i] / 2 - small[i] / 2) * stride;
      rest /= small[i];
      stride *= large[i];
    }
    offset += large[R - 1] / 2 - small[R - 1] / 2;
    for (index_t x = first; x < last; ++x) acc.put(out[row * small[R - 1] + x], in[offset + x]);
  }
};

/// Rows of the large tensor: zeros, or the row of the small one between zeros.
template <class C, int R>
struct pad_kernel {
  static constexpr const char* name = "cardiomm::linop::pad";
  const C* in;
  C* out;
  shape<R> large, small;
  accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    index_t rest = row, from = 0, stride = 1;
    bool inside = true;
    for (int i = R - 2; i >= 0; --i) {
      const index_t at = rest % large[i] - (large[i] / 2 - small[i] / 2);
      inside = inside && at >= 0 && at < small[i];
      from += at * stride;
      rest /= large[i];
      stride *= small[i];
    }
    const index_t n = large[R - 1], m = small[R - 1], start = n / 2 - m / 2;
    for (index_t x = first; x < last; ++x) {
      const index_t at = x - start;
      if (inside && at >= 0 && at < m)
        acc.put(out[row * n + x], in[from * m + at]);
      else if (!acc.add)
        out[row * n + x] = C(0);
    }
  }
};
}  // namespace detail

/// Keeps the centre of the axes whose extents differ between `from` and `to`. Extents may be open
/// in both where the axis is kept whole.
///
///     crop<float, 4> half({open, open, ny, 2 * nx}, {open, open, ny, nx});   // readout
///     oversampling
template <class T, int R, ExecutionSpace Ex = default_space>
class crop : public linear_operator<crop<T, R, Ex>, T, R, R, Ex> {
  using base = linear_operator<crop<T, R, Ex>, T, R, R, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "crop";

  /// Throws shape_error if an extent grows or is open on one side only.
  crop(const shape<R>& from, const shape<R>& to) : from_(from), to_(to) {
    for (int i = 0; i < R; ++i)
      require<shape_error>((from[i] == open) == (to[i] == open) && to[i] <= from[i],
                           "crop: expected a shape within ", from, ", found ", to);
  }
  void unify(shape<R>& d, shape<R>& r) const {
    shape<R> from = from_, to = to_;
    merge(from, d, "crop: domain");
    merge(to, r, "crop: range");
    for (int i = 0; i < R; ++i)
      if (from_[i] == open) merge(d[i], r[i], name, "extent of an axis that is kept whole");
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    const shape<R> s = shape_of(y);
    launch::rows(ex, s[R - 1] ? s.size() / s[R - 1] : 0, s[R - 1],
                 detail::crop_kernel<C, R>{x.data(), y.data(), shape_of(x), s, acc});
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    const shape<R> s = shape_of(x);
    launch::rows(ex, s[R - 1] ? s.size() / s[R - 1] : 0, s[R - 1],
                 detail::pad_kernel<C, R>{y.data(), x.data(), s, shape_of(y), acc});
  }
  const void* id() const { return this; }

 private:
  shape<R> from_, to_;
};

template <class T, ExecutionSpace Ex>
struct specimen<crop<T, 4, Ex>> {
  static crop<T, 4, Ex> make(const Ex&, size_class s, std::uint64_t) {
    const shape<4> d = domain(s);
    return {{{open, open, d[2], d[3]}}, {{open, open, (d[2] + 1) / 2, d[3] > 2 ? d[3] - 2 : d[3]}}};
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using crop_specimens = type_list<crop<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
