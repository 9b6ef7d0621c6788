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
                "cardiomm: line_mask takes (y) or (frame, y), point_mask (y, x) or (frame, y, x), "
                "partition_mask (partition, y) or (frame, partition, y)");
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
  shape<4> step;  // of the mask along frame, slice, y and x; 0 where it does not change
  accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % s[3], slice = row / (s[3] * s[2]) % s[1];
    const index_t frame = row / (s[3] * s[2] * s[1]);
    const C* a = in + row * s[4];
    C* b = out + row * s[4];
    const T* w = mask + frame * step[0] + slice * step[1] + y * step[2];
    if (step[3] == 0)
      for (index_t x = first; x < last; ++x) acc.put(b[x], w[0] * a[x]);
    else
      for (index_t x = first; x < last; ++x) acc.put(b[x], w[x] * a[x]);
  }
};

/// What operators that keep the samples of a mask have in common.
template <class Self, class T, int MaskRank, ExecutionSpace Ex>
class mask_base : public linear_operator<Self, T, 5, 5, Ex> {
  using base = linear_operator<Self, T, 5, 5, Ex>;

 public:
  static constexpr bool self_adjoint = true, idempotent = true, is_diagonal = true,
                        inplace_ok = true;

  template <TensorView M>
  explicit mask_base(const M& mask) : mask_(binary_mask<T, MaskRank, Ex>(mask)) {}

  void unify(shape<5>& d, shape<5>& r) const {
    shape<5> own = shape<5>::all_open();
    if (mask_.extent(0) != 1) own[0] = static_cast<index_t>(mask_.extent(0));
    for (int i = 1; i < MaskRank; ++i) own[Self::axes[i]] = static_cast<index_t>(mask_.extent(i));
    merge(own, d, Self::name);
    merge(d, r, Self::name);
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    shape<5> step{};
    index_t next = 1;
    for (int i = MaskRank; i-- > 0; next *= static_cast<index_t>(mask_.extent(i)))
      step[Self::axes[i]] = mask_.extent(i) == 1 && i == 0 ? 0 : next;
    const shape<5> s = shape_of(x);
    launch::rows(ex, s[0] * s[1] * s[2] * s[3], s[4],
                 mask_kernel<complex<T>>{x.data(), y.data(), mask_.data(), s,
                                         shape<4>{{step[0], step[1], step[3], step[4]}}, acc});
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    apply(ex, y, x, acc);
  }
  const void* id() const { return mask_.data(); }
  /// 0/1, the first axis is (frame or 1).
  const tensor<T, MaskRank, Ex>& mask() const { return mask_; }

 private:
  tensor<T, MaskRank, Ex> mask_;
};
}  // namespace detail

/// Keeps whole readout lines: mask (y), the same in every frame, or (frame, y), of any real,
/// integer or boolean type, on any space.
///
///     line_mask(m)           precision of m if it is real, else float
///     line_mask<double>(m)   in double
template <class T, ExecutionSpace Ex = default_space>
class line_mask : public detail::mask_base<line_mask<T, Ex>, T, 2, Ex> {
 public:
  static constexpr const char* name = "line_mask (frame, slice, coil, y, x)";
  static constexpr int axes[] = {0, 3};
  template <TensorView M>
  explicit line_mask(const M& mask)
      : detail::mask_base<line_mask<T, Ex>, T, 2, Ex>(mask), series_(this->mask()) {}
  /// Some frames of a series: fused kernels are planned for the whole of it, so that a frame's
  /// result is the same, bit for bit, whichever others are there. `series` (frame, y).
  template <TensorView M, TensorView S>
  line_mask(const M& mask, const S& series)
      : detail::mask_base<line_mask<T, Ex>, T, 2, Ex>(mask),
        series_(detail::binary_mask<T, 2, Ex>(series)) {}
  /// 0/1 (frame, y): what kernels are planned for.
  const tensor<T, 2, Ex>& series() const { return series_; }

 private:
  tensor<T, 2, Ex> series_;
};

/// Keeps single samples: mask (y, x), the same in every frame, or (frame, y, x).
template <class T, ExecutionSpace Ex = default_space>
class point_mask : public detail::mask_base<point_mask<T, Ex>, T, 3, Ex> {
 public:
  static constexpr const char* name = "point_mask (frame, slice, coil, y, x)";
  static constexpr int axes[] = {0, 3, 4};
  using detail::mask_base<point_mask<T, Ex>, T, 3, Ex>::mask_base;
};

/// Keeps whole readout lines of a volume with two phase encodes: mask (partition, y), the same in
/// every frame, or (frame, partition, y). The partitions take the place of the slices.
template <class T, ExecutionSpace Ex = default_space>
class partition_mask : public detail::mask_base<partition_mask<T, Ex>, T, 3, Ex> {
 public:
  static constexpr const char* name = "partition_mask (frame, partition, coil, y, x)";
  static constexpr int axes[] = {0, 1, 3};
  using detail::mask_base<partition_mask<T, Ex>, T, 3, Ex>::mask_base;
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
template <TensorView M>
partition_mask(const M&) -> partition_mask<detail::mask_real<M>, space_of<M>>;

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
struct specimen<partition_mask<T, Ex>> {
  static partition_mask<T, Ex> make(const Ex& ex, size_class s, std::uint64_t seed) {
    const shape<5> k = specimen_kspace(s);
    const index_t frames = s == size_class::odd ? 1 : k[0];
    return partition_mask<T, Ex>(detail::random_mask<T>(ex, shape{frames, k[1], k[3]}, seed));
  }
  static shape<5> domain(size_class s) { return specimen_kspace(s); }
};
template <class T, ExecutionSpace Ex>
using sampling_specimens = type_list<line_mask<T, Ex>, point_mask<T, Ex>, partition_mask<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
