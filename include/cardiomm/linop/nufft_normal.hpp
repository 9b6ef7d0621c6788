// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_NUFFT_NORMAL_HPP
#define CARDIOMM_LINOP_NUFFT_NORMAL_HPP
/// \file
/// The normal operator of the non-uniform Fourier transform as a convolution on a grid of twice the
/// extents (Toeplitz embedding; Wajer and Pruessmann, ISMRM 2001; Fessler et al., IEEE TSP 53,
/// 2005). `gram` finds it by type for
///
///     [diagonal(w) *] nufft [* sensitivity or soft_sensitivity]
///
/// The transform of the point-spread function of |w|^2, a real number for each frequency, is made
/// once; an apply is three kernels: maps and transform along y, transform along x and back with the
/// spectrum in between, transform along y, maps and coil sum. Neither the zeros around the image
/// nor the number of samples cost anything.

#include "cardiomm/fft/transform.hpp"
#include "cardiomm/linop/nufft.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

namespace detail {

/// samples (frame, slice, coil, spoke, sample) = |w|^2, w broadcast along extents of one.
template <class W, class C>
struct psf_samples {
  static constexpr const char* name = "cardiomm::linop::psf_samples";
  const W* weights;  ///< null: one
  C* samples;
  shape<5> s, w;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    index_t rest = row, at = 0, step = 1;
    for (int d = 4; d >= 0; --d) {
      if (d < 4) {
        at += w[d] == 1 ? 0 : rest % s[d] * step;
        rest /= s[d];
      }
      step *= w[d];
    }
    for (index_t i = first; i < last; ++i) {
      const real_of<C> v =
          weights == nullptr ? real_of<C>(1) : abs2(weights[at + (w[4] == 1 ? 0 : i)]);
      samples[row * s[4] + i] = C(v);
    }
  }
};

/// Clears what a convolution with an image of (ny, nx) pixels does not reach: at one half exactly
/// both signs would alias.
template <class C>
struct crop_psf {
  static constexpr const char* name = "cardiomm::linop::crop_psf";
  C* psf;
  shape<2> full, image;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t dy = row % full[0] - full[0] / 2;
    const bool out = dy <= -image[0] || dy >= image[0];
    for (index_t i = first; i < last; ++i) {
      const index_t dx = i - full[1] / 2;
      if (out || dx <= -image[1] || dx >= image[1]) psf[row * full[1] + i] = C(0);
    }
  }
};

/// Spectra in the order in which nufft_filter reads them.
template <class T, int W>
struct pack_spectrum {
  static constexpr const char* name = "cardiomm::linop::pack_spectrum";
  const complex<T>* from;  ///< (pattern, y, x), centred
  T* to;                   ///< (pattern, group of W rows, position along x, W)
  const int* along_y;      ///< position -> frequency
  const int* along_x;
  index_t groups, rows, cols;
  T scale;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t p = row % cols, group = row / cols % groups, pattern = row / (cols * groups);
    const index_t x = centred_index(along_x[p], cols);
    for (index_t i = first; i < last; ++i) {
      const index_t position = group * W + i;
      T v = 0;
      if (position < rows)
        v = from[(pattern * rows + centred_index(along_y[position], rows)) * cols + x].real();
      to[row * W + i] = scale * v;
    }
  }
};

/// The convolution.
template <class T, ExecutionSpace Ex>
class nufft_toeplitz {
  using C = complex<T>;

 public:
  /// With weights (frame, slice, coil, spoke, sample), each extent right or 1; null: none.
  template <TensorView V>
  nufft_toeplitz(const nufft<T, Ex>& a, const V* weights);

  /// y = alpha (A^H A + shift) x, or y += ...; `all` of coil_planes or image_planes.
  void apply(const Ex& ex, nufft_geometry<T> all, const C* x, C* y, T shift,
             accumulation<C> acc) const;
  nufft_geometry<T> geometry() const {
    nufft_geometry<T> g{};
    g.along_y = along_y_->stages();
    g.along_x = along_x_->stages();
    g.ny = image_[0];
    g.nx = image_[1];
    g.rows = full_[0];
    g.cols = full_[1];
    return g;
  }
  /// Extents (frame or open, slice or open, coil or open, y, x) of coil images.
  shape<5> extents() const {
    shape<5> s{{open, open, open, image_[0], image_[1]}};
    for (int d = 0; d < 3; ++d)
      if (patterns_[d] > 1) s[d] = patterns_[d];
    return s;
  }
  const void* id() const { return spectrum_.data(); }

 private:
  shape<2> image_{}, full_{};
  shape<3> patterns_{};
  std::shared_ptr<const fft::line<T, Ex>> along_y_, along_x_;
  tensor<T, 1, Ex> spectrum_;
};

// Not inline: see the end of fft/plan.hpp.
template <class T, ExecutionSpace Ex>
template <TensorView V>
nufft_toeplitz<T, Ex>::nufft_toeplitz(const nufft<T, Ex>& a, const V* weights)
    : image_(a.plan().image()) {
  const Ex ex;
  for (int d = 0; d < 2; ++d) full_[d] = nufft_length(2 * image_[d]);
  along_y_ = std::make_shared<const fft::line<T, Ex>>(ex, full_[0]);
  along_x_ = std::make_shared<const fft::line<T, Ex>>(ex, full_[1]);
  auto k = clone(host_space(), a.plan().trajectory());
  for (std::size_t i = 0; i < k.size(); ++i)
    k.data()[i] *= double(full_[1 - int(i % 2)]) / double(image_[1 - int(i % 2)]);
  const nufft<T, Ex> wide(k, full_, a.plan().options());
  const shape<4> t = shape_of(k);
  shape<5> s{{t[0], 1, 1, t[1], t[2]}}, w{{1, 1, 1, 1, 1}};
  if (weights != nullptr) {
    w = shape_of(*weights);
    for (int d = 0; d < 5; ++d) {
      if (s[d] == 1) s[d] = w[d];
      require<shape_error>(w[d] == s[d] || w[d] == 1, "nufft: weights: expected extents 1 or those",
                           " of samples ", s, ", found ", w);
    }
  }
  patterns_ = {{s[0], s[1], s[2]}};
  auto psf = make_tensor<C>(ex, shape{s[0], s[1], s[2], full_[0], full_[1]}, "cardiomm::psf");
  {
    auto samples = make_tensor<C>(ex, s, "cardiomm::psf_samples");
    launch::rows(ex, s[0] * s[1] * s[2] * s[3], s[4],
                 psf_samples<element_of<V>, C>{weights == nullptr ? nullptr : weights->data(),
                                               samples.data(), s, w});
    linop::apply_adjoint(ex, wide, samples, psf);
    ex.fence();  // the samples end here
  }
  const index_t patterns = patterns_.size();
  launch::rows(ex, patterns * full_[0], full_[1], crop_psf<C>{psf.data(), full_, image_});
  fft::fft(ex, psf, psf);
  constexpr int width = launch::tile_width<T, Ex>;
  const index_t groups = (full_[0] + width - 1) / width;
  spectrum_ = make_tensor<T>(ex, shape{patterns * groups * full_[1] * width}, "cardiomm::spectrum");
  launch::rows(ex, patterns * groups * full_[1], width,
               pack_spectrum<T, width>{psf.data(), spectrum_.data(), along_y_->stages().frequency,
                                       along_x_->stages().frequency, groups, full_[0], full_[1],
                                       static_cast<T>(1 / double(image_[0] * image_[1]))});
  ex.fence();
}

template <class T, ExecutionSpace Ex>
void nufft_toeplitz<T, Ex>::apply(const Ex& ex, nufft_geometry<T> all, const C* x, C* y, T shift,
                                  accumulation<C> acc) const {
  for_nufft_planes<T>(ex, all, false, [&](const nufft_geometry<T>& g, bool first) {
    over_nufft_columns<T>(ex, nufft_expand<T>{g, x});
    over_nufft_lines<T>(ex, nufft_filter<T>{g, spectrum_.data(), patterns_});
    over_nufft_columns<T>(ex, nufft_combine<T>{g, first && shift != T(0) ? x : nullptr, y,
                                               acc.alpha, shift * acc.alpha, acc.add || !first});
  });
}

}  // namespace detail

/// A^H A + shift for A = [diagonal(w) *] nufft: coil images (frame, slice, coil, y, x).
template <class T, ExecutionSpace Ex = default_space>
class nufft_normal : public fused_normal<nufft_normal<T, Ex>, T, 5, Ex> {
  using base = linear_operator<nufft_normal<T, Ex>, T, 5, 5, Ex>;

 public:
  static constexpr const char* name = "nufft_normal";

  /// weights: a tensor (frame, slice, coil, spoke, sample), each extent right or 1.
  template <TensorView V = tensor<T, 5, Ex>>
  explicit nufft_normal(const nufft<T, Ex>& a, const V* weights = nullptr)
      : toeplitz_(a, weights) {}

  void unify(shape<5>& d, shape<5>& r) const {
    shape<5> own = toeplitz_.extents();
    merge(own, d, name);
    merge(d, r, name);
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    toeplitz_.apply(ex, detail::coil_planes(toeplitz_.geometry(), shape_of(x)), x.data(), y.data(),
                    this->shift(), acc);
  }
  const void* id() const { return toeplitz_.id(); }

 private:
  detail::nufft_toeplitz<T, Ex> toeplitz_;
};

/// A^H A + shift for A = [diagonal(w) *] nufft * maps: image (frame, slice, y, x), or (set, frame,
/// slice, y, x) with soft_sensitivity.
template <class T, ExecutionSpace Ex = default_space, int ImageRank = 4>
class sense_nufft_normal
    : public fused_normal<sense_nufft_normal<T, Ex, ImageRank>, T, ImageRank, Ex> {
  using base = linear_operator<sense_nufft_normal<T, Ex, ImageRank>, T, ImageRank, ImageRank, Ex>;
  using coils_type = sensitivity_of_rank<T, ImageRank, Ex>;
  static constexpr int lead = ImageRank - 4;

 public:
  static constexpr const char* name = "sense_nufft_normal";

  /// weights: as in nufft_normal.
  template <TensorView V = tensor<T, 5, Ex>>
  sense_nufft_normal(const nufft<T, Ex>& a, const coils_type& coils, const V* weights = nullptr)
      : toeplitz_(a, weights), coils_(coils) {
    (void)this->domain();
  }

  void unify(shape<ImageRank>& d, shape<ImageRank>& r) const {
    merge(d, r, name);
    shape<5> coil_images = toeplitz_.extents();
    coils_.unify(d, coil_images);
    r = d;
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    const shape<ImageRank> s = shape_of(x);
    toeplitz_.apply(ex, detail::image_planes(toeplitz_.geometry(), coils_, s[lead], s[lead + 1]),
                    x.data(), y.data(), this->shift(), acc);
  }
  const void* id() const { return toeplitz_.id(); }

 private:
  detail::nufft_toeplitz<T, Ex> toeplitz_;
  coils_type coils_;
};

template <class T, ExecutionSpace Ex>
struct gram_of<nufft<T, Ex>> {
  static auto make(const nufft<T, Ex>& a) { return nufft_normal<T, Ex>(a); }
};
template <class T, ExecutionSpace Ex, class Coils>
requires CoilMaps<Coils>
struct gram_of<chain<nufft<T, Ex>, Coils>> {
  static auto make(const chain<nufft<T, Ex>, Coils>& a) {
    return sense_nufft_normal<T, Ex, Coils::domain_rank>(std::get<0>(a.operators()),
                                                         std::get<1>(a.operators()));
  }
};
template <class W, class T, ExecutionSpace Ex>
struct gram_of<chain<diagonal<W, 5, Ex>, nufft<T, Ex>>> {
  static auto make(const chain<diagonal<W, 5, Ex>, nufft<T, Ex>>& a) {
    return nufft_normal<T, Ex>(std::get<1>(a.operators()), &std::get<0>(a.operators()).weights());
  }
};
template <class W, class T, ExecutionSpace Ex, class Coils>
requires CoilMaps<Coils>
struct gram_of<chain<diagonal<W, 5, Ex>, nufft<T, Ex>, Coils>> {
  static auto make(const chain<diagonal<W, 5, Ex>, nufft<T, Ex>, Coils>& a) {
    return sense_nufft_normal<T, Ex, Coils::domain_rank>(std::get<1>(a.operators()),
                                                         std::get<2>(a.operators()),
                                                         &std::get<0>(a.operators()).weights());
  }
};

template <class T, ExecutionSpace Ex>
struct specimen<nufft_normal<T, Ex>> {
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return nufft_normal<T, Ex>(specimen<nufft<T, Ex>>::make(ex, s, seed)).shifted(T(0.25));
  }
  static shape<5> domain(size_class s) { return specimen_kspace(s); }
};
template <class T, ExecutionSpace Ex, int ImageRank>
struct specimen<sense_nufft_normal<T, Ex, ImageRank>> {
  using coils = sensitivity_of_rank<T, ImageRank, Ex>;
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return sense_nufft_normal<T, Ex, ImageRank>(specimen<nufft<T, Ex>>::make(ex, s, seed),
                                                specimen<coils>::make(ex, s, seed + 1))
        .shifted(T(0.25));
  }
  static auto domain(size_class s) { return specimen<coils>::domain(s); }
};
template <class T, ExecutionSpace Ex>
using nufft_normal_specimens =
    type_list<nufft_normal<T, Ex>, sense_nufft_normal<T, Ex>, sense_nufft_normal<T, Ex, 5>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
