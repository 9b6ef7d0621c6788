// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SYNTHETIC_ANATOMY_HPP
#define CARDIOMM_TRAIN_SYNTHETIC_ANATOMY_HPP
/// \file
/// What anatomies of the synthetic generator are: lists of shapes in mm, painted one over the
/// other, and the ventricles that beat. The families are in synthetic_torso.hpp, synthetic_head.hpp
/// and synthetic_scene.hpp.

#include <vector>

#include "cardiomm/train/synthetic_contrast.hpp"
#include "cardiomm/train/synthetic_paint.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train::synthetic {

/// A ventricle that contracts: ellipse of its cavity at rest, and its wall.
struct ventricle {
  float x = 0, y = 0, angle = 0, a = 20, b = 20;
  float wall = 1.4f;        ///< outer over inner radius
  float shortening = 0.3f;  ///< of the cavity's radius at end systole
};

/// A body at rest.
struct body {
  std::vector<shape> shapes;
  std::vector<ventricle> beating;
  float x = 0, y = 0;                    ///< where images are centred
  float extent_a = 150, extent_b = 110;  ///< semi-axes of the outline
};

/// Draws shapes of tissues; texture scales by `texture`.
class anatomist {
 public:
  anatomist(draws& d, const contrast& c, double texture) : d_(d), c_(c), texture_(texture) {}

 protected:
  static float f(double x) { return static_cast<float>(x); }
  mri::tissue any() {
    return static_cast<mri::tissue>(
        d_.chance(.08) ? 0 : 1 + d_.below(static_cast<index_t>(mri::tissue::count) - 1));
  }
  void add(const shape& s) { body_.shapes.push_back(s); }
  shape ellipse(double x, double y, double a, double b, double angle, mri::tissue t,
                double texture) {
    shape s;
    s.x = f(x), s.y = f(y), s.a = f(std::max(a, .3)), s.b = f(std::max(b, .3));
    s.angle = f(angle);
    const float vary = f(d_.spread(.08));
    s.value = vary * c_.of(t), s.second = s.value;
    s.texture = f(texture * texture_ * d_.uniform(.3, 1.2));
    s.texture_mm = f(d_.log_uniform(40, 250)), s.shift = f(d_.unit());
    return s;
  }
  shape blob(double x, double y, double a, double b, double angle, mri::tissue t, double wobble,
             double texture = .08) {
    shape s = ellipse(x, y, a, b, angle, t, texture);
    s.wobble = f(wobble), s.wobble_mm = f(d_.uniform(1.5, 4) * std::max(a, b));
    return s;
  }
  shape line(double x0, double y0, double x1, double y1, double radius, mri::tissue t) {
    shape s = ellipse(x0, y0, radius, radius, 0, t, .1);
    s.form = shape::kind::line;
    s.dx = f(x1 - x0), s.dy = f(y1 - y0);
    const double length = std::hypot(x1 - x0, y1 - y0);
    s.bend = f(length * d_.uniform(.02, .12)), s.bend_mm = f(length * d_.uniform(2, 5) + 5);
    return s;
  }
  void dot(double a, double b, double least, double most, mri::tissue t, int clip = 0) {
    const double r = d_.log_uniform(least, most), at = d_.uniform(0, 6.28),
                 q = std::sqrt(d_.unit());
    shape s =
        ellipse(a * q * std::cos(at), b * q * std::sin(at), r, r * d_.uniform(.6, 1), at, t, 0);
    s.clip = static_cast<std::int8_t>(clip);
    add(s);
  }
  /// A shape of any kind and tissue of about this size, inside clip 0; lines are at least .3
  /// `least` thick.
  shape leaf(double x, double y, double size, double least) {
    const double kind = d_.unit();
    shape s;
    if (kind < .5) {
      s = ellipse(x, y, size, size * d_.log_uniform(.25, 1), d_.uniform(0, 6.28), any(), .25);
      if (d_.chance(.15)) s.inner = f(d_.uniform(.6, .92));
    } else if (kind < .75) {
      s = ellipse(x, y, size, size, d_.uniform(0, 6.28), any(), .25);
      s.form = shape::kind::polygon;
      s.sides = 3 + static_cast<int>(d_.below(4));
      for (int i = 0; i < s.sides; ++i) s.offset[i] = f(size * d_.uniform(.3, 1));
    } else {
      const double length = size * d_.uniform(2, 8), t = d_.uniform(0, 6.28);
      s = line(x, y, x + length * std::cos(t), y + length * std::sin(t),
               std::max(.3 * least, size * d_.log_uniform(.04, .3)), any());
      s.b = f(s.a * d_.uniform(.4, 1));
    }
    s.wobble = f(std::min(size * d_.uniform(0, .25), 12.0));
    s.wobble_mm = f(size * d_.uniform(1.5, 8) + 8);
    s.clip = 0;
    if (d_.chance(.12)) s.soft = f(size * d_.uniform(.1, .8));
    if (d_.chance(.2)) s.opacity = f(d_.uniform(.3, .9));
    if (d_.chance(.15) && size > 6) {
      s.fill = d_.chance(.5) ? pattern::folds : pattern::blobs;
      s.second = c_.of(any()), s.level = f(d_.uniform(-.5, 1.2));
      s.pattern_mm = f(size * d_.uniform(.7, 3)), s.width = f(d_.uniform(.1, .5));
    }
    return s;
  }

  draws& d_;
  const contrast& c_;
  double texture_;
  body body_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train::synthetic

#endif
