// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MODELS_CONSISTENCY_HPP
#define CARDIOMM_MODELS_CONSISTENCY_HPP
/// \file
/// Soft data consistency of unrolled networks, with this library's encoding operator A = M F S:
///
///     m = F S x,   k' = m + M (k0 - m) / (1 + a),   a = |weight|
///
/// K-space (item, slices times coils, y, x), images (item, slice, y, x), maps as k-space: every
/// item has maps of its own, so an item's slices are slices of the operators. Where only the image
/// of k' is wanted and the squares of the maps sum to one, S^H F^H k' = x + (A^H k0 - A^H A x) / (1
/// + a), which takes one fused kernel and no coil images.

#include <cmath>
#include <vector>

#include "cardiomm/linop/any.hpp"
#include "cardiomm/mri/encoding.hpp"
#include "cardiomm/mri/reconstruct.hpp"
#include "cardiomm/prox/concept.hpp"

namespace cardiomm::inline CARDIOMM_ABI::models {

namespace detail {

/// out = coils / sqrt(sum over coils of |coils|^2), pixel by pixel; planes (y, x) of C coils.
template <class C>
struct normalise_maps {
  static constexpr const char* name = "cardiomm::models::normalise_maps";
  const C* in;
  C* out;
  index_t coils, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t set, index_t first, index_t last) const {
    const C* a = in + set * coils * pixels;
    C* b = out + set * coils * pixels;
    for (index_t p = first; p < last; ++p) {
      real_of<C> sum = 0;
      for (index_t c = 0; c < coils; ++c) sum += abs2(a[c * pixels + p]);
      const real_of<C> root = math::sqrt(sum);
      for (index_t c = 0; c < coils; ++c) {
        const C v = a[c * pixels + p];
        b[c * pixels + p] = C(v.real() / root, v.imag() / root);
      }
    }
  }
};
/// d = (dmaps - maps Re <maps, dmaps>) / |coils|; in place of dmaps.
template <class C>
struct normalise_maps_backward {
  static constexpr const char* name = "cardiomm::models::normalise_maps_backward";
  const C* in;
  const C* maps;
  C* d;
  index_t coils, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t set, index_t first, index_t last) const {
    using T = real_of<C>;
    const index_t at = set * coils * pixels;
    for (index_t p = at + first; p < at + last; ++p) {
      T sum = 0, along = 0;
      for (index_t c = 0; c < coils; ++c) {
        sum += abs2(in[p + c * pixels]);
        along += conj_mul(maps[p + c * pixels], d[p + c * pixels]).real();
      }
      const T scale = T(1) / math::sqrt(sum);
      for (index_t c = 0; c < coils; ++c) {
        const C m = maps[p + c * pixels], g = d[p + c * pixels];
        d[p + c * pixels] =
            C((g.real() - m.real() * along) * scale, (g.imag() - m.imag() * along) * scale);
      }
    }
  }
};
/// image = sqrt(sum over coils of |z|^2); one slice of each item.
template <class C>
struct root_sum_of_squares {
  static constexpr const char* name = "cardiomm::models::root_sum_of_squares";
  const C* coil_images;
  real_of<C>* image;
  index_t coils, slices, slice, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t first, index_t last) const {
    const C* a = coil_images + (item * slices + slice) * coils * pixels;
    for (index_t p = first; p < last; ++p) {
      real_of<C> sum = 0;
      for (index_t c = 0; c < coils; ++c) sum += abs2(a[c * pixels + p]);
      image[item * pixels + p] = math::sqrt(sum);
    }
  }
};
/// d = dimage z / image, zero in the other slices and where the image is zero.
template <class C>
struct root_sum_of_squares_backward {
  static constexpr const char* name = "cardiomm::models::root_sum_of_squares_backward";
  using T = real_of<C>;
  const C* coil_images;
  const T* image;
  const T* dimage;
  C* d;
  index_t coils, slices, slice, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t plane = row / coils, item = plane / slices;
    const bool used = plane % slices == slice;
    for (index_t p = first; p < last; ++p) {
      const T size = image[item * pixels + p];
      const T f = used && size > T(0) ? dimage[item * pixels + p] / size : T(0);
      const C z = coil_images[row * pixels + p];
      d[row * pixels + p] = C(f * z.real(), f * z.imag());
    }
  }
};
/// dmaps += conj(image) coils
template <class C>
struct add_map_gradient {
  static constexpr const char* name = "cardiomm::models::add_map_gradient";
  const C* image;
  const C* coil_images;
  C* dmaps;
  index_t coils, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const C* a = image + row / coils * pixels;
    for (index_t p = first; p < last; ++p)
      dmaps[row * pixels + p] += conj_mul(a[p], coil_images[row * pixels + p]);
  }
};

/// next = m + w (k0 - m) where the mask is, m elsewhere. Rows are (item, coil, y).
template <class C>
struct soft_consistency {
  static constexpr const char* name = "cardiomm::models::soft_consistency";
  const C* k0;
  const C* m;
  const std::uint8_t* mask;
  C* next;
  real_of<C> w;
  index_t planes, ny, nx;  // coil images that share a mask
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const std::uint8_t* here = mask + (row / (planes * ny) * ny + row % ny) * nx;
    const C* a = k0 + row * nx;
    const C* b = m + row * nx;
    C* out = next + row * nx;
    for (index_t x = first; x < last; ++x) {
      const real_of<C> f = here[x] ? w : real_of<C>(0);
      out[x] = C(b[x].real() + f * (a[x].real() - b[x].real()),
                 b[x].imag() + f * (a[x].imag() - b[x].imag()));
    }
  }
};
/// Backward of it: dnext becomes dm, dk0 (may be null) is added to; sums Re <k0 - m, M dnext>.
template <class C>
struct soft_consistency_backward {
  static constexpr const char* name = "cardiomm::models::soft_consistency_backward";
  const C* k0;
  const C* m;
  const std::uint8_t* mask;
  C* dnext;
  C* dk0;
  real_of<C> w;
  index_t planes, ny, nx;
  KOKKOS_INLINE_FUNCTION double operator()(index_t, index_t first, index_t last) const {
    double sum = 0;
    for (index_t i = first; i < last;) {  // row by row
      const index_t row = i / nx, end = (row + 1) * nx < last ? (row + 1) * nx : last;
      const std::uint8_t* here = mask + (row / (planes * ny) * ny + row % ny) * nx - row * nx;
      for (; i < end; ++i) {
        if (!here[i]) continue;
        const C d = dnext[i];
        sum += (double(k0[i].real()) - double(m[i].real())) * double(d.real()) +
               (double(k0[i].imag()) - double(m[i].imag())) * double(d.imag());
        if (dk0) dk0[i] += C(w * d.real(), w * d.imag());
        dnext[i] = C(d.real() - w * d.real(), d.imag() - w * d.imag());
      }
    }
    return sum;
  }
};

}  // namespace detail

/// The encoding of a batch; see the top of this file. Masks (item or 1, y, x), 0/1.
template <class T, ExecutionSpace Ex>
class consistency {
  using C = complex<T>;
  template <int R>
  using in = view<const C, R, Ex>;
  template <int R>
  using out = view<C, R, Ex>;

 public:
  /// k: shape of k-space; `slices` neighbouring slices lie in its axis of coils.
  consistency(const Ex& ex, const host_tensor<std::uint8_t, 3>& mask, const shape<4>& k,
              index_t slices)
      : slices_(slices) {
    const shape<3> m = shape_of(mask);
    require<shape_error>((m[0] == 1 || m[0] == k[0]) && m[1] == k[2] && m[2] == k[3],
                         "cardiomm: mask: expected (item or 1, y, x) = ", shape{k[0], k[2], k[3]},
                         ", found ", m);
    require<shape_error>(slices > 0 && k[1] % slices == 0 && k[1] > 0,
                         "cardiomm: k-space: expected coils of ", slices,
                         " slices, found an axis of ", k[1]);
    const index_t groups = m[0];
    planes_ = k[0] * slices / groups;
    const index_t coils = k[1] / slices;
    all_ = shape<5>{{1, k[0] * slices, coils, k[2], k[3]}};
    group_ = shape<5>{{1, planes_, coils, k[2], k[3]}};
    mask_ = make_tensor<std::uint8_t>(ex, m, "cardiomm::models::mask");
    set_mask(ex, mask);
  }

  /// Another mask of the same shape, which has to stay; allocates nothing. `set_operators` comes
  /// after it.
  void set_mask(const Ex& ex, const host_tensor<std::uint8_t, 3>& mask) {
    require<shape_error>(shape_of(mask) == shape_of(mask_),
                         "cardiomm: mask: expected (item, y, x) = ", shape_of(mask_), ", found ",
                         shape_of(mask));
    host_mask_ = mask;
    Kokkos::deep_copy(ex, mask_, mask);
  }
  /// Maps as k-space; the view has to stay.
  void set_maps(const view<const C, 4, Ex>& maps) { maps_ = maps; }
  /// Fused operators for `adjoint` and `step_image`, with the maps and the mask of now.
  void set_operators() {
    encodings_.clear();
    normals_.clear();
    const index_t groups = index_t(mask_.extent(0));
    for (index_t g = 0; g < groups; ++g)
      mri::detail::with_sampling<T, Ex>(
          mri::detail::mask_frame(host_mask_, g), [&](const auto& sampling) {
            const auto a = mri::encoding(sampling, linop::sensitivity<T, Ex>(part(maps_, g)));
            encodings_.emplace_back(a);
            normals_.emplace_back(linop::gram(a));
            return 0;
          });
  }

  /// x = S^H F^H k, all samples. `coil_images` of k's shape are left behind.
  void combine(const Ex& ex, const in<4>& k, const out<4>& coil_images, const out<4>& x) const {
    inverse(ex, k, coil_images);
    maps_operator().apply_adjoint(ex, whole(coil_images), plane(x), {});
  }
  /// dmaps += conj(x) z
  void map_gradient(const Ex& ex, const in<4>& x, const in<4>& z, const out<4>& dmaps) const {
    launch::rows(
        ex, all_[1] * all_[2], all_[3] * all_[4],
        detail::add_map_gradient<C>{x.data(), z.data(), dmaps.data(), all_[2], all_[3] * all_[4]});
  }
  /// k = F S x
  void expand(const Ex& ex, const in<4>& x, const out<4>& k) const {
    maps_operator().apply(ex, plane(x), whole(k), {});
    fourier().apply(ex, whole(k), whole(k), {});
  }
  /// z = F^H k
  void inverse(const Ex& ex, const in<4>& k, const out<4>& z) const {
    fourier().apply_adjoint(ex, whole(k), whole(z), {});
  }
  /// b = A^H k0
  void adjoint(const Ex& ex, const in<4>& k0, const out<4>& b) const {
    for (std::size_t g = 0; g < encodings_.size(); ++g)
      encodings_[g].apply_adjoint(ex, part(k0, g), image_part(b, g), {});
  }
  /// next = x + (b - A^H A x) / (1 + a): the image of the step, without its k-space.
  void step_image(const Ex& ex, const in<4>& x, const in<4>& b, double weight,
                  const out<4>& next) const {
    const C w(static_cast<T>(1 / (1 + std::abs(weight))));
    Kokkos::deep_copy(ex, next, x);
    blas1::axpby(ex, w, b, C(1), next);
    for (std::size_t g = 0; g < normals_.size(); ++g)
      normals_[g].apply(ex, image_part(x, g), image_part(next, g), {-w, true});
  }
  /// m = F S x and next = m + M (k0 - m) / (1 + a).
  void step(const Ex& ex, const in<4>& x, const in<4>& k0, double weight, const out<4>& m,
            const out<4>& next) const {
    expand(ex, x, m);
    soften(ex, m, k0, weight, next);
  }
  /// next = m + M (k0 - m) / (1 + a)
  void soften(const Ex& ex, const in<4>& m, const in<4>& k0, double weight,
              const out<4>& next) const {
    const T w = static_cast<T>(1 / (1 + std::abs(weight)));
    launch::rows(ex, all_[1] * all_[2] * all_[3], all_[4],
                 detail::soft_consistency<C>{k0.data(), m.data(), mask_.data(), next.data(), w,
                                             planes_ * all_[2], all_[3], all_[4]});
  }
  /// Backward of step. `dnext` becomes that of m on the way; dk0, unless null, and dmaps are added
  /// to; returns the derivative with respect to the weight. `scratch` as k-space.
  double step_backward(const Ex& ex, const in<4>& x, const in<4>& k0, const in<4>& m, double weight,
                       const out<4>& dnext, const out<4>& scratch, const out<4>& dx,
                       const out<4>& dk0, const out<4>& dmaps) const {
    const T w = static_cast<T>(1 / (1 + std::abs(weight)));
    const double dw = prox::detail::total(
        ex, all_.size(),
        detail::soft_consistency_backward<C>{k0.data(), m.data(), mask_.data(), dnext.data(),
                                             dk0.data(), w, planes_ * all_[2], all_[3], all_[4]});
    inverse(ex, dnext, scratch);
    map_gradient(ex, x, scratch, dmaps);
    maps_operator().apply_adjoint(ex, whole(scratch), plane(dx), {});
    return -dw * double(w) * double(w) * (weight < 0 ? -1 : weight > 0 ? 1 : 0);
  }

  /// image (item, y, x) = root of the sum of squares of F^H k of the slice in the middle; z = F^H
  /// k.
  void magnitude(const Ex& ex, const in<4>& k, const out<4>& z, const view<T, 3, Ex>& image) const {
    inverse(ex, k, z);
    const index_t items = all_[1] / slices_, pixels = all_[3] * all_[4];
    launch::rows(ex, items, pixels,
                 detail::root_sum_of_squares<C>{z.data(), image.data(), all_[2], slices_,
                                                slices_ / 2, pixels});
  }
  /// dk, given what `magnitude` left behind.
  void magnitude_backward(const Ex& ex, const in<4>& z, const view<const T, 3, Ex>& image,
                          const view<const T, 3, Ex>& dimage, const out<4>& dk) const {
    const index_t pixels = all_[3] * all_[4];
    launch::rows(
        ex, all_[1] * all_[2], pixels,
        detail::root_sum_of_squares_backward<C>{z.data(), image.data(), dimage.data(), dk.data(),
                                                all_[2], slices_, slices_ / 2, pixels});
    fourier().apply(ex, whole(dk), whole(dk), {});
  }
  /// maps = z / sqrt(sum over the coils of a slice of |z|^2)
  void normalise(const Ex& ex, const in<4>& z, const out<4>& maps) const {
    launch::rows(ex, all_[1], all_[3] * all_[4],
                 detail::normalise_maps<C>{z.data(), maps.data(), all_[2], all_[3] * all_[4]});
  }
  /// Backward of normalise, in place of dmaps.
  void normalise_backward(const Ex& ex, const in<4>& z, const out<4>& dmaps) const {
    launch::rows(ex, all_[1], all_[3] * all_[4],
                 detail::normalise_maps_backward<C>{z.data(), maps_.data(), dmaps.data(), all_[2],
                                                    all_[3] * all_[4]});
  }
  /// k = F z, in place.
  void forward(const Ex& ex, const out<4>& z) const { fourier().apply(ex, whole(z), whole(z), {}); }

 private:
  template <class V>
  static auto group(const view<V, 4, Ex>& k, const shape<5>& s, index_t g) {
    return view<V, 5, Ex>(k.data() + g * s.size(), ::cardiomm::detail::layout_of(s));
  }
  in<5> part(const in<4>& k, std::size_t g) const { return group<const C>(k, group_, index_t(g)); }
  in<5> part(const in<4>& k, index_t g) const { return group<const C>(k, group_, g); }
  out<5> part(const out<4>& k, std::size_t g) const { return group<C>(k, group_, index_t(g)); }
  template <TensorView K>
  view<typename K::value_type, 5, Ex> whole(const K& k) const {
    return group<typename K::value_type>(k, all_, 0);
  }
  template <TensorView X>
  auto plane(const X& x) const {
    using V = typename X::value_type;
    return view<V, 4, Ex>(x.data(),
                          ::cardiomm::detail::layout_of(shape<4>{{1, all_[1], all_[3], all_[4]}}));
  }
  template <TensorView X>
  auto image_part(const X& x, std::size_t g) const {
    using V = typename X::value_type;
    const shape<4> s{{1, planes_, all_[3], all_[4]}};
    return view<V, 4, Ex>(x.data() + index_t(g) * s.size(), ::cardiomm::detail::layout_of(s));
  }
  static linop::fourier_op<T, 5, Ex> fourier() { return {}; }
  linop::sensitivity<T, Ex> maps_operator() const {
    return linop::sensitivity<T, Ex>(whole(maps_));
  }

  index_t slices_, planes_ = 1;
  shape<5> all_{}, group_{};
  host_tensor<std::uint8_t, 3> host_mask_;
  tensor<std::uint8_t, 3, Ex> mask_;
  view<const C, 4, Ex> maps_;
  std::vector<linop::any_operator<T, 4, 5, Ex>> encodings_;
  std::vector<linop::any_normal<T, 4, Ex>> normals_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::models

#endif
