// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SYNTHETIC_RECEIVE_HPP
#define CARDIOMM_TRAIN_SYNTHETIC_RECEIVE_HPP
/// \file
/// From a painted body to k-space, on the thread that calls: Fourier transforms by the library's
/// stages without a launch, and the fields of a random array of loops.
///
/// Sources of training data run on threads beside the training. A launch there would either wait
/// for the network's kernels or take their threads, so nothing here launches: tables are made when
/// the source is, by its maker's thread, and only read afterwards.

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "cardiomm/fft/backend/builtin.hpp"
#include "cardiomm/mri/coils.hpp"
#include "cardiomm/train/synthetic_random.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train::synthetic {

/// Centred orthonormal transforms (y, x) of the lengths that were announced.
class serial_fourier {
  using tile_t = launch::tile_type<float, host_space>;

 public:
  void announce(index_t n) {
    if (n > 0 && !axes_.count(n)) axes_.emplace(n, std::make_unique<axis>(n));
  }
  /// In place, `batch` planes.
  void execute(bool forward, index_t batch, index_t ny, index_t nx, complex<float>* x) const {
    const axis &ay = *axes_.at(ny), &ax = *axes_.at(nx);
    const std::size_t numbers =
        static_cast<std::size_t>(std::max(ay.line.scratch_numbers(), ax.line.scratch_numbers()));
    std::vector<float> memory(numbers + 16);
    float* scratch = memory.data();
    while (reinterpret_cast<std::uintptr_t>(scratch) % 64) ++scratch;
    const float scale = 1 / std::sqrt(static_cast<float>(ny * nx));
    for (index_t b = 0; b < batch; ++b) {
      complex<float>* plane = x + b * ny * nx;
      run(ax, forward, ny, 1, 1.f, plane, scratch);
      run(ay, forward, 1, nx, scale, plane, scratch);
    }
  }

 private:
  struct axis {
    fft::line<float, host_space> line;
    std::vector<int> map;
    explicit axis(index_t n) : line(host_space{}, n), map(static_cast<std::size_t>(4 * n)) {
      const index_t c = n / 2;
      for (index_t i = 0; i < n; ++i) {
        const index_t j = (i + c) % n, k = (line.frequency(i) + c) % n;
        map[static_cast<std::size_t>(i)] = static_cast<int>(j);
        map[static_cast<std::size_t>(n + i)] = static_cast<int>(k);
        map[static_cast<std::size_t>(2 * n + j)] = static_cast<int>(i);
        map[static_cast<std::size_t>(3 * n + k)] = static_cast<int>(i);
      }
    }
  };
  static void run(const axis& a, bool forward, index_t outer, index_t inner, float scale,
                  complex<float>* x, float* scratch) {
    const index_t n = a.line.length();
    const int* map = a.map.data();
    const fft::detail::axis_pass<float> pass{
        x,    x,       outer,       inner,       a.line.stages(),
        map,  map + n, map + 2 * n, map + 3 * n, forward ? 1.f : -1.f,
        scale};
    for (index_t i = 0; i < pass.tiles(outer, tile_t::width); ++i) pass(tile_t(i, scratch));
  }

  std::map<index_t, std::unique_ptr<axis>> axes_;
};

/// Copies the common centre of two centred k-spaces, (ny, nx) into (my, mx), which is zero outside;
/// the scale keeps the image's values.
inline void centre_of(const complex<float>* from, index_t ny, index_t nx, complex<float>* to,
                      index_t my, index_t mx) {
  const float scale = std::sqrt(static_cast<float>(my * mx) / static_cast<float>(ny * nx));
  for (index_t y = 0; y < my; ++y) {
    const complex<float>* row = from + (y - my / 2 + ny / 2) * nx + nx / 2 - mx / 2;
    for (index_t x = 0; x < mx; ++x) to[y * mx + x] = scale * row[x];
  }
}

/// Where pixels lie in the body, without its deformation: rotation, mirror, shift.
struct placement {
  float xx = 1, xy = 0, yx = 0, yy = 1, x0 = 0, y0 = 0;
  void apply(float px, float py, float& u, float& v) const {
    u = xx * px + xy * py + x0;
    v = yx * px + yy * py + y0;
  }
};

/// Loops on a tube around the body, and what else belongs to a receiver.
class receiver {
 public:
  /// `a`, `b`: semi-axes of the body's outline, mm.
  receiver(draws& d, index_t coils, double a, double b) : coils_(coils) {
    constexpr double pi = 3.14159265358979323846;
    const double start = d.uniform(0, 2 * pi), away = d.uniform(25, 70);
    const double cover = coils > 3 && d.chance(.6) ? 2 * pi : d.uniform(.8, 1.9) * pi;
    const double plane = d.uniform(-40, 40);
    const double perimeter = cover * (a + b) / 2;
    const index_t rows = coils >= 6 && d.chance(.4) ? 2 : 1;
    const double per_row = static_cast<double>((coils + rows - 1) / rows);
    for (index_t c = 0; c < coils; ++c) {
      const double t = start + cover * static_cast<double>(c / rows) / per_row + .15 * d.normal();
      const double radius = std::clamp(d.uniform(.4, .8) * perimeter / per_row, 25.0, 110.0);
      const double out = away + d.uniform(0, 15), z = plane + (c % rows ? 1.5 : 0) * radius;
      const double nx = std::cos(t + .25 * d.normal()), ny = std::sin(t + .25 * d.normal());
      const double n = std::hypot(nx, ny), tilt = .3 * d.normal();
      const double cx = (a + out) * std::cos(t), cy = (b + out) * std::sin(t);
      const auto corner = [&](int i, double(&p)[3]) {
        const double w = 2 * pi * i / wires;
        const double along = radius * std::cos(w), up = radius * std::sin(w);
        p[0] = cx - along * ny / n + up * std::sin(tilt) * nx / n;
        p[1] = cy + along * nx / n + up * std::sin(tilt) * ny / n;
        p[2] = z + up * std::cos(tilt);
      };
      double p[3], q[3];
      for (int i = 0; i < wires; ++i) {
        corner(i, p);
        corner(i + 1, q);
        loops_.push_back({(p[0] + q[0]) / 2, (p[1] + q[1]) / 2, (p[2] + q[2]) / 2, q[0] - p[0],
                          q[1] - p[1], q[2] - p[2]});
      }
      const double gain = d.spread(.15), turn = d.uniform(0, 2 * pi);
      gain_.emplace_back(static_cast<float>(gain * std::cos(turn)),
                         static_cast<float>(gain * std::sin(turn)));
    }
    uniform_ = coils == 1 && d.chance(.6);
    flatten_ = d.chance(.5) ? d.uniform(0, 1) : 0;
  }

  /// maps (coil, ny, nx) over a field of view of (fy, fx) mm: fields on nodes about 9 pixels apart,
  /// between them by cubic interpolation. The mean of sum |s|^2 over the field is 1.
  void maps(const placement& where, double fy, double fx, index_t ny, index_t nx,
            complex<float>* out) const {
    if (uniform_) {
      std::fill(out, out + ny * nx, gain_[0] / std::hypot(gain_[0].real(), gain_[0].imag()));
      return;
    }
    const axis_weights wy(ny), wx(nx);
    const std::size_t nodes = static_cast<std::size_t>(wy.nodes * wx.nodes);
    std::vector<complex<float>> node(static_cast<std::size_t>(coils_) * nodes);
    double total = 0;
    for (index_t j = 0; j < wy.nodes; ++j)
      for (index_t i = 0; i < wx.nodes; ++i) {
        float u, v;
        where.apply(static_cast<float>(fx * wx.place(i)), static_cast<float>(fy * wy.place(j)), u,
                    v);
        double sum = 0;
        for (index_t c = 0; c < coils_; ++c) {
          const complex<float> b = field(c, u, v);
          node[static_cast<std::size_t>(c) * nodes + static_cast<std::size_t>(j * wx.nodes + i)] =
              b;
          sum += double(abs2(b));
        }
        const double flat = std::pow(sum + 1e-30, -.5 * flatten_);
        for (index_t c = 0; c < coils_; ++c)
          node[static_cast<std::size_t>(c) * nodes + static_cast<std::size_t>(j * wx.nodes + i)] *=
              static_cast<float>(flat);
        total += sum * flat * flat;
      }
    const float scale = static_cast<float>(1 / std::sqrt(total / static_cast<double>(nodes)));
    std::vector<complex<float>> row(static_cast<std::size_t>(wx.nodes));
    for (index_t c = 0; c < coils_; ++c)
      for (index_t y = 0; y < ny; ++y) {
        const complex<float>* base = node.data() + static_cast<std::size_t>(c) * nodes +
                                     static_cast<std::size_t>(wy.first[y] * wx.nodes);
        const float* w = wy.w.data() + 4 * y;
        for (index_t i = 0; i < wx.nodes; ++i) {
          complex<float> s = w[0] * base[i];
          for (int k = 1; k < 4; ++k) s += w[k] * base[k * wx.nodes + i];
          row[static_cast<std::size_t>(i)] = scale * s;
        }
        complex<float>* to = out + (c * ny + y) * nx;
        for (index_t x = 0; x < nx; ++x) {
          const complex<float>* r = row.data() + wx.first[x];
          const float* v = wx.w.data() + 4 * x;
          to[x] = v[0] * r[0] + v[1] * r[1] + v[2] * r[2] + v[3] * r[3];
        }
      }
  }
  index_t coils() const { return coils_; }

 private:
  static constexpr int wires = 16;
  /// Catmull-Rom weights of points between nodes.
  struct axis_weights {
    index_t nodes;
    double step;
    std::vector<index_t> first;
    std::vector<float> w;
    explicit axis_weights(index_t n) {
      const index_t cells = std::max<index_t>(4, (n + 8) / 9);
      nodes = cells + 3, step = 1.0 / static_cast<double>(cells);
      for (index_t i = 0; i < n; ++i) {
        const double at = static_cast<double>(i) / static_cast<double>(n) / step;
        const index_t k = std::min(static_cast<index_t>(at), cells - 1);
        const float t = static_cast<float>(at - static_cast<double>(k));
        first.push_back(k);
        w.push_back(t * (-.5f + t * (1 - .5f * t)));
        w.push_back(1 + t * t * (-2.5f + 1.5f * t));
        w.push_back(t * (.5f + t * (2 - 1.5f * t)));
        w.push_back(t * t * (-.5f + .5f * t));
      }
    }
    /// Of node i, in fields of view from the centre.
    double place(index_t i) const { return static_cast<double>(i - 1) * step - .5; }
  };

  complex<float> field(index_t c, float u, float v) const {
    const mri::detail::wire* loop = loops_.data() + c * wires;
    float bx = 0, by = 0;
    for (int w = 0; w < wires; ++w) {
      const float rx = u - static_cast<float>(loop[w].x), ry = v - static_cast<float>(loop[w].y);
      const float rz = -static_cast<float>(loop[w].z);
      const float d2 = rx * rx + ry * ry + rz * rz + 900;
      const float g = 1 / (d2 * std::sqrt(d2));
      const float lx = static_cast<float>(loop[w].lx), ly = static_cast<float>(loop[w].ly),
                  lz = static_cast<float>(loop[w].lz);
      bx += g * (ly * rz - lz * ry);
      by += g * (lz * rx - lx * rz);
    }
    return mul(gain_[static_cast<std::size_t>(c)], complex<float>(bx, -by));
  }

  index_t coils_;
  std::vector<mri::detail::wire> loops_;
  std::vector<complex<float>> gain_;
  bool uniform_ = false;
  double flatten_ = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train::synthetic

#endif
