// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_SAMPLING_HPP
#define CARDIOMM_LINOP_SAMPLING_HPP
/// \file
/// Undersampling of Cartesian k-space (frame, slice, coil, y, x): samples that were not measured
/// become zero. Masks are made 0/1 on construction (anything but zero counts as sampled); weights
/// belong to `diagonal`.

#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {
/// Copies a mask of any numeric type to 0/1 of type T in the space, adding a leading axis of one
/// where rank R is one more than the mask's.
template <class T, int R, ExecutionSpace Ex, TensorView M>
tensor<T, R, Ex> binary_mask(const M& mask) {
  shape<R> s{};
  constexpr int missing = R - rank_of<M>;
  static_assert(missing == 0 || missing == 1,
                "cardiomm: line_mask takes (y) or (frame, y), point_mask takes (y, x) or (frame, "
                "y, x)");
  for (int i = 0; i < R; ++i)
    s[i] = i < missing ? 1 : static_cast<index_t>(mask.extent(i - missing));
  const auto source = to_host(mask);
  auto host = make_tensor<T>(host_space{}, s, "cardiomm::mask");
  for (index_t i = 0; i < s.size(); ++i)
    host.data()[i] = source.data()[i] == element_of<M>(0) ? T(0) : T(1);
  return to_space(Ex(), host);
}

template <class C>
struct mask_kernel {
  static constexpr const char* name = "cardiomm::linop::mask";
  using T = real_of<C>;
  const C* in;
  C* out;
  const T* mask;
  shape<5> s;
  index_t mask_frames;
  bool along_readout;  // one weight per readout line, otherwise one per sample
  accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % s[3];
    const index_t frame = mask_frames == 1 ? 0 : row / (s[3] * s[2] * s[1]);
    const C* a = in + row * s[4];
    C* b = out + row * s[4];
    if (along_readout) {
      const T w = mask[frame * s[3] + y];
      for (index_t x = first; x < last; ++x) acc.put(b[x], w * a[x]);
    } else {
      const T* w = mask + (frame * s[3] + y) * s[4];
      for (index_t x = first; x < last; ++x) acc.put(b[x], w[x] * a[x]);
    }
  }
};

template <class T, ExecutionSpace Ex, class X, class Y>
void run_mask(const Ex& ex, const T* mask, index_t frames, bool lines, const X& x, const Y& y,
              accumulation<complex<T>> acc) {
  const shape<5> s = shape_of(x);
  launch::rows(ex, s[0] * s[1] * s[2] * s[3], s[4],
               mask_kernel<complex<T>>{x.data(), y.data(), mask, s, frames, lines, acc});
}
}  // namespace detail

/// Keeps whole readout lines: mask (y), the same in every frame, or (frame, y).
///
///     line_mask(m)           precision of m if it is real, else float
///     line_mask<double>(m)   in double
template <class T, ExecutionSpace Ex = default_space>
class line_mask : public linear_operator<line_mask<T, Ex>, T, 5, 5, Ex> {
  using base = linear_operator<line_mask<T, Ex>, T, 5, 5, Ex>;

 public:
  static constexpr const char* name = "line_mask";
  static constexpr bool self_adjoint = true, idempotent = true, is_diagonal = true,
                        inplace_ok = true;

  /// mask (y) or (frame, y), any real, integer or boolean type, on any space
  template <TensorView M>
  explicit line_mask(const M& mask) : mask_(detail::binary_mask<T, 2, Ex>(mask)) {}

  void unify(shape<5>& d, shape<5>& r) const {
    shape<5> own = shape<5>::all_open();
    if (mask_.extent(0) != 1) own[0] = static_cast<index_t>(mask_.extent(0));
    own[3] = static_cast<index_t>(mask_.extent(1));
    merge(own, d, "line_mask (frame, slice, coil, y, x)");
    merge(d, r, "line_mask (frame, slice, coil, y, x)");
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    detail::run_mask<T>(ex, mask_.data(), static_cast<index_t>(mask_.extent(0)), true, x, y, acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    apply(ex, y, x, acc);
  }
  const void* id() const { return mask_.data(); }
  /// 0/1 (frame or 1, y).
  const tensor<T, 2, Ex>& mask() const { return mask_; }

 private:
  tensor<T, 2, Ex> mask_;
};

/// Keeps single samples: mask (y, x), the same in every frame, or (frame, y, x).
template <class T, ExecutionSpace Ex = default_space>
class point_mask : public linear_operator<point_mask<T, Ex>, T, 5, 5, Ex> {
  using base = linear_operator<point_mask<T, Ex>, T, 5, 5, Ex>;

 public:
  static constexpr const char* name = "point_mask";
  static constexpr bool self_adjoint = true, idempotent = true, is_diagonal = true,
                        inplace_ok = true;

  /// mask (y, x) or (frame, y, x), any real, integer or boolean type, on any space
  template <TensorView M>
  explicit point_mask(const M& mask) : mask_(detail::binary_mask<T, 3, Ex>(mask)) {}

  void unify(shape<5>& d, shape<5>& r) const {
    shape<5> own = shape<5>::all_open();
    if (mask_.extent(0) != 1) own[0] = static_cast<index_t>(mask_.extent(0));
    own[3] = static_cast<index_t>(mask_.extent(1));
    own[4] = static_cast<index_t>(mask_.extent(2));
    merge(own, d, "point_mask (frame, slice, coil, y, x)");
    merge(d, r, "point_mask (frame, slice, coil, y, x)");
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    detail::run_mask<T>(ex, mask_.data(), static_cast<index_t>(mask_.extent(0)), false, x, y, acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    apply(ex, y, x, acc);
  }
  const void* id() const { return mask_.data(); }
  /// 0/1 (frame or 1, y, x).
  const tensor<T, 3, Ex>& mask() const { return mask_; }

 private:
  tensor<T, 3, Ex> mask_;
};

namespace detail {
/// Masks that are not floating point (bytes, bool) serve float operators.
template <class M>
using mask_real = std::conditional_t<std::is_floating_point_v<element_of<M>>, element_of<M>, float>;
}  // namespace detail

template <TensorView M>
line_mask(const M&) -> line_mask<detail::mask_real<M>, space_of<M>>;
template <TensorView M>
point_mask(const M&) -> point_mask<detail::mask_real<M>, space_of<M>>;

namespace detail {
template <class T, ExecutionSpace Ex, int R>
tensor<T, R, Ex> random_mask(const Ex& ex, const shape<R>& s, std::uint64_t seed) {
  auto m = make_tensor<T>(host_space{}, s);
  for (index_t i = 0; i < s.size(); ++i)
    m.data()[i] = random::unit(random::bits(seed, std::uint64_t(i)).w[0]) < 0.4 ? T(1) : T(0);
  return to_space(ex, m);
}
}  // namespace detail

template <class T, ExecutionSpace Ex>
struct specimen<line_mask<T, Ex>> {
  static line_mask<T, Ex> make(const Ex& ex, size_class s, std::uint64_t seed) {
    const shape<5> k = specimen_kspace(s);
    const index_t frames = s == size_class::odd ? 1 : k[0];  // also the mask shared by all frames
    return line_mask<T, Ex>(detail::random_mask<T>(ex, shape{frames, k[3]}, seed));
  }
  static shape<5> domain(size_class s) { return specimen_kspace(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<point_mask<T, Ex>> {
  static point_mask<T, Ex> make(const Ex& ex, size_class s, std::uint64_t seed) {
    const shape<5> k = specimen_kspace(s);
    const index_t frames = s == size_class::odd ? 1 : k[0];
    return point_mask<T, Ex>(detail::random_mask<T>(ex, shape{frames, k[3], k[4]}, seed));
  }
  static shape<5> domain(size_class s) { return specimen_kspace(s); }
};
template <class T, ExecutionSpace Ex>
using sampling_specimens = type_list<line_mask<T, Ex>, point_mask<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
