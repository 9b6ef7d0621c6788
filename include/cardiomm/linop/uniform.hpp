// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_UNIFORM_HPP
#define CARDIOMM_LINOP_UNIFORM_HPP
/// \file
/// Uniform undersampling: every R-th readout line, without centre lines, where R divides ny. Its
/// normal operator needs no transform, because R pixels at distance ny / R fold onto each other:
///
///     (A^H A x)_s = 1/R sum over coils, r of conj(s_cs) s_cr exp(2 pi i (o - c)(s - r) / R) x_r
///
/// for pixels s, r of one group, the first line o and c = ny / 2; so A^H A + rho is inverted by an
/// R x R Cholesky factorisation a group (Pruessmann et al. 1999), see solve/direct.hpp.

#include <vector>

#include "cardiomm/fft/phase.hpp"
#include "cardiomm/linop/encode.hpp"
#include "cardiomm/linop/fused_normal.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// Keeps the lines y = offset + R m of k-space (frame, slice, coil, y, x).
template <class T, ExecutionSpace Ex = default_space>
class uniform_mask : public detail::mask_base<uniform_mask<T, Ex>, T, 2, Ex> {
  using base = detail::mask_base<uniform_mask<T, Ex>, T, 2, Ex>;

 public:
  static constexpr const char* name = "uniform_mask (frame, slice, coil, y, x)";
  static constexpr int axes[] = {0, 3};
  /// Pixels that may fold onto each other: the group's matrix lives in the registers of a thread.
  static constexpr int most = 16;

  /// The same lines in every frame, or, with several offsets, those of each frame. Throws
  /// value_error unless 1 <= R <= 16 divides ny and the offsets are in [0, R).
  uniform_mask(index_t ny, index_t acceleration, std::vector<index_t> offsets = {0})
      : base(lines(ny, acceleration, offsets)), r_(acceleration), offsets_(std::move(offsets)) {}

  index_t acceleration() const { return r_; }
  /// First line of each frame, or of all.
  const std::vector<index_t>& offsets() const { return offsets_; }

 private:
  static host_tensor<T, 2> lines(index_t ny, index_t r, const std::vector<index_t>& offsets) {
    require(r >= 1 && r <= most && ny > 0 && ny % r == 0,
            "uniform_mask: acceleration: expected a divisor of ny = ", ny, " up to ", most,
            ", found ", r);
    require(!offsets.empty(), "uniform_mask: offsets: expected at least one, found none");
    auto mask = zeros<T>(host_space(), shape{static_cast<index_t>(offsets.size()), ny});
    for (std::size_t f = 0; f < offsets.size(); ++f) {
      require(offsets[f] >= 0 && offsets[f] < r, "uniform_mask: offsets: expected 0 to ", r - 1,
              ", found ", offsets[f]);
      for (index_t y = offsets[f]; y < ny; y += r) mask(static_cast<index_t>(f), y) = T(1);
    }
    return mask;
  }

  index_t r_;
  std::vector<index_t> offsets_;
};

namespace detail {

/// What both kernels know. Phases: (frame or 1, s) of exp(2 pi i (o - c) s / R).
template <class T>
struct unfold_geometry {
  const complex<T>* maps;   ///< (slice or 1, coil, y, x)
  const complex<T>* phase;  ///< (frame or 1, R)
  shape<4> image;           ///< (frame, slice, y, x)
  index_t coils, map_slices, mask_frames, folds, blocks;
  T shift;

  KOKKOS_FORCEINLINE_FUNCTION const complex<T>* map(index_t slice, index_t coil) const {
    return maps + ((map_slices == 1 ? 0 : slice) * coils + coil) * image[2] * image[3];
  }
  KOKKOS_FORCEINLINE_FUNCTION const complex<T>* phases(index_t frame) const {
    return phase + (mask_frames == 1 ? 0 : frame) * folds;
  }
};

/// (re, im) times p, or times conj(p).
template <bool Conj, class L, class T>
KOKKOS_FORCEINLINE_FUNCTION void turn_by(const complex<T>& p, L& re, L& im) {
  const L pr(p.real()), pi(Conj ? -p.imag() : p.imag()), r = re;
  re = r * pr - im * pi;
  im = r * pi + im * pr;
}

/// y = alpha (A^H A + shift) x, or y += ...
template <class T>
struct unfold_normal_kernel {
  static constexpr const char* name = "cardiomm::linop::sense_uniform_normal";
  static constexpr int most = 16;
  unfold_geometry<T> g;
  const complex<T>* x;
  complex<T>* y;
  complex<T> alpha;
  bool add;

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const index_t frames = g.image[0], slices = g.image[1], ny = g.image[2], nx = g.image[3];
    const index_t frame = tile.index() % frames, block = tile.index() / frames % g.blocks,
                  slice = tile.index() / (frames * g.blocks);
    const index_t first = block * Tile::width, part = ny / g.folds;
    const int valid = static_cast<int>(nx - first < Tile::width ? nx - first : Tile::width);
    const index_t offset = (frame * slices + slice) * ny * nx + first;
    const complex<T>* phase = g.phases(frame);
    const L share(T(1) / static_cast<T>(g.folds));
    tile.for_each(part, [&](column c, index_t j) {
      L xr[most], xi[most], ar[most], ai[most];
      for (int r = 0; r < g.folds; ++r) {
        c.load(x + offset + (j + r * part) * nx, valid, xr[r], xi[r]);
        turn_by<true>(phase[r], xr[r], xi[r]);
        ar[r] = ai[r] = L(T(0));
      }
      for (index_t coil = 0; coil < g.coils; ++coil) {
        const complex<T>* map = g.map(slice, coil) + first;
        L mr[most], mi[most], tr(T(0)), ti(T(0));
        for (int r = 0; r < g.folds; ++r) {
          c.load(map + (j + r * part) * nx, valid, mr[r], mi[r]);
          tr = tr + (mr[r] * xr[r] - mi[r] * xi[r]);
          ti = ti + (mr[r] * xi[r] + mi[r] * xr[r]);
        }
        for (int r = 0; r < g.folds; ++r) {
          ar[r] = ar[r] + (mr[r] * tr + mi[r] * ti);
          ai[r] = ai[r] + (mr[r] * ti - mi[r] * tr);
        }
      }
      for (int r = 0; r < g.folds; ++r) {
        complex<T>* to = y + offset + (j + r * part) * nx;
        L re = ar[r] * share + L(g.shift) * xr[r], im = ai[r] * share + L(g.shift) * xi[r];
        turn_by<false>(phase[r], re, im);
        turn_by<false>(alpha, re, im);
        if (add) {
          L yr, yi;
          c.load(to, valid, yr, yi);
          re = re + yr;
          im = im + yi;
        }
        c.store(to, valid, re, im);
      }
    });
  }
};

/// x = (A^H A + shift)^-1 b: the matrix of a group is factorised once and serves all frames.
template <class T>
struct unfold_solve_kernel {
  static constexpr const char* name = "cardiomm::linop::sense_uniform_solve";
  static constexpr int most = 16;
  unfold_geometry<T> g;
  const complex<T>* b;
  complex<T>* x;

  /// Place of entry (s, r), r <= s, of the factor.
  static KOKKOS_FORCEINLINE_FUNCTION int entry(int s, int r) { return s * (s + 1) / 2 + r; }

  /// 1 / sqrt(v), or 0 where v is nothing but rounding: such pixels have no signal.
  template <class L>
  static KOKKOS_FORCEINLINE_FUNCTION L inverse_root(const L& v, const L& trace) {
    constexpr int W = lane_traits<L>::width;
    T value[W], of[W];
    lane_traits<L>::store(value, v);
    lane_traits<L>::store(of, trace);
    const T least = std::is_same_v<T, float> ? T(1e-6) : T(1e-14);
    for (int i = 0; i < W; ++i)
      value[i] = value[i] > least * of[i] ? T(1) / math::sqrt(value[i]) : T(0);
    return lane_traits<L>::load(value);
  }

  template <class Tile>
  KOKKOS_INLINE_FUNCTION void operator()(const Tile& tile) const {
    using L = typename Tile::number;
    using column = typename Tile::column;
    const index_t slices = g.image[1], ny = g.image[2], nx = g.image[3];
    const index_t block = tile.index() % g.blocks, slice = tile.index() / g.blocks;
    const index_t first = block * Tile::width, part = ny / g.folds;
    const int valid = static_cast<int>(nx - first < Tile::width ? nx - first : Tile::width);
    const int n = static_cast<int>(g.folds);
    const L share(T(1) / static_cast<T>(n));
    tile.for_each(part, [&](column c, index_t j) {
      L lr[most * (most + 1) / 2], li[most * (most + 1) / 2], inverse[most];
      for (int i = 0; i < entry(n, 0); ++i) lr[i] = li[i] = L(T(0));
      for (index_t coil = 0; coil < g.coils; ++coil) {
        const complex<T>* map = g.map(slice, coil) + first;
        L mr[most], mi[most];
        for (int s = 0; s < n; ++s) {
          c.load(map + (j + s * part) * nx, valid, mr[s], mi[s]);
          for (int r = 0; r <= s; ++r) {  // conj(s_cs) s_cr
            L& re = lr[entry(s, r)];
            L& im = li[entry(s, r)];
            re = re + (mr[s] * mr[r] + mi[s] * mi[r]);
            im = im + (mr[s] * mi[r] - mi[s] * mr[r]);
          }
        }
      }
      L trace(T(0));
      for (int s = 0; s < n; ++s) {
        for (int r = 0; r <= s; ++r) {
          lr[entry(s, r)] = lr[entry(s, r)] * share;
          li[entry(s, r)] = li[entry(s, r)] * share;
        }
        lr[entry(s, s)] = lr[entry(s, s)] + L(g.shift);
        trace = trace + lr[entry(s, s)];
      }
      for (int s = 0; s < n; ++s) {  // A = L L^H, row by row
        for (int r = 0; r <= s; ++r) {
          L re = lr[entry(s, r)], im = li[entry(s, r)];
          for (int k = 0; k < r; ++k) {  // minus L_sk conj(L_rk)
            const L ar = lr[entry(s, k)], ai = li[entry(s, k)];
            const L br = lr[entry(r, k)], bi = li[entry(r, k)];
            re = re - (ar * br + ai * bi);
            im = im - (ai * br - ar * bi);
          }
          if (r < s) {
            re = re * inverse[r];
            im = im * inverse[r];
          } else {
            inverse[s] = inverse_root(re, trace);
          }
          lr[entry(s, r)] = re;
          li[entry(s, r)] = im;
        }
      }
      for (index_t frame = 0; frame < g.image[0]; ++frame) {
        const index_t offset = (frame * slices + slice) * ny * nx + first;
        const complex<T>* phase = g.phases(frame);
        L vr[most], vi[most];
        for (int s = 0; s < n; ++s) {
          c.load(b + offset + (j + s * part) * nx, valid, vr[s], vi[s]);
          turn_by<true>(phase[s], vr[s], vi[s]);
          for (int k = 0; k < s; ++k) {
            const L ar = lr[entry(s, k)], ai = li[entry(s, k)];
            vr[s] = vr[s] - (ar * vr[k] - ai * vi[k]);
            vi[s] = vi[s] - (ar * vi[k] + ai * vr[k]);
          }
          vr[s] = vr[s] * inverse[s];
          vi[s] = vi[s] * inverse[s];
        }
        for (int s = n; s-- > 0;) {
          for (int k = s + 1; k < n; ++k) {  // minus conj(L_ks) v_k
            const L ar = lr[entry(k, s)], ai = li[entry(k, s)];
            vr[s] = vr[s] - (ar * vr[k] + ai * vi[k]);
            vi[s] = vi[s] - (ar * vi[k] - ai * vr[k]);
          }
          vr[s] = vr[s] * inverse[s];
          vi[s] = vi[s] * inverse[s];
        }
        for (int s = 0; s < n; ++s) {
          turn_by<false>(phase[s], vr[s], vi[s]);
          c.store(x + offset + (j + s * part) * nx, valid, vr[s], vi[s]);
        }
      }
    });
  }
};

}  // namespace detail

/// A^H A + shift for A = uniform_mask * fourier * sensitivity. Image (frame, slice, y, x); x and y
/// may be the same tensor.
template <class T, ExecutionSpace Ex = default_space>
class sense_uniform_normal : public fused_normal<sense_uniform_normal<T, Ex>, T, 4, Ex> {
  using base = linear_operator<sense_uniform_normal<T, Ex>, T, 4, 4, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "sense_uniform_normal";
  static constexpr bool inplace_ok = true;

  /// Throws shape_error if mask and maps differ in their y extents.
  sense_uniform_normal(const uniform_mask<T, Ex>& mask, const sensitivity<T, Ex>& maps)
      : maps_(maps), folds_(mask.acceleration()), id_(mask.id()) {
    const index_t ny = shape_of(maps.maps())[3],
                  found = static_cast<index_t>(mask.mask().extent(1));
    require<shape_error>(ny == found, name, ": y: expected equal extents, found a mask of ", found,
                         " lines and maps of ", ny);
    const index_t frames = static_cast<index_t>(mask.offsets().size());
    auto phase = make_tensor<C>(host_space(), shape{frames, folds_}, "cardiomm::linop::phase");
    for (index_t f = 0; f < frames; ++f)
      for (index_t s = 0; s < folds_; ++s) {
        const auto w =
            fft::unit_root((ny / 2 - mask.offsets()[static_cast<std::size_t>(f)]) * s, folds_);
        phase(f, s) = C(static_cast<T>(w.real()), static_cast<T>(w.imag()));
      }
    phase_ = to_space(Ex(), phase);
  }

  void unify(shape<4>& d, shape<4>& r) const {
    const shape<5> m = shape_of(maps_.maps());
    shape<4> own{{open, m[1] == 1 ? open : m[1], m[3], m[4]}};
    if (phase_.extent(0) != 1) own[0] = static_cast<index_t>(phase_.extent(0));
    merge(own, d, name);
    merge(d, r, name);
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    const auto g = geometry(shape_of(x));
    launch::tiles<T>(ex, g.image[0] * g.image[1] * g.blocks, 1,
                     detail::unfold_normal_kernel<T>{g, x.data(), y.data(), acc.alpha, acc.add});
  }
  /// x = (A^H A + shift)^-1 b, exactly; b and x may be the same tensor. Where maps and shift are
  /// zero x is zero.
  void solve(const Ex& ex, domain_in<base> b, range_out<base> x) const {
    const auto g = geometry(shape_of(x));
    launch::tiles<T>(ex, g.image[1] * g.blocks, 1,
                     detail::unfold_solve_kernel<T>{g, b.data(), x.data()});
  }
  const void* id() const { return id_; }

 private:
  detail::unfold_geometry<T> geometry(const shape<4>& image) const {
    const shape<5> m = shape_of(maps_.maps());
    return {maps_.maps().data(),
            phase_.data(),
            image,
            m[2],
            m[1],
            static_cast<index_t>(phase_.extent(0)),
            folds_,
            detail::column_blocks<T, Ex>(m[4]),
            this->shift()};
  }

  sensitivity<T, Ex> maps_;
  tensor<C, 2, Ex> phase_;
  index_t folds_;
  const void* id_;
};

/// A and A^H by the kernels of all line masks.
template <class T, ExecutionSpace Ex, class Coils>
requires CoilMaps<Coils>
struct fused_chain<uniform_mask<T, Ex>, fourier_op<T, 5, Ex>, Coils>
    : detail::encode_pair<T, Ex, Coils::domain_rank> {
  static constexpr bool value = true;
  explicit fused_chain(const std::tuple<uniform_mask<T, Ex>, fourier_op<T, 5, Ex>, Coils>& ops)
      : detail::encode_pair<T, Ex, Coils::domain_rank>(std::get<0>(ops), std::get<2>(ops)) {}
};
template <class T, ExecutionSpace Ex>
struct gram_of<chain<uniform_mask<T, Ex>, fourier_op<T, 5, Ex>, sensitivity<T, Ex>>> {
  template <class A>
  static auto make(const A& a) {
    return sense_uniform_normal<T, Ex>(std::get<0>(a.operators()), std::get<2>(a.operators()));
  }
};

template <class T, ExecutionSpace Ex>
struct specimen<uniform_mask<T, Ex>> {
  static uniform_mask<T, Ex> make(const Ex&, size_class s, std::uint64_t seed) {
    const shape<5> k = specimen_kspace(s);
    const index_t r = k[3] % 2 == 0 ? 2 : 7;
    std::vector<index_t> offsets;
    for (index_t f = 0; f < (s == size_class::odd ? 1 : k[0]); ++f)
      offsets.push_back((f + static_cast<index_t>(seed)) % r);
    return uniform_mask<T, Ex>(k[3], r, offsets);
  }
  static shape<5> domain(size_class s) { return specimen_kspace(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<sense_uniform_normal<T, Ex>> {
  static auto make(const Ex& ex, size_class s, std::uint64_t seed) {
    return sense_uniform_normal<T, Ex>(specimen<uniform_mask<T, Ex>>::make(ex, s, seed),
                                       specimen<sensitivity<T, Ex>>::make(ex, s, seed + 1))
        .shifted(T(0.25));
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using uniform_specimens = type_list<uniform_mask<T, Ex>, sense_uniform_normal<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
