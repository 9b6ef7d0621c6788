// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_SENSITIVITY_HPP
#define CARDIOMM_LINOP_SENSITIVITY_HPP
/// \file
/// Coil sensitivities: image -> coil images by multiplication with maps, and back by the conjugate
/// sum over coils. With several sets of maps (soft-SENSE, Uecker et al. 2014) the image has a
/// leading axis of sets, whose coil images add up.

#include <memory>

#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// Tensor of any owner, seen with another rank.
template <class C, int R, ExecutionSpace Ex>
struct held_tensor {
  view<const C, R, Ex> data;
  std::shared_ptr<const void> owner;

  template <TensorView V>
  held_tensor(const V& v, const shape<R>& s)
      : data(static_cast<const C*>(v.data()), cardiomm::detail::layout_of(s)),
        owner(std::make_shared<V>(v)) {}
};

/// Extents (set, slice, coil, y, x) of maps with fewer axes.
template <TensorView M>
shape<5> maps_shape(const M& maps) {
  static_assert(rank_of<M> >= 3 && rank_of<M> <= 5,
                "cardiomm: maps are (coil, y, x), (slice, coil, y, x) or (set, slice, coil, y, x)");
  shape<5> s{{1, 1, 1, 1, 1}};
  for (int i = 0; i < rank_of<M>; ++i) s[5 - rank_of<M> + i] = static_cast<index_t>(maps.extent(i));
  return s;
}

/// coils(f, s, c, y, x) = sum over sets of maps(set, s, c, y, x) image(set, f, s, y, x)
template <class C>
struct expand_coils {
  static constexpr const char* name = "cardiomm::linop::sensitivity";
  const C* maps;
  const C* image;
  C* coils;
  shape<5> m;  // (set, slice, coil, y, x)
  shape<5> k;  // (frame, slice, coil, y, x)
  accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t ny = k[3], nx = k[4];
    const index_t y = row % ny, coil = row / ny % k[2], fs = row / (ny * k[2]);
    const index_t slice = m[1] == 1 ? 0 : fs % k[1];
    C* out = coils + row * nx;
    for (index_t set = 0; set < m[0]; ++set) {
      const C* a = maps + (((set * m[1] + slice) * m[2] + coil) * ny + y) * nx;
      const C* b = image + ((set * k[0] * k[1] + fs) * ny + y) * nx;
      const accumulation<C> to{acc.alpha, acc.add || set > 0};
      for (index_t x = first; x < last; ++x) to.put(out[x], mul(a[x], b[x]));
    }
  }
};

/// image(set, f, s, y, x) = sum over coils of conj(maps(set, s, c, y, x)) coils(f, s, c, y, x)
template <class C>
struct combine_coils {
  static constexpr const char* name = "cardiomm::linop::sensitivity_adjoint";
  const C* maps;
  const C* coils;
  C* image;
  shape<5> m, k;
  accumulation<C> acc;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t ny = k[3], nx = k[4];
    const index_t y = row % ny, fs = row / ny % (k[0] * k[1]), set = row / (ny * k[0] * k[1]);
    const index_t slice = m[1] == 1 ? 0 : fs % k[1];
    C* out = image + row * nx;
    for (index_t coil = 0; coil < k[2]; ++coil) {
      const C* a = maps + (((set * m[1] + slice) * m[2] + coil) * ny + y) * nx;
      const C* b = coils + ((fs * k[2] + coil) * ny + y) * nx;
      const accumulation<C> to{acc.alpha, acc.add || coil > 0};
      for (index_t x = first; x < last; ++x) to.put(out[x], conj_mul(a[x], b[x]));
    }
  }
};

/// Common part of the operators with one set and with several sets.
template <class Self, class T, int ImageRank, ExecutionSpace Ex>
class sensitivity_base : public linear_operator<Self, T, ImageRank, 5, Ex> {
  using base = linear_operator<Self, T, ImageRank, 5, Ex>;
  using C = complex<T>;
  static constexpr int lead = ImageRank - 4;  // axes before (frame, slice, y, x)

 public:
  template <TensorView M>
  explicit sensitivity_base(const M& maps) : maps_(maps, maps_shape(maps)) {
    static_assert(std::is_same_v<element_of<M>, C>,
                  "cardiomm: maps must be complex<T>; convert them to the operator's precision");
    const shape<5> m = shape_of(maps_.data);
    require<shape_error>(m[2] > 0, Self::name, ": expected at least one coil, found maps ", m);
    require<shape_error>(lead == 1 || m[0] == 1, Self::name, ": expected one set of maps, found ",
                         m[0], "; use soft_sensitivity for several");
  }

  void unify(shape<ImageRank>& d, shape<5>& r) const {
    const shape<5> m = shape_of(maps_.data);
    constexpr const char* who = Self::name;
    index_t sets = m[0], slices = m[1] == 1 ? open : m[1], coils = m[2], ny = m[3], nx = m[4];
    if constexpr (lead == 1) merge(d[0], sets, who, "set");
    merge(r[1], slices, who, "slice");
    merge(d[lead + 1], r[1], who, "slice");
    merge(d[lead], r[0], who, "frame");
    merge(r[2], coils, who, "coil");
    merge(d[lead + 2], ny, who, "y");
    merge(r[3], ny, who, "y");
    merge(d[lead + 3], nx, who, "x");
    merge(r[4], nx, who, "x");
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    const shape<5> k = shape_of(y);
    launch::rows(
        ex, k[0] * k[1] * k[2] * k[3], k[4],
        expand_coils<C>{maps_.data.data(), x.data(), y.data(), shape_of(maps_.data), k, acc});
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    const shape<5> k = shape_of(y), m = shape_of(maps_.data);
    launch::rows(ex, m[0] * k[0] * k[1] * k[3], k[4],
                 combine_coils<C>{maps_.data.data(), y.data(), x.data(), m, k, acc});
  }
  const void* id() const { return maps_.data.data(); }
  /// (set, slice or 1, coil, y, x)
  view<const C, 5, Ex> maps() const { return maps_.data; }

 private:
  held_tensor<C, 5, Ex> maps_;
};
}  // namespace detail

/// Image (frame, slice, y, x) -> coil images (frame, slice, coil, y, x). Maps (coil, y, x) or
/// (slice, coil, y, x), unitless; one slice of maps serves all slices. A tensor is shared, not
/// copied; a borrowed view must outlive the operator.
template <class T, ExecutionSpace Ex = default_space>
class sensitivity : public detail::sensitivity_base<sensitivity<T, Ex>, T, 4, Ex> {
 public:
  static constexpr const char* name = "sensitivity";
  using detail::sensitivity_base<sensitivity<T, Ex>, T, 4, Ex>::sensitivity_base;
};

/// Images (set, frame, slice, y, x) -> coil images (frame, slice, coil, y, x) with maps
/// (set, slice, coil, y, x).
template <class T, ExecutionSpace Ex = default_space>
class soft_sensitivity : public detail::sensitivity_base<soft_sensitivity<T, Ex>, T, 5, Ex> {
 public:
  static constexpr const char* name = "soft_sensitivity";
  using detail::sensitivity_base<soft_sensitivity<T, Ex>, T, 5, Ex>::sensitivity_base;
};

/// The operator for images of rank 4, or of rank 5 with sets in front.
template <class T, int ImageRank, ExecutionSpace Ex>
using sensitivity_of_rank =
    std::conditional_t<ImageRank == 5, soft_sensitivity<T, Ex>, sensitivity<T, Ex>>;

template <TensorView M>
sensitivity(const M&) -> sensitivity<real_of<element_of<M>>, space_of<M>>;
template <TensorView M>
soft_sensitivity(const M&) -> soft_sensitivity<real_of<element_of<M>>, space_of<M>>;

namespace detail {
template <class T, ExecutionSpace Ex>
tensor<complex<T>, 5, Ex> random_maps(const Ex& ex, size_class s, index_t sets,
                                      std::uint64_t seed) {
  const shape<5> k = specimen_kspace(s);
  const index_t slices = s == size_class::wide ? 1 : k[1];  // also maps shared by the slices
  auto m = make_tensor<complex<T>>(ex, shape{sets, slices, k[2], k[3], k[4]});
  random::fill_normal(ex, m, seed);
  return m;
}
}  // namespace detail

template <class T, ExecutionSpace Ex>
struct specimen<sensitivity<T, Ex>> {
  static sensitivity<T, Ex> make(const Ex& ex, size_class s, std::uint64_t seed) {
    return sensitivity<T, Ex>(detail::random_maps<T>(ex, s, 1, seed));
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<soft_sensitivity<T, Ex>> {
  static soft_sensitivity<T, Ex> make(const Ex& ex, size_class s, std::uint64_t seed) {
    return soft_sensitivity<T, Ex>(detail::random_maps<T>(ex, s, 2, seed));
  }
  static shape<5> domain(size_class s) {
    const shape<4> i = specimen_image(s);
    return {{2, i[0], i[1], i[2], i[3]}};
  }
};
template <class T, ExecutionSpace Ex>
using sensitivity_specimens = type_list<sensitivity<T, Ex>, soft_sensitivity<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

// Every unit that can write sampling * fourier * sensitivity must know its fused kernels: two units
// that disagree on what a type does would break the one-definition rule.
#include "cardiomm/linop/encode.hpp"         // IWYU pragma: export
#include "cardiomm/linop/normal.hpp"         // IWYU pragma: export
#include "cardiomm/linop/normal_volume.hpp"  // IWYU pragma: export

#endif
