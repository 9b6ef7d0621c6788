// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SYNTHETIC_PAINT_HPP
#define CARDIOMM_TRAIN_SYNTHETIC_PAINT_HPP
/// \file
/// Shapes in the coordinates of a body at rest, and how a grid of pixels that looks at them through
/// a deformation is painted, one shape over the other, with partial volumes at the edges.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "cardiomm/core/complex.hpp"
#include "cardiomm/train/synthetic_random.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train::synthetic {

/// What fills a shape besides its value.
enum class pattern : std::uint8_t {
  none,
  folds,   ///< `second` along the level lines of a random field: folded bands
  blobs,   ///< `second` where a random field is high
  ribbons  ///< as folds, of a field of narrow band, with `third` along both sides of them
};

/// A shape, lengths in mm. Its outline is distorted by a random field, and its value is modulated
/// by another.
struct shape {
  enum class kind : std::uint8_t { ellipse, polygon, line };
  kind form = kind::ellipse;
  pattern fill = pattern::none;
  std::int8_t clip = -1;        ///< drawn only inside this clip, if not negative
  std::int8_t makes_clip = -1;  ///< stores its coverage as this clip
  float x = 0, y = 0;           ///< centre; start of a line
  float a = 1, b = 1;           ///< semi-axes; radii at the start and end of a line
  float angle = 0;
  float dx = 0, dy = 0;       ///< from start to end of a line
  float inner = 0;            ///< share of an ellipse's radii that stays empty
  int sides = 0;              ///< of a polygon
  float offset[6] = {};       ///< distances of its sides, at angles 2 pi k / sides
  float wobble = 0;           ///< distortion of the outline, mm
  float wobble_mm = 40;       ///< period of the distorting field
  complex<float> value = {};  ///< signal
  complex<float> second = {}, third = {};
  float ribbon = 0;               ///< width of `third`
  float bend = 0;                 ///< displacement of the whole shape by a random field, mm
  float bend_mm = 40;             ///< period of that field
  float level = 0, width = 0.3f;  ///< of the pattern
  float pattern_mm = 60;          ///< period of the pattern's field
  float texture = 0;              ///< relative modulation
  float texture_mm = 60;          ///< period of the texture's field
  float shift = 0;                ///< where in the fields this shape looks
  float soft = 0;                 ///< width of the edge, mm
  float opacity = 1;

  /// Radius around the middle that holds the shape.
  float reach() const {
    float r = std::max(a, b);
    if (form == kind::line) r += 0.5f * std::hypot(dx, dy);
    if (form == kind::polygon) {
      r = 0;
      for (int k = 0; k < sides; ++k) r = std::max(r, offset[k]);
      r /= std::cos(3.14159265f / static_cast<float>(sides));
    }
    return r + wobble * 3 + bend * 3;
  }
};

/// Random fields that shapes of a subject share.
struct fields {
  field smooth, fine, rough, waves;
  explicit fields(draws& d)
      : smooth(d, 1, 3, 1.0),
        fine(d, 1, 6, d.uniform(0.6, 1.1)),
        rough(d, 3, 7, 0.3),
        waves(d, 3, 4, .5) {}
};

/// Pixels and where each looks in the body at rest, mm.
struct canvas {
  index_t ny = 0, nx = 0;
  float dy = 1, dx = 1;  ///< pixel, mm
  std::vector<float> u, v;
  std::vector<complex<float>> image;
  std::array<std::vector<float>, 4> clip;
};

/// Paints shapes onto a canvas in their order.
class painter {
 public:
  painter(canvas& c, const fields& f) : c_(c), f_(f) {
    across_ = (c.nx + side - 1) / side;
    const index_t down = (c.ny + side - 1) / side;
    for (index_t ty = 0; ty < down; ++ty)
      for (index_t tx = 0; tx < across_; ++tx) blocks_.push_back(bounds(ty * side, tx * side));
  }

  /// Paints a shape with edges at least `edge` mm wide.
  void paint(const shape& s, float edge) {
    edge = std::max({edge, c_.dy, c_.dx, s.soft});
    if (s.makes_clip >= 0) c_.clip[static_cast<std::size_t>(s.makes_clip)].assign(c_.u.size(), 0.f);
    const float mx = s.x + (s.form == shape::kind::line ? s.dx / 2 : 0);
    const float my = s.y + (s.form == shape::kind::line ? s.dy / 2 : 0);
    const float reach = s.reach() + edge;
    for (std::size_t k = 0; k < blocks_.size(); ++k) {
      const block& b = blocks_[k];
      const float ex = b.x - mx, ey = b.y - my, r = b.r + reach;
      if (ex * ex + ey * ey > r * r) continue;
      const index_t y0 = static_cast<index_t>(k) / across_ * side;
      const index_t x0 = static_cast<index_t>(k) % across_ * side;
      for (index_t y = y0; y < std::min(y0 + side, c_.ny); ++y)
        row(s, y * c_.nx + x0, static_cast<int>(std::min(side, c_.nx - x0)), edge);
    }
  }

 private:
  static constexpr index_t side = 16;
  struct block {
    float x, y, r;
  };

  block bounds(index_t y0, index_t x0) const {
    float lu = 1e30f, hu = -1e30f, lv = 1e30f, hv = -1e30f;
    for (index_t y = y0; y < std::min(y0 + side, c_.ny); ++y)
      for (index_t x = x0; x < std::min(x0 + side, c_.nx); ++x) {
        const auto i = static_cast<std::size_t>(y * c_.nx + x);
        lu = std::min(lu, c_.u[i]), hu = std::max(hu, c_.u[i]);
        lv = std::min(lv, c_.v[i]), hv = std::max(hv, c_.v[i]);
      }
    return {(lu + hu) / 2, (lv + hv) / 2, std::hypot(hu - lu, hv - lv) / 2};
  }

  /// Signed distances (mm, negative inside) of `n` pixels.
  void distances(const shape& s, const float* u, const float* v, int n, float* d) const {
    const float c = std::cos(s.angle), sn = std::sin(s.angle);
    if (s.form == shape::kind::line) {
      const float l2 = s.dx * s.dx + s.dy * s.dy, inverse = l2 > 0 ? 1 / l2 : 0;
      for (int i = 0; i < n; ++i) {
        const float px = u[i] - s.x, py = v[i] - s.y;
        const float t = std::min(1.f, std::max(0.f, (px * s.dx + py * s.dy) * inverse));
        const float qx = px - t * s.dx, qy = py - t * s.dy;
        d[i] = std::sqrt(qx * qx + qy * qy) - (s.a + t * (s.b - s.a));
      }
    } else if (s.form == shape::kind::polygon) {
      for (int i = 0; i < n; ++i) d[i] = -1e30f;
      for (int k = 0; k < s.sides; ++k) {
        const float t = s.angle + 6.2831853f * static_cast<float>(k) / static_cast<float>(s.sides);
        const float ex = std::cos(t), ey = std::sin(t);
        for (int i = 0; i < n; ++i)
          d[i] = std::max(d[i], ex * (u[i] - s.x) + ey * (v[i] - s.y) - s.offset[k]);
      }
    } else {
      const float ia = 1 / s.a, ib = 1 / s.b;
      for (int i = 0; i < n; ++i) {
        const float px = u[i] - s.x, py = v[i] - s.y;
        const float p = (c * px + sn * py) * ia, q = (c * py - sn * px) * ib;
        const float f = std::sqrt(p * p + q * q);
        const float gx = p * ia, gy = q * ib;
        const float g = std::sqrt(gx * gx + gy * gy) + 1e-6f;  // |grad f| = g / f
        d[i] = (f - 1) * (f + 1e-6f) / g;
        if (s.inner > 0) d[i] = std::max(d[i], (s.inner - f) * (f + 1e-6f) / g);
      }
    }
  }

  void row(const shape& s, index_t at, int n, float edge) {
    float d[side], cover[side];
    const float* u = c_.u.data() + at;
    const float* v = c_.v.data() + at;
    float bent_u[side], bent_v[side];
    if (s.bend > 0) {
      const float scale = 1 / s.bend_mm;
      for (int i = 0; i < n; ++i) {
        bent_u[i] = u[i] + s.bend * f_.smooth.at(u[i] * scale + s.shift, v[i] * scale);
        bent_v[i] = v[i] + s.bend * f_.smooth.at(v[i] * scale, u[i] * scale - s.shift);
      }
      distances(s, bent_u, bent_v, n, d);
    } else {
      distances(s, u, v, n, d);
    }
    const float far = edge + 3 * s.wobble;
    float nearest = 1e30f;
    for (int i = 0; i < n; ++i) nearest = std::min(nearest, d[i]);
    if (nearest > far) return;
    if (s.wobble > 0) {
      const float scale = 1 / s.wobble_mm;
      for (int i = 0; i < n; ++i)
        if (d[i] < far && d[i] > -far)
          d[i] += s.wobble * f_.fine.at(u[i] * scale + s.shift, v[i] * scale);
    }
    const float inverse = 1 / edge;
    for (int i = 0; i < n; ++i)
      cover[i] = s.opacity * std::min(1.f, std::max(0.f, 0.5f - d[i] * inverse));
    if (s.makes_clip >= 0) {
      float* clip = c_.clip[static_cast<std::size_t>(s.makes_clip)].data() + at;
      for (int i = 0; i < n; ++i) clip[i] = cover[i];
    }
    if (s.clip >= 0) {
      const float* clip = c_.clip[static_cast<std::size_t>(s.clip)].data() + at;
      for (int i = 0; i < n; ++i) cover[i] *= clip[i];
    }
    complex<float>* image = c_.image.data() + at;
    for (int i = 0; i < n; ++i) {
      if (!(cover[i] > 0)) continue;
      complex<float> value = s.value;
      float factor = 1;
      if (s.fill != pattern::none) {
        const float scale = 1 / s.pattern_mm, pu = u[i] * scale - s.shift,
                    pv = v[i] * scale + s.shift;
        const field& from = s.fill == pattern::ribbons ? f_.waves : f_.fine;
        const float f = from.at(pu, pv) - s.level;
        const float g = s.fill == pattern::blobs ? f : s.width - std::fabs(f);
        const float sharp = 1 / (.35f * s.width + 1e-3f);
        const auto share = [&](float x) { return std::min(1.f, std::max(0.f, .5f + x * sharp)); };
        if (s.fill == pattern::ribbons) value += share(g + s.ribbon) * (s.third - s.value);
        value += share(g) * (s.second - value);
      }
      if (s.texture > 0) {
        const float scale = 1 / s.texture_mm;
        factor += s.texture * (0.7f * f_.fine.at(u[i] * scale + 3 * s.shift, v[i] * scale) +
                               0.5f * f_.rough.at(u[i] * scale - s.shift, v[i] * scale));
        factor = std::max(0.f, factor);
      }
      image[i] += cover[i] * (factor * value - image[i]);
    }
  }

  canvas& c_;
  const fields& f_;
  index_t across_ = 0;
  std::vector<block> blocks_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train::synthetic

#endif
