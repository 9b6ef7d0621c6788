// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_MRI_ELLIPSE_HPP
#define CARDIOMM_MRI_ELLIPSE_HPP
/// \file
/// Ellipses in the image plane and their exact Fourier transform, from which phantoms are built:
/// k-space of a sum of ellipses is known in closed form, without any raster.
/// Sources: Van de Walle et al., IEEE TMI 19 (2000); Abramowitz and Stegun 9.4.4 and 9.4.6.

#include <cmath>
#include <cstdint>
#include <vector>

#include "cardiomm/core/launch.hpp"

namespace cardiomm::inline CARDIOMM_ABI::mri {

/// An ellipse of constant intensity; intensities of overlapping ellipses add up. Lengths in mm,
/// x along the readout, y along the phase encode, the origin at pixel n / 2 of both axes.
struct ellipse {
  double x = 0, y = 0;     ///< centre
  double rx = 0, ry = 0;   ///< semi-axes
  double angle = 0;        ///< of the semi-axis rx, from x towards y, radians
  double value = 0;        ///< intensity that the ellipse adds
  std::uint8_t label = 0;  ///< tissue; 0 leaves the label of what lies below

  double area() const { return 3.14159265358979323846 * rx * ry; }
  bool contains(double px, double py) const {
    const double dx = px - x, dy = py - y, reach = std::fmax(rx, ry);
    if (dx * dx + dy * dy > reach * reach) return false;
    const double c = std::cos(angle), s = std::sin(angle);
    const double u = (c * dx + s * dy) / rx, v = (c * dy - s * dx) / ry;
    return u * u + v * v <= 1;
  }
};

/// Rectangular grid of an image plane: pixel (i, j) lies at y = (i - ny / 2) dy, x = (j - nx / 2)
/// dx, with integer divisions; sample (i, j) of its k-space at (i - ny / 2) / (ny dy) cycles per
/// mm.
struct image_plane {
  index_t ny = 0, nx = 0;
  double dy = 1, dx = 1;  ///< mm
  double z = 0;           ///< mm
};

namespace detail {

/// J1(z) / z for z >= 0, to about 1e-8.
KOKKOS_INLINE_FUNCTION double bessel_j1_over(double z) {
  if (z <= 3) {
    const double t = z * z / 9;
    return 0.5 + t * (-.56249985 +
                      t * (.21093573 +
                           t * (-.03954289 + t * (.00443319 + t * (-.00031761 + t * .00001109)))));
  }
  const double t = 3 / z;
  const double amplitude =
      .79788456 +
      t * (.00000156 +
           t * (.01659667 + t * (.00017105 + t * (-.00249511 + t * (.00113653 - t * .00020033)))));
  const double phase =
      z - 2.35619449 +
      t * (.12499612 +
           t * (.00005650 + t * (-.00637879 + t * (.00074348 + t * (.00079824 - t * .00029166)))));
  return amplitude * math::cos(phase) / (z * math::sqrt(z));
}

/// What the kernel needs of an ellipse.
struct ellipse_wave {
  double ux, uy, vx,
      vy;            // 2 pi (semi-axes along kx and ky): rho = |(ux kx + uy ky, vx kx + vy ky)|
  double amplitude;  // 2 value area / (dy dx sqrt(ny nx))
};

/// out = base + transforms of the ellipses; a null base counts as zero. Rows up to frequency 0 are
/// computed, the others are their mirror images, because the object is real.
template <class T>
struct ellipse_spectrum {
  static constexpr const char* name = "cardiomm::mri::ellipse_spectrum";
  const ellipse_wave* waves;
  const complex<double>* along_y;  // (ellipse, y) and (ellipse, x): phases of the centres
  const complex<double>* along_x;
  index_t count;
  const complex<T>* base;
  complex<T>* out;
  index_t ny, nx;
  double step_y, step_x;  // of k, cycles per mm

  KOKKOS_INLINE_FUNCTION complex<double> value(index_t row, index_t i) const {
    const double ky = static_cast<double>(row - ny / 2) * step_y;
    const double kx = static_cast<double>(i - nx / 2) * step_x;
    double re = 0, im = 0;
    for (index_t e = 0; e < count; ++e) {
      const ellipse_wave& w = waves[e];
      const double u = w.ux * kx + w.uy * ky, v = w.vx * kx + w.vy * ky;
      const double a = w.amplitude * bessel_j1_over(math::sqrt(u * u + v * v));
      const complex<double> phase = mul(along_y[e * ny + row], along_x[e * nx + i]);
      re += a * phase.real();
      im += a * phase.imag();
    }
    return {re, im};
  }
  KOKKOS_INLINE_FUNCTION void put(index_t row, index_t i, double re, double im) const {
    const index_t at = row * nx + i;
    if (base) {
      re += static_cast<double>(base[at].real());
      im += static_cast<double>(base[at].imag());
    }
    out[at] = complex<T>(static_cast<T>(re), static_cast<T>(im));
  }
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t mirror = 2 * (ny / 2) - row;
    for (index_t i = first; i < last; ++i) {
      const complex<double> f = value(row, i);
      put(row, i, f.real(), f.imag());
      if (mirror == row || mirror >= ny) continue;
      const index_t j = 2 * (nx / 2) - i;
      if (j < nx) {
        put(mirror, j, f.real(), -f.imag());
      } else {  // the lowest frequency of an even row has no partner
        const complex<double> g = value(mirror, i);
        put(mirror, i, g.real(), g.imag());
      }
    }
  }
};

/// exp(-2 pi i (j - n / 2) step centre) for j in [0, n).
inline void append_phases(std::vector<complex<double>>& phases, index_t n, double step,
                          double centre) {
  for (index_t j = 0; j < n; ++j) {
    const double angle = -6.283185307179586476925 * static_cast<double>(j - n / 2) * step * centre;
    phases.emplace_back(std::cos(angle), std::sin(angle));
  }
}

}  // namespace detail

/// k-space (y, x) of ellipses, centred, scaled as the orthonormal transform of their image on the
/// grid; `base` (null or of the same size, may be `out`) is added. Host memory; waits.
template <class T>
void add_ellipses(const host_space& ex, const std::vector<ellipse>& shapes, const image_plane& grid,
                  const complex<T>* base, complex<T>* out) {
  constexpr double turn = 6.283185307179586476925;
  const double norm = 1 / (grid.dy * grid.dx * std::sqrt(static_cast<double>(grid.ny * grid.nx)));
  const double step_y = 1 / (static_cast<double>(grid.ny) * grid.dy);
  const double step_x = 1 / (static_cast<double>(grid.nx) * grid.dx);
  std::vector<detail::ellipse_wave> waves;
  std::vector<complex<double>> along_y, along_x;
  for (const ellipse& e : shapes) {
    const double c = std::cos(e.angle), s = std::sin(e.angle);
    waves.push_back({turn * e.rx * c, turn * e.rx * s, -turn * e.ry * s, turn * e.ry * c,
                     2 * e.value * e.area() * norm});
    detail::append_phases(along_y, grid.ny, step_y, e.y);
    detail::append_phases(along_x, grid.nx, step_x, e.x);
  }
  launch::rows(ex, grid.ny / 2 + 1, grid.nx,
               detail::ellipse_spectrum<T>{waves.data(), along_y.data(), along_x.data(),
                                           static_cast<index_t>(waves.size()), base, out, grid.ny,
                                           grid.nx, step_y, step_x});
  ex.fence();
}

/// k-space (y, x) of ellipses, centred and orthonormal, in closed form.
template <class T = double>
host_tensor<complex<T>, 2> ellipse_kspace(const host_space& ex, const std::vector<ellipse>& shapes,
                                          const image_plane& grid) {
  auto k = make_tensor<complex<T>>(ex, shape<2>{{grid.ny, grid.nx}}, "cardiomm::ellipse_kspace");
  add_ellipses<T>(ex, shapes, grid, nullptr, k.data());
  return k;
}

/// Writes the label of every pixel centre: that of the last ellipse over it whose label is not 0.
inline void draw_labels(const std::vector<ellipse>& shapes, const image_plane& grid,
                        std::uint8_t* labels) {
  for (index_t i = 0; i < grid.ny; ++i)
    for (index_t j = 0; j < grid.nx; ++j) {
      std::uint8_t& label = labels[i * grid.nx + j];
      label = 0;
      for (const ellipse& e : shapes)
        if (e.label && e.contains(static_cast<double>(j - grid.nx / 2) * grid.dx,
                                  static_cast<double>(i - grid.ny / 2) * grid.dy))
          label = e.label;
    }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::mri

#endif
