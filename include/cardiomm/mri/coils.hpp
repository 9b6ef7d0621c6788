// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_COILS_HPP
#define CARDIOMM_MRI_COILS_HPP
/// \file
/// Sensitivities of circular receive loops around the chest by the law of Biot and Savart: the
/// received field is B_x - i B_y of a unit current (reciprocity; Hoult and Richards, J Magn Reson
/// 24, 1976).

#include <algorithm>
#include <cmath>
#include <vector>

#include "cardiomm/core/launch.hpp"
#include "cardiomm/mri/ellipse.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

namespace detail {

/// A straight piece of wire: middle and direction times length, mm.
struct wire {
  double x, y, z, lx, ly, lz;
};
constexpr int wires_per_loop = 24;

/// Loops on an elliptic tube around the chest (semi-axes 205 x 155 mm along x and y), in rows along
/// z of at most 12, tangential to the tube, overlapping a little.
inline std::vector<wire> loops_around_chest(index_t coils) {
  constexpr double pi = 3.14159265358979323846, tube_x = 205, tube_y = 155, perimeter = 1136;
  const index_t rows = (coils + 11) / 12;
  std::vector<wire> wires;
  index_t first = 0;
  for (index_t row = 0; row < rows; ++row) {
    const index_t count = (coils - first) / (rows - row);
    const double radius = std::clamp(0.55 * perimeter / static_cast<double>(count), 30.0, 70.0);
    const double z = (static_cast<double>(row) - static_cast<double>(rows - 1) / 2) * 1.6 * radius;
    for (index_t k = 0; k < count; ++k) {
      const double a = 2 * pi * (static_cast<double>(k) + 0.5 * static_cast<double>(row % 2)) /
                       static_cast<double>(count);
      const double nx = std::cos(a) / tube_x, ny = std::sin(a) / tube_y, n = std::hypot(nx, ny);
      const auto corner = [&](int i, double(&p)[3]) {
        const double t = 2 * pi * i / wires_per_loop;
        p[0] = tube_x * std::cos(a) - radius * std::cos(t) * ny / n;
        p[1] = tube_y * std::sin(a) + radius * std::cos(t) * nx / n;
        p[2] = z + radius * std::sin(t);
      };
      double p[3], q[3];
      for (int i = 0; i < wires_per_loop; ++i) {
        corner(i, p);
        corner(i + 1, q);
        wires.push_back({(p[0] + q[0]) / 2, (p[1] + q[1]) / 2, (p[2] + q[2]) / 2, q[0] - p[0],
                         q[1] - p[1], q[2] - p[2]});
      }
    }
    first += count;
  }
  return wires;
}

/// Row (coil, y) of the fields of all loops. Close to a wire the field stays finite.
template <class T>
struct loop_field {
  static constexpr const char* name = "cardiomm::mri::loop_field";
  const wire* wires;
  complex<T>* maps;
  image_plane grid;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    constexpr index_t block = 64;
    const index_t coil = row / grid.ny;
    const double y = static_cast<double>(row - coil * grid.ny - grid.ny / 2) * grid.dy;
    const wire* loop = wires + coil * wires_per_loop;
    // Neighbouring coils of a real array differ in phase, too.
    const double turn = 1.7 * static_cast<double>(coil), c = math::cos(turn), s = math::sin(turn);
    for (index_t start = first; start < last; start += block) {
      const index_t n = last - start < block ? last - start : block;
      double bx[block] = {}, by[block] = {};
      for (int w = 0; w < wires_per_loop; ++w) {
        const wire piece = loop[w];
        const double ry = y - piece.y, rz = grid.z - piece.z;
        const double far = ry * ry + rz * rz + 400;
        const double gx = piece.ly * rz - piece.lz * ry;
        for (index_t i = 0; i < block; ++i) {  // a fixed count becomes vector code
          const double rx = static_cast<double>(start + i - grid.nx / 2) * grid.dx - piece.x;
          const double d2 = rx * rx + far, g = 1 / (d2 * math::sqrt(d2));
          bx[i] += g * gx;
          by[i] += g * (piece.lz * rx - piece.lx * rz);
        }
      }
      for (index_t i = 0; i < n; ++i)
        maps[row * grid.nx + start + i] = complex<T>(static_cast<T>(c * bx[i] + s * by[i]),
                                                     static_cast<T>(s * bx[i] - c * by[i]));
    }
  }
};

/// Divides the maps by their root sum of squares; where there is no field at all coil 0 gets 1.
template <class T>
struct unit_maps {
  static constexpr const char* name = "cardiomm::mri::unit_maps";
  complex<T>* maps;
  index_t coils, pixels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t first, index_t last) const {
    for (index_t i = first; i < last; ++i) {
      double sum = 0;
      for (index_t c = 0; c < coils; ++c) sum += static_cast<double>(abs2(maps[c * pixels + i]));
      const double scale = sum > 0 ? 1 / math::sqrt(sum) : 0;
      for (index_t c = 0; c < coils; ++c) {
        const complex<T> m = maps[c * pixels + i];
        maps[c * pixels + i] =
            complex<T>(static_cast<T>(m.real() * scale), static_cast<T>(m.imag() * scale));
      }
      if (!(sum > 0)) maps[i] = complex<T>(1, 0);
    }
  }
};

}  // namespace detail

/// Writes sensitivity maps (coil, y, x) of loops around the chest in an image plane to host memory,
/// with sum_c |s_c|^2 = 1 everywhere; waits. Throws value_error for less than one coil.
template <class T>
void draw_loops(const host_space& ex, index_t coils, const image_plane& grid, complex<T>* maps) {
  require(coils >= 1, "coil maps: coils: expected at least 1, found ", coils);
  const auto wires = detail::loops_around_chest(coils);
  launch::rows(ex, coils * grid.ny, grid.nx, detail::loop_field<T>{wires.data(), maps, grid});
  launch::segments(ex, grid.ny * grid.nx, detail::unit_maps<T>{maps, coils, grid.ny * grid.nx});
  ex.fence();
}

/// The same maps in a new tensor.
template <class T = float>
host_tensor<complex<T>, 3> biot_savart_maps(const host_space& ex, index_t coils,
                                            const image_plane& grid) {
  require(coils >= 1, "coil maps: coils: expected at least 1, found ", coils);
  auto maps = make_tensor<complex<T>>(ex, shape<3>{{coils, grid.ny, grid.nx}},
                                      "cardiomm::biot_savart_maps");
  draw_loops(ex, coils, grid, maps.data());
  return maps;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
