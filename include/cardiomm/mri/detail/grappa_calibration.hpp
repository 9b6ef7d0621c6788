// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DETAIL_GRAPPA_CALIBRATION_HPP
#define CARDIOMM_MRI_DETAIL_GRAPPA_CALIBRATION_HPP
/// \file
/// Normal equations of GRAPPA kernels. All products of two calibration lines, at all distances
/// along the readout and for all pairs of coils, are made once; the normal matrix of any kernel is
/// a sum of them. On the host.

#include "cardiomm/core/lane.hpp"
#include "cardiomm/la/cholesky.hpp"
#include "cardiomm/mri/detail/grappa_plan.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri::detail {

/// Largest extent of a kernel along the readout.
inline constexpr index_t grappa_widest = 15;

/// G(i, j, a, b) = sum over frames and x of conj(k_i(x + a)) k_j(x + b), where i and j are channels
/// (line, coil) with line i >= line j and a, b = 0 .. kx - 1.
template <class T>
struct grappa_products {
  using L = lane<T, host_space>;
  static constexpr index_t W = lane_traits<L>::width;

  index_t frames, rows, coils, nx, kx;
  index_t pitch;          ///< of the planes, zeros at their ends
  const T* planes;        ///< (frame, channel, re or im, pitch), kx - 1 zeros first
  complex<float>* table;  ///< pairs (i, j) of channels, lower triangle of lines, times kx * kx

  KOKKOS_INLINE_FUNCTION index_t channels() const { return rows * coils; }
  /// Where the products of channels of lines r >= s begin.
  KOKKOS_INLINE_FUNCTION index_t at(index_t r, index_t c, index_t s, index_t d) const {
    return (((r * (r + 1) / 2 + s) * coils + c) * coils + d) * kx * kx;
  }
  static index_t size(index_t rows, index_t coils, index_t kx) {
    return rows * (rows + 1) / 2 * coils * coils * kx * kx;
  }
};

/// Fills the table; an item does one channel and the one as far from the end.
template <class T>
struct grappa_products_kernel {
  static constexpr const char* name = "cardiomm::mri::grappa_products";
  using P = grappa_products<T>;
  using L = typename P::L;
  using lanes = lane_traits<L>;
  static constexpr int shifts = 3;  // side by side
  P p;

  KOKKOS_INLINE_FUNCTION void operator()(index_t item, index_t, index_t) const {
    channel(item);
    const index_t other = p.channels() - 1 - item;
    if (other != item) channel(other);
  }
  KOKKOS_INLINE_FUNCTION void channel(index_t i) const {
    const index_t r = i / p.coils, c = i % p.coils;
    for (index_t j = 0; j < (r + 1) * p.coils; ++j) {
      complex<float>* out = p.table + p.at(r, c, j / p.coils, j % p.coils);
      double re[2 * grappa_widest], im[2 * grappa_widest];
      double table[2][grappa_widest * grappa_widest];
      for (index_t t = 0; t < p.kx * p.kx; ++t) table[0][t] = table[1][t] = 0;
      for (index_t f = 0; f < p.frames; ++f) {
        const T* a = p.planes + (f * p.channels() + i) * 2 * p.pitch;
        const T* b = p.planes + (f * p.channels() + j) * 2 * p.pitch;
        const index_t n = p.nx - 2 * (p.kx - 1);
        for (index_t s = 0; s < 2 * p.kx - 1; ++s) re[s] = im[s] = 0;
        if (n > 0)
          for (index_t s = 0; s < 2 * p.kx - 1; s += shifts)
            correlate(a + 2 * (p.kx - 1), b + p.kx - 1 + s, n, 2 * p.kx - 1 - s, re + s, im + s);
        // The middle is common to all positions of the window; each has kx - 1 samples beside it.
        for (index_t d = 0; d < p.kx; ++d)
          for (index_t e = 0; e < p.kx; ++e) {
            const index_t s = e - d + p.kx - 1;
            double x = re[s], y = im[s];
            const auto add = [&](index_t u) {
              const T *au = a + p.kx - 1 + u, *bu = b + p.kx - 1 + u + e - d;
              const double ar = au[0], ai = au[p.pitch], br = bu[0], bi = bu[p.pitch];
              x += ar * br + ai * bi;
              y += ar * bi - ai * br;
            };
            if (n > 0) {
              for (index_t u = d; u < p.kx - 1; ++u) add(u);
              for (index_t u = p.nx - p.kx + 1; u <= p.nx - p.kx + d; ++u) add(u);
            } else {
              for (index_t u = d; u <= p.nx - p.kx + d; ++u) add(u);
            }
            table[0][d * p.kx + e] += x;
            table[1][d * p.kx + e] += y;
          }
      }
      for (index_t t = 0; t < p.kx * p.kx; ++t)
        out[t] = complex<float>(float(table[0][t]), float(table[1][t]));
    }
  }
  /// Sums of conj(a(u)) b(u + s) for s = 0 .. shifts - 1 (at most `count` of them are wanted).
  KOKKOS_INLINE_FUNCTION void correlate(const T* a, const T* b, index_t n, index_t count,
                                        double* re, double* im) const {
    for (index_t from = 0; from < n; from += 1024) {
      const index_t to = from + 1024 < n ? from + 1024 : n;
      L x[shifts], y[shifts];
      for (int s = 0; s < shifts; ++s) x[s] = y[s] = L(T(0));
      index_t u = from;
      for (; u + P::W <= to; u += P::W) {
        const L ar = lanes::load(a + u), ai = lanes::load(a + p.pitch + u);
        for (int s = 0; s < shifts; ++s) {
          const L br = lanes::load(b + u + s), bi = lanes::load(b + p.pitch + u + s);
          x[s] = lanes::fma(ar, br, lanes::fma(ai, bi, x[s]));
          y[s] = lanes::fma(ar, bi, y[s]) - ai * br;
        }
      }
      for (int s = 0; s < shifts && s < count; ++s) {
        double r = double(lanes::sum(x[s])), i = double(lanes::sum(y[s]));
        for (index_t v = u; v < to; ++v) {
          const double ar = a[v], ai = a[p.pitch + v], br = b[v + s], bi = b[p.pitch + v + s];
          r += ar * br + ai * bi;
          i += ar * bi - ai * br;
        }
        re[s] += r;
        im[s] += i;
      }
    }
  }
};

/// A group as the assembly reads it.
struct grappa_system {
  const int *sources, *targets;
  index_t lines, target_count;
  int low, high;
  double noise;  ///< over signal
};

/// Normal matrix and right-hand sides of one group; unknowns are (line, coil, x), equations all
/// windows within the calibration region.
template <class T>
struct grappa_assemble {
  static constexpr const char* name = "cardiomm::mri::grappa_assemble";
  grappa_products<T> p;
  const grappa_system* groups;
  complex<double>*a, *b;  ///< (group, n, n), (group, n, m)
  index_t n, m;
  double lambda;

  KOKKOS_INLINE_FUNCTION void operator()(index_t g, index_t, index_t) const {
    const grappa_system& group = groups[g];
    complex<double>*ag = a + g * n * n, *bg = b + g * n * m;
    const index_t lines = group.lines;
    for (index_t i = 0; i < n * n; ++i) ag[i] = complex<double>(0);
    for (index_t i = 0; i < n * m; ++i) bg[i] = complex<double>(0);
    const index_t block = p.coils * p.kx, middle = p.kx / 2;
    for (index_t y = -group.low; y < p.rows - group.high; ++y) {
      for (index_t s = 0; s < lines; ++s)
        for (index_t t = 0; t <= s; ++t)
          for (index_t c = 0; c < p.coils; ++c)
            for (index_t d = 0; d < p.coils; ++d) {
              const complex<float>* g2 =
                  p.table + p.at(y + group.sources[s], c, y + group.sources[t], d);
              for (index_t i = 0; i < p.kx; ++i) {
                complex<double>* row = ag + (s * block + c * p.kx + i) * n + t * block + d * p.kx;
                for (index_t j = 0; j < p.kx; ++j)
                  row[j] += complex<double>(g2[i * p.kx + j].real(), g2[i * p.kx + j].imag());
              }
            }
      index_t column = 0;
      for (index_t t = 0; t < group.target_count; ++t) {
        const index_t at = y + group.targets[t];
        for (index_t s = 0; s < lines; ++s) {
          const index_t from = y + group.sources[s];
          for (index_t c = 0; c < p.coils; ++c)
            for (index_t i = 0; i < p.kx; ++i)
              for (index_t d = 0; d < p.coils; ++d) {
                // conj(source) target; the table holds conj of the later line times the earlier.
                complex<double>& out = bg[(s * block + c * p.kx + i) * m + column + d];
                if (from >= at) {
                  const auto v = p.table[p.at(from, c, at, d) + i * p.kx + middle];
                  out += complex<double>(v.real(), v.imag());
                } else {
                  const auto v = p.table[p.at(at, d, from, c) + middle * p.kx + i];
                  out += complex<double>(v.real(), -v.imag());
                }
              }
        }
        column += p.coils;
      }
    }
    regularise(ag, n, lambda, group.noise);
  }
  /// Fills the upper triangle from the lower one and adds lambda |A|_F / n + noise trace(A) / n to
  /// the diagonal; the latter is what noise of that part of the signal would add on average.
  KOKKOS_INLINE_FUNCTION static void regularise(complex<double>* a, index_t n, double lambda,
                                                double noise) {
    double square = 0, trace = 0;
    for (index_t i = 0; i < n; ++i) trace += a[i * n + i].real();
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j <= i; ++j) {
        square += (i == j ? 1 : 2) * abs2(a[i * n + j]);
        a[j * n + i] = complex<double>(a[i * n + j].real(), -a[i * n + j].imag());
      }
    const double weight = (lambda * math::sqrt(square) + noise * trace) / double(n);
    for (index_t i = 0; i < n; ++i) a[i * n + i] = complex<double>(a[i * n + i].real() + weight, 0);
  }
};

/// Largest component of the block on the host, over all frames; throws where it cannot calibrate.
template <TensorView V>
double grappa_scale(const V& data, index_t slice, const kspace_block& b) {
  const shape<5> n = shape_of(data);
  double top = 0;
  for (index_t f = 0; f < n[0]; ++f)
    for (index_t c = 0; c < n[2]; ++c)
      for (index_t y = b.y0; y < b.y1; ++y) {
        const auto* row = data.data() + (((f * n[1] + slice) * n[2] + c) * n[3] + y) * n[4];
        top = std::max(top, la::detail::largest(row + b.x0, b.columns()));
      }
  require(top < __builtin_huge_val(), "grappa: slice ", slice,
          ": calibration: expected finite samples, found NaN or Inf");
  require(top > 0, "grappa: slice ", slice, ": calibration: expected signal, found zeros only");
  return top;
}

/// Calibration lines (frame, coil, y, x) of one slice as planes of a table.
template <class T>
struct grappa_tables {
  std::vector<T> planes;
  std::vector<complex<float>> table;
  grappa_products<T> p;

  /// \param data  (frame, slice, coil, y, x) on the host; `b` is the calibration region of it
  template <TensorView V>
  grappa_tables(const V& data, index_t slice, const kspace_block& b, index_t kx, double scale) {
    const shape<5> n = shape_of(data);
    const index_t coils = n[2], channels = b.rows() * coils;
    p = {n[0], b.rows(), coils, b.columns(), kx, 0, nullptr, nullptr};
    p.pitch = b.columns() + 4 * kx + 2 * grappa_products<T>::W;
    planes.assign(static_cast<std::size_t>(n[0] * channels * 2 * p.pitch), T(0));
    for (index_t f = 0; f < n[0]; ++f)
      for (index_t r = 0; r < b.rows(); ++r)
        for (index_t c = 0; c < coils; ++c) {
          const auto* in =
              data.data() + (((f * n[1] + slice) * coils + c) * n[3] + b.y0 + r) * n[4] + b.x0;
          T* re = planes.data() + (f * channels + r * coils + c) * 2 * p.pitch + kx - 1;
          for (index_t x = 0; x < b.columns(); ++x) {
            re[x] = T(in[x].real() * scale);
            re[p.pitch + x] = T(in[x].imag() * scale);
          }
        }
    table.resize(static_cast<std::size_t>(grappa_products<T>::size(b.rows(), coils, kx)));
    p.planes = planes.data();
    p.table = table.data();
    launch::rows(host_space(), (channels + 1) / 2, 1, grappa_products_kernel<T>{p});
  }
};

/// Solves all groups; `put(group, target's number, column of x)` gets every target's weights as
/// rows of x, (unknown, coil) with `stride` numbers from unknown to unknown.
template <class T, class Put>
void solve_grappa(const grappa_tables<T>& tables, const std::vector<grappa_group>& groups,
                  double lambda, const Put& put) {
  const host_space host;
  std::map<std::pair<index_t, index_t>, std::vector<const grappa_group*>> alike;
  for (const auto& g : groups)
    alike[{static_cast<index_t>(g.sources.size()), static_cast<index_t>(g.targets.size())}]
        .push_back(&g);
  for (const auto& [size, list] : alike) {
    const index_t n = size.first * tables.p.coils * tables.p.kx;
    const index_t m = size.second * tables.p.coils;
    const index_t most = std::max<index_t>(1, (index_t(64) << 20) / (16 * n * n));
    for (std::size_t first = 0; first < list.size(); first += static_cast<std::size_t>(most)) {
      const index_t count = std::min(most, static_cast<index_t>(list.size() - first));
      std::vector<int> numbers;  // sources, then targets, of every group
      for (index_t g = 0; g < count; ++g) {
        const grappa_group& group = *list[first + static_cast<std::size_t>(g)];
        numbers.insert(numbers.end(), group.sources.begin(), group.sources.end());
        for (const auto& t : group.targets) numbers.push_back(t.first);
      }
      std::vector<grappa_system> systems;
      for (index_t g = 0; g < count; ++g) {
        const grappa_group& group = *list[first + static_cast<std::size_t>(g)];
        const int* at = numbers.data() + g * (size.first + size.second);
        systems.push_back({at, at + size.first, size.first, size.second, group.low, group.high,
                           group.level > noise_free ? std::ldexp(1.0, group.level) : 0});
      }
      const auto a = make_tensor<complex<double>>(host, shape{count, n, n});
      const auto b = make_tensor<complex<double>>(host, shape{count, n, m});
      launch::rows(host, count, 1,
                   grappa_assemble<T>{tables.p, systems.data(), a.data(), b.data(), n, m, lambda});
      la::cholesky(host, a);
      la::cholesky_solve(host, a, b);
      host.fence();
      for (index_t g = 0; g < count; ++g) {
        index_t column = 0;
        for (const auto& target : list[first + static_cast<std::size_t>(g)]->targets) {
          put(target.second, n, m, b.data() + g * n * m + column);
          column += tables.p.coils;
        }
      }
    }
  }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri::detail

#endif
