// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_NORMAL_POINT_HPP
#define CARDIOMM_LINOP_NORMAL_POINT_HPP
/// \file
/// The normal operator of SENSE with single samples, `point_mask * fourier * sensitivity`; `gram`
/// finds it by type. Transforms along y fuse with the maps, those along x with the mask (the
/// kernels of encode_kernels.hpp); coil data of one plane at a time stay in the last cache.

#include "cardiomm/linop/encode.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// A^H A + shift for A = point_mask * fourier * sensitivity. Image (frame, slice, y, x), or (set,
/// frame, slice, y, x) with soft_sensitivity; x and y may be the same tensor.
template <class T, ExecutionSpace Ex = default_space, int ImageRank = 4>
class sense_point_normal
    : public fused_normal<sense_point_normal<T, Ex, ImageRank>, T, ImageRank, Ex> {
  using base = linear_operator<sense_point_normal<T, Ex, ImageRank>, T, ImageRank, ImageRank, Ex>;
  using coils_type = sensitivity_of_rank<T, ImageRank, Ex>;

 public:
  static constexpr const char* name = "sense_point_normal";
  static constexpr bool inplace_ok = true;
  using encoding = chain<point_mask<T, Ex>, fourier_op<T, 5, Ex>, coils_type>;

  /// Throws shape_error if mask and maps do not fit each other.
  sense_point_normal(const point_mask<T, Ex>& mask, const coils_type& coils)
      : sense_point_normal(encoding(mask, {}, coils)) {}
  explicit sense_point_normal(const encoding& a) : pair_(a.kernels()), domain_(a.domain()) {
    id_ = std::get<0>(a.operators()).id();
  }

  void unify(shape<ImageRank>& d, shape<ImageRank>& r) const {
    shape<ImageRank> own = domain_;
    merge(own, d, name);
    merge(d, r, name);
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    pair_.apply_normal(ex, x, y, this->shift(), acc);
  }
  const void* id() const { return id_; }

 private:
  detail::encode_pair<T, Ex, ImageRank> pair_;
  shape<ImageRank> domain_;
  const void* id_;
};

template <class T, ExecutionSpace Ex, class Coils>
requires CoilMaps<Coils>
struct gram_of<chain<point_mask<T, Ex>, fourier_op<T, 5, Ex>, Coils>> {
  static auto make(const chain<point_mask<T, Ex>, fourier_op<T, 5, Ex>, Coils>& a) {
    return sense_point_normal<T, Ex, Coils::domain_rank>(a);
  }
};

template <class T, ExecutionSpace Ex, int ImageRank>
struct specimen<sense_point_normal<T, Ex, ImageRank>> {
  using coils = sensitivity_of_rank<T, ImageRank, Ex>;
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return sense_point_normal<T, Ex, ImageRank>(specimen<point_mask<T, Ex>>::make(ex, s, seed),
                                                specimen<coils>::make(ex, s, seed + 1))
        .shifted(T(0.25));
  }
  static auto domain(size_class s) { return specimen<coils>::domain(s); }
};
template <class T, ExecutionSpace Ex>
using normal_point_specimens = type_list<sense_point_normal<T, Ex>, sense_point_normal<T, Ex, 5>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
