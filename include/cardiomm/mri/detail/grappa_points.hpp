// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DETAIL_GRAPPA_POINTS_HPP
#define CARDIOMM_MRI_DETAIL_GRAPPA_POINTS_HPP
/// \file
/// GRAPPA of single samples: the kernel of a missing one is the set of measured ones within a
/// window around it. There may be as many sets as samples, so they are solved and applied in parts.

#include "cardiomm/mri/detail/grappa_calibration.hpp"
#include "cardiomm/mri/detail/grappa_kernels.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri::detail {

/// Noise over signal of parts of k-space, 8 x 8 samples each, as powers of two.
struct grappa_levels {
  static constexpr index_t side = 8;
  index_t columns = 0;
  std::vector<int> level;  ///< none: no noise
  int at(index_t y, index_t x) const {
    return level.empty() ? noise_free : level[std::size_t(y / side * columns + x / side)];
  }
};

/// The levels of one slice of k-space (frame, slice, coil, y, x).
template <ExecutionSpace Ex, TensorView K, TensorView M>
grappa_levels point_levels(const Ex& ex, const K& kspace, index_t slice, const M& mask,
                           const host_tensor<std::uint8_t, 3>& host_mask) {
  const shape<5> k = shape_of(kspace);
  const auto sums = make_tensor<double>(ex, shape{k[3], k[4]});
  launch::rows(
      ex, k[3], k[4],
      grappa_point_power_kernel<element_of<K>>{kspace.data(), mask.data(), sums.data(), k, slice,
                                               static_cast<index_t>(mask.extent(0))});
  ex.fence();
  const auto power = to_host(sums);
  constexpr index_t side = grappa_levels::side;
  const index_t rows = (k[3] + side - 1) / side, columns = (k[4] + side - 1) / side;
  std::vector<double> sum(std::size_t(rows * columns), 0.0), count(sum);
  const index_t frames = static_cast<index_t>(host_mask.extent(0));
  for (index_t y = 0; y < k[3]; ++y)
    for (index_t x = 0; x < k[4]; ++x) {
      const auto part = std::size_t(y / side * columns + x / side);
      sum[part] += power(y, x);
      for (index_t f = 0; f < frames; ++f)
        if (host_mask(f, y, x)) count[part] += double(k[2]) * (frames == 1 ? double(k[0]) : 1);
    }
  std::vector<double> means;
  double all = 0;
  for (std::size_t i = 0; i < sum.size(); ++i)
    if (count[i] > 0) {
      means.push_back(sum[i] / count[i]);
      all += count[i];
    }
  const double parts = double(means.size());
  const double noise = noise_power(std::move(means), all / parts);
  grappa_levels found{columns, {}};
  if (!(noise > 0)) return found;
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < columns; ++j) {
      double near = 0, samples = 0;  // of the part and those beside it
      for (index_t v = std::max<index_t>(0, i - 1); v < std::min(rows, i + 2); ++v)
        for (index_t u = std::max<index_t>(0, j - 1); u < std::min(columns, j + 2); ++u) {
          near += sum[std::size_t(v * columns + u)];
          samples += count[std::size_t(v * columns + u)];
        }
      found.level.push_back(samples > 0 ? noise_level(near / samples, noise) : noise_only);
    }
  return found;
}

/// The missing samples of a set of neighbours, at a level of noise; bit (i * kx + j) of the set is
/// a neighbour at (i - ky / 2, j - kx / 2).
using grappa_set = std::pair<std::uint64_t, int>;
using grappa_sets = std::map<grappa_set, std::vector<grappa_point>>;

inline grappa_sets neighbour_sets(const host_tensor<std::uint8_t, 3>& mask, index_t frames,
                                  index_t ky, index_t kx, const grappa_levels& levels) {
  grappa_sets sets;
  const shape<3> m = shape_of(mask);
  for (index_t f = 0; f < frames; ++f) {
    const std::uint8_t* plane = mask.data() + (m[0] == 1 ? 0 : f) * m[1] * m[2];
    for (index_t y = 0; y < m[1]; ++y)
      for (index_t x = 0; x < m[2]; ++x) {
        const int level = levels.at(y, x);
        if (plane[y * m[2] + x] || level >= noise_only) continue;
        std::uint64_t bits = 0;
        for (index_t i = 0; i < ky; ++i)
          for (index_t j = 0; j < kx; ++j) {
            const index_t v = y + i - ky / 2, u = x + j - kx / 2;
            if (v >= 0 && v < m[1] && u >= 0 && u < m[2] && plane[v * m[2] + u])
              bits |= std::uint64_t(1) << (i * kx + j);
          }
        if (bits) sets[{bits, level}].push_back({f, y, x, 0});
      }
  }
  return sets;
}

/// Appends the rows of the window's normal matrix that belong to the neighbours of a set.
inline void add_unknowns(std::uint64_t bits, index_t ky, index_t kx, index_t coils,
                         std::vector<index_t>& rows) {
  for (index_t i = 0; i < ky; ++i)
    for (index_t j = 0; j < kx; ++j)
      if (bits >> (i * kx + j) & 1)
        for (index_t c = 0; c < coils; ++c) rows.push_back((i * coils + c) * kx + j);
}

/// Part of the window's normal equations, for every set of a batch.
struct grappa_select {
  static constexpr const char* name = "cardiomm::mri::grappa_select";
  const complex<double>*a, *b;  ///< (full, full), (full, m)
  const index_t* rows;          ///< (set, n)
  const double* noise;          ///< (set,) over signal
  complex<double>*to_a, *to_b;
  index_t full, n, m;
  double lambda;
  KOKKOS_INLINE_FUNCTION void operator()(index_t g, index_t, index_t) const {
    const index_t* r = rows + g * n;
    for (index_t i = 0; i < n; ++i) {
      const index_t from = r[i];
      for (index_t j = 0; j <= i; ++j) to_a[(g * n + i) * n + j] = a[from * full + r[j]];
      for (index_t j = 0; j < m; ++j) to_b[(g * n + i) * m + j] = b[from * m + j];
    }
    grappa_assemble<float>::regularise(to_a + g * n * n, n, lambda, noise[g]);
  }
};

/// Fills the missing samples of one slice; arguments as `mri::grappa`.
template <ExecutionSpace Ex, TensorView K, TensorView Y>
void grappa_points(const Ex& ex, const K& kspace, const host_tensor<std::uint8_t, 3>& mask,
                   const grappa_calibration<real_of<element_of<K>>>& calibration, index_t from,
                   index_t slice, const grappa_options& o, const Y& full) {
  using C = element_of<K>;
  const host_space host;
  const shape<5> k = shape_of(kspace);
  const index_t coils = k[2], kx = o.kernel_x, ky = o.kernel_y | 1;
  require(ky * kx <= 64, "grappa: single samples: expected a kernel of at most 64 samples, found ",
          ky, " x ", kx);
  const auto& b = calibration.block;
  require(b.rows() >= ky && b.columns() >= kx, "grappa: calibration: expected at least ", ky, " x ",
          kx, " samples for the kernel, found ", b.rows(), " x ", b.columns());
  const auto m = to_space(ex, mask);
  launch::rows(ex, k[0] * coils * k[3], k[4],
               grappa_sampled_kernel<C>{kspace.data(), full.data(), m.data(), k[1], slice, coils,
                                        k[3], static_cast<index_t>(mask.extent(0)), k[4]});
  const grappa_sets sets =
      neighbour_sets(mask, k[0], ky, kx,
                     o.noise_aware ? point_levels(ex, kspace, slice, m, mask) : grappa_levels{});
  if (sets.empty()) return;
  const grappa_tables<float> tables(calibration.data, from, b, kx,
                                    1 / grappa_scale(calibration.data, from, b));
  std::vector<int> lines;  // all of the window, then the middle one as the target
  for (int i = 0; i < static_cast<int>(ky); ++i) lines.push_back(i);
  lines.push_back(static_cast<int>(ky / 2));
  const grappa_system window{
      lines.data(), lines.data() + ky, ky, 1, 0, static_cast<int>(ky - 1), 0};
  const index_t all = ky * kx * coils;
  const auto a = make_tensor<complex<double>>(host, shape{all, all});
  const auto rhs = make_tensor<complex<double>>(host, shape{all, coils});
  launch::rows(host, 1, 1,
               grappa_assemble<float>{tables.p, &window, a.data(), rhs.data(), all, coils, 0});

  std::map<int, std::vector<grappa_set>> alike;  // by the number of neighbours
  for (const auto& s : sets) alike[__builtin_popcountll(s.first.first)].push_back(s.first);
  for (auto& [neighbours, list] : alike) {
    const index_t n = neighbours * coils;
    const index_t most = std::max<index_t>(1, (index_t(64) << 20) / (16 * n * n));
    for (std::size_t first = 0; first < list.size(); first += static_cast<std::size_t>(most)) {
      const index_t count = std::min(most, static_cast<index_t>(list.size() - first));
      const auto x = make_tensor<complex<double>>(host, shape{count, n, coils});
      {
        std::vector<index_t> rows;
        std::vector<double> noise;
        for (index_t g = 0; g < count; ++g) {
          const grappa_set& set = list[first + static_cast<std::size_t>(g)];
          add_unknowns(set.first, ky, kx, coils, rows);
          noise.push_back(set.second > noise_free ? std::ldexp(1.0, set.second) : 0);
        }
        const auto part = make_tensor<complex<double>>(host, shape{count, n, n});
        launch::rows(host, count, 1,
                     grappa_select{a.data(), rhs.data(), rows.data(), noise.data(), part.data(),
                                   x.data(), all, n, coils, o.lambda});
        la::cholesky(host, part);
        la::cholesky_solve(host, part, x);
        host.fence();
      }
      std::vector<grappa_point> points;
      const auto offsets = make_tensor<int>(host, shape{count * neighbours * 2});
      const auto starts = make_tensor<index_t>(host, shape{count + 1});
      int* offset = offsets.data();
      for (index_t g = 0; g < count; ++g) {
        const grappa_set& set = list[first + static_cast<std::size_t>(g)];
        const std::uint64_t bits = set.first;
        starts(g) = g * neighbours;
        for (index_t t = 0; t < ky * kx; ++t)
          if (bits >> t & 1) {
            *offset++ = static_cast<int>(t / kx - ky / 2);
            *offset++ = static_cast<int>(t % kx - kx / 2);
          }
        for (grappa_point p : sets.at(set)) {
          p.pattern = g;
          points.push_back(p);
        }
      }
      starts(count) = count * neighbours;
      const auto weights = make_tensor<C>(host, shape{count * n * coils});
      for (index_t i = 0; i < count * n * coils; ++i)
        weights(i) = C(real_of<C>(x.data()[i].real()), real_of<C>(x.data()[i].imag()));
      const auto where = make_tensor<grappa_point>(host, shape{index_t(points.size())});
      std::copy(points.begin(), points.end(), where.data());
      const auto w = to_space(ex, weights);
      const auto p = to_space(ex, where);
      const auto s = to_space(ex, starts);
      const auto d = to_space(ex, offsets);
      constexpr int together = grappa_point_kernel<C>::together;
      launch::rows(ex, index_t(points.size()), (coils + together - 1) / together,
                   grappa_point_kernel<C>{kspace.data(), w.data(), p.data(), s.data(), d.data(),
                                          full.data(), k[1], slice, coils, k[3], k[4]});
      ex.fence();
    }
  }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri::detail

#endif
