// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DETAIL_GRAPPA_KERNELS_HPP
#define CARDIOMM_MRI_DETAIL_GRAPPA_KERNELS_HPP
/// \file
/// How GRAPPA kernels are applied: lines as convolutions along the readout, several coils and lane
/// packets at a time; single samples one by one.

#include "cardiomm/core/lane.hpp"
#include "cardiomm/mri/detail/grappa_plan.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri::detail {

/// The measured lines of one frame and slice as planes (coil, y, re or im, pitch), with
/// `before` zeros in front and zeros behind; the result's sampled lines; zeros elsewhere.
template <class C>
struct grappa_split_kernel {
  static constexpr const char* name = "cardiomm::mri::grappa_split";
  using T = real_of<C>;
  const C* in;
  C* out;
  T* planes;
  const std::uint8_t* sampled;  ///< (y,)
  index_t ny, nx, pitch, before;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const bool on = sampled[row % ny] != 0;
    T *re = planes + row * 2 * pitch, *im = re + pitch;
    for (index_t i = first; i < last; ++i) {
      const index_t x = i - before;
      const bool inside = x >= 0 && x < nx;
      if (on) {
        const C v = inside ? in[row * nx + x] : C(0);
        re[i] = v.real();
        im[i] = v.imag();
        if (inside) out[row * nx + x] = v;
      } else if (inside) {
        out[row * nx + x] = C(0);
      }
    }
  }
};

/// power[y] += |k|^2 of line y of one frame and slice, and the same of the outer `edge` samples at
/// both ends of the readout.
template <class C>
struct grappa_power_kernel {
  static constexpr const char* name = "cardiomm::mri::grappa_power";
  const C* in;
  double* power;  ///< (y, line or edge)
  index_t coils, ny, nx, edge;
  KOKKOS_INLINE_FUNCTION void operator()(index_t y, index_t, index_t) const {
    for (index_t c = 0; c < coils; ++c) {
      const C* k = in + (c * ny + y) * nx;
      double line = 0, ends = 0;
      for (index_t x = 0; x < nx; ++x) line += double(abs2(k[x]));
      for (index_t x = 0; x < edge; ++x) ends += double(abs2(k[x])) + double(abs2(k[nx - 1 - x]));
      power[2 * y] += line;
      power[2 * y + 1] += ends;
    }
  }
};

/// Coils that are made together; 32 registers hold four, 16 two.
template <class L>
inline constexpr int grappa_tile = lane_traits<L>::width == 1  ? 1
                                   : CARDIOMM_LANE_BYTES == 64 ? 4
                                                               : 2;

/// out(coil, target, x) = sum over lines, coils and i of w k(coil, line, x + i); an item is a tile
/// of coils of a missing line. Weights (tile, line, coil, i, coil of the tile, re or im).
template <class C, class L>
struct grappa_line_kernel {
  static constexpr const char* name = "cardiomm::mri::grappa_lines";
  using T = real_of<C>;
  using lanes = lane_traits<L>;
  static constexpr int M = grappa_tile<L>, W = lanes::width, P = W == 1 ? 1 : 2;
  const T* planes;
  const T* weights;
  const grappa_line* lines;
  const index_t* sources;
  C* out;
  index_t coils, tiles, ny, nx, pitch, kx;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const grappa_line& line = lines[row / tiles];
    const index_t tile = row % tiles, taps = line.lines * coils * kx;
    const T* w0 = weights + (line.offset * tiles + tile * taps) * 2 * M;
    for (index_t x = first; x < last; x += P * W) {
      L re[M][P], im[M][P];
      for (int m = 0; m < M; ++m)
        for (int q = 0; q < P; ++q) re[m][q] = im[m][q] = L(T(0));
      const T* w = w0;
      for (index_t s = 0; s < line.lines; ++s)
        for (index_t c = 0; c < coils; ++c) {
          const T* k = planes + (c * ny + sources[line.first + s]) * 2 * pitch + x;
          for (index_t i = 0; i < kx; ++i, ++k, w += 2 * M) {
            L kr[P], ki[P];
            for (int q = 0; q < P; ++q) {
              kr[q] = lanes::load(k + q * W);
              ki[q] = lanes::load(k + pitch + q * W);
            }
            for (int m = 0; m < M; ++m) {
              const L wr(w[2 * m]), wi(w[2 * m + 1]);
              for (int q = 0; q < P; ++q) {
                re[m][q] = lanes::fma(wr, kr[q], re[m][q]) - wi * ki[q];
                im[m][q] = lanes::fma(wr, ki[q], lanes::fma(wi, kr[q], im[m][q]));
              }
            }
          }
        }
      for (int m = 0; m < M; ++m) {
        const index_t coil = tile * M + m;
        if (coil >= coils) break;
        C* to = out + (coil * ny + line.target) * nx;
        for (int q = 0; q < P; ++q) {
          T r[W], i[W];
          lanes::store(r, re[m][q]);
          lanes::store(i, im[m][q]);
          for (int v = 0; v < W; ++v)
            if (x + q * W + v < last) to[x + q * W + v] = C(r[v], i[v]);
        }
      }
    }
  }
};

/// One missing sample.
struct grappa_point {
  index_t frame, y, x;
  index_t pattern;  ///< of the patterns that are at hand
};

/// Single samples: out(coil) = sum over the pattern's neighbours and coils of w k. Weights
/// (neighbour, coil, output coil).
template <class C>
struct grappa_point_kernel {
  static constexpr const char* name = "cardiomm::mri::grappa_points";
  static constexpr int together = 8;
  const C* in;
  const C* weights;
  const grappa_point* points;
  const index_t* first;  ///< (pattern + 1): its neighbours
  const int* neighbour;  ///< (neighbour, y or x) offsets
  C* out;
  index_t slices, slice, coils, ny, nx;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t begin, index_t end) const {
    const grappa_point& p = points[row];
    const index_t base = (p.frame * slices + slice) * coils;
    for (index_t block = begin; block < end; ++block) {
      const index_t c0 = block * together;
      const int n = static_cast<int>(coils - c0 < together ? coils - c0 : together);
      C sum[together];
      for (auto& s : sum) s = C(0);
      for (index_t j = first[p.pattern]; j < first[p.pattern + 1]; ++j) {
        const index_t at = (p.y + neighbour[2 * j]) * nx + p.x + neighbour[2 * j + 1];
        for (index_t c = 0; c < coils; ++c) {
          const C k = in[(base + c) * ny * nx + at];
          const C* w = weights + (j * coils + c) * coils + c0;
          for (int o = 0; o < n; ++o) sum[o] += mul(w[o], k);
        }
      }
      for (int o = 0; o < n; ++o) out[((base + c0 + o) * ny + p.y) * nx + p.x] = sum[o];
    }
  }
};

/// One slice: samples that the mask (frame or 1, y, x) has; zeros elsewhere. Rows are (frame, coil,
/// y).
template <class C>
struct grappa_sampled_kernel {
  static constexpr const char* name = "cardiomm::mri::grappa_sampled";
  const C* in;
  C* out;
  const std::uint8_t* mask;
  index_t slices, slice, coils, ny, mask_frames, nx;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % ny, c = row / ny % coils, f = row / ny / coils;
    const std::uint8_t* m = mask + ((mask_frames == 1 ? 0 : f) * ny + y) * nx;
    const index_t at = (((f * slices + slice) * coils + c) * ny + y) * nx;
    for (index_t x = first; x < last; ++x) out[at + x] = m[x] ? in[at + x] : C(0);
  }
};

/// power(y, x) = sum of |k|^2 over frames that have the sample and coils, of one slice.
template <class C>
struct grappa_point_power_kernel {
  static constexpr const char* name = "cardiomm::mri::grappa_point_power";
  const C* in;
  const std::uint8_t* mask;
  double* power;
  shape<5> s;
  index_t slice, mask_frames;
  KOKKOS_INLINE_FUNCTION void operator()(index_t y, index_t first, index_t last) const {
    for (index_t x = first; x < last; ++x) {
      double sum = 0;
      for (index_t f = 0; f < s[0]; ++f)
        if (mask[((mask_frames == 1 ? 0 : f) * s[3] + y) * s[4] + x])
          for (index_t c = 0; c < s[2]; ++c)
            sum += double(abs2(in[(((f * s[1] + slice) * s[2] + c) * s[3] + y) * s[4] + x]));
      power[y * s[4] + x] = sum;
    }
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::mri::detail

#endif
