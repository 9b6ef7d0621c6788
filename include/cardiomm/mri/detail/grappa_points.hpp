// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_DETAIL_GRAPPA_POINTS_HPP
#define CARDIOMM_MRI_DETAIL_GRAPPA_POINTS_HPP
/// \file
/// GRAPPA of single samples: the kernel of a missing one is the set of measured ones within a
/// window around it. There may be as many sets as samples, so they are solved and applied in parts.

#include <unordered_map>

#include "cardiomm/mri/detail/grappa_calibration.hpp"
#include "cardiomm/mri/detail/grappa_kernels.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri::detail {

/// The missing samples of a set of neighbours; bit (i * kx + j) of the set is a neighbour at
/// (i - ky / 2, j - kx / 2).
using grappa_sets = std::unordered_map<std::uint64_t, std::vector<grappa_point>>;

inline grappa_sets neighbour_sets(const host_tensor<std::uint8_t, 3>& mask, index_t frames,
                                  index_t ky, index_t kx) {
  grappa_sets sets;
  const shape<3> m = shape_of(mask);
  for (index_t f = 0; f < frames; ++f) {
    const std::uint8_t* plane = mask.data() + (m[0] == 1 ? 0 : f) * m[1] * m[2];
    for (index_t y = 0; y < m[1]; ++y)
      for (index_t x = 0; x < m[2]; ++x) {
        if (plane[y * m[2] + x]) continue;
        std::uint64_t bits = 0;
        for (index_t i = 0; i < ky; ++i)
          for (index_t j = 0; j < kx; ++j) {
            const index_t v = y + i - ky / 2, u = x + j - kx / 2;
            if (v >= 0 && v < m[1] && u >= 0 && u < m[2] && plane[v * m[2] + u])
              bits |= std::uint64_t(1) << (i * kx + j);
          }
        if (bits) sets[bits].push_back({f, y, x, 0});
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
    grappa_assemble<float>::regularise(to_a + g * n * n, n, lambda, 0);
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
  const grappa_sets sets = neighbour_sets(mask, k[0], ky, kx);
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

  std::map<int, std::vector<std::uint64_t>> alike;  // by the number of neighbours
  for (const auto& s : sets) alike[__builtin_popcountll(s.first)].push_back(s.first);
  for (auto& [neighbours, list] : alike) {
    std::sort(list.begin(), list.end());
    const index_t n = neighbours * coils;
    const index_t most = std::max<index_t>(1, (index_t(64) << 20) / (16 * n * n));
    for (std::size_t first = 0; first < list.size(); first += static_cast<std::size_t>(most)) {
      const index_t count = std::min(most, static_cast<index_t>(list.size() - first));
      const auto x = make_tensor<complex<double>>(host, shape{count, n, coils});
      {
        std::vector<index_t> rows;
        for (index_t g = 0; g < count; ++g)
          add_unknowns(list[first + static_cast<std::size_t>(g)], ky, kx, coils, rows);
        const auto part = make_tensor<complex<double>>(host, shape{count, n, n});
        launch::rows(host, count, 1,
                     grappa_select{a.data(), rhs.data(), rows.data(), part.data(), x.data(), all, n,
                                   coils, o.lambda});
        la::cholesky(host, part);
        la::cholesky_solve(host, part, x);
        host.fence();
      }
      std::vector<grappa_point> points;
      const auto offsets = make_tensor<int>(host, shape{count * neighbours * 2});
      const auto starts = make_tensor<index_t>(host, shape{count + 1});
      int* offset = offsets.data();
      for (index_t g = 0; g < count; ++g) {
        const std::uint64_t bits = list[first + static_cast<std::size_t>(g)];
        starts(g) = g * neighbours;
        for (index_t t = 0; t < ky * kx; ++t)
          if (bits >> t & 1) {
            *offset++ = static_cast<int>(t / kx - ky / 2);
            *offset++ = static_cast<int>(t % kx - kx / 2);
          }
        for (grappa_point p : sets.at(bits)) {
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
