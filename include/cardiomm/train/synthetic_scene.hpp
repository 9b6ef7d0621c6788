// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SYNTHETIC_SCENE_HPP
#define CARDIOMM_TRAIN_SYNTHETIC_SCENE_HPP
/// \file
/// Scenes without an anatomy: shapes of a power-law size distribution, one over the other (dead
/// leaves), whose statistics are those of natural images at every scale. Source: Lee, Mumford,
/// Huang, Int J Comput Vis 41:35 (2001).

#include "cardiomm/train/synthetic_anatomy.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train::synthetic {

/// Dead leaves inside an outline.
class scene_maker : anatomist {
 public:
  using anatomist::anatomist;

  /// For a field of view of `field_mm`.
  body make(double field_mm) {
    const double a = field_mm * d_.uniform(.30, .62), b = field_mm * d_.uniform(.28, .6);
    body_.extent_a = f(a), body_.extent_b = f(b);
    shape outline = ellipse(0, 0, a, b, d_.uniform(0, 3.14), any(), .2);
    outline.wobble = f(field_mm * d_.uniform(.005, .05));
    outline.wobble_mm = f(field_mm * d_.uniform(.4, 1.5));
    outline.makes_clip = 0;
    add(outline);
    const double least = field_mm * d_.log_uniform(.003, .012), most = field_mm * .35;
    const double power = d_.uniform(1.6, 2.6);  // of the cumulative distribution
    const int count = static_cast<int>(d_.uniform(120, 420));
    for (int k = 0; k < count; ++k) {
      // the first ones large, so that much of the body is covered
      double size = least * std::pow(d_.unit(), -1 / power);
      if (k < 24) size = field_mm * d_.uniform(.06, .3);
      size = std::min(size, most);
      const double x = a * d_.uniform(-1.1, 1.1), y = b * d_.uniform(-1.1, 1.1);
      add(leaf(x, y, size, least));
    }
    if (d_.chance(.6)) {
      ventricle v;
      v.x = f(a * d_.uniform(-.4, .4)), v.y = f(b * d_.uniform(-.4, .4));
      v.angle = f(d_.uniform(0, 3)), v.a = f(field_mm * d_.uniform(.05, .15));
      v.b = f(v.a * d_.uniform(.6, 1.2)), v.wall = f(d_.uniform(1.2, 1.8));
      v.shortening = f(d_.uniform(.1, .4));
      body_.beating.push_back(v);
    }
    body_.x = f(a * d_.uniform(-.15, .15)), body_.y = f(b * d_.uniform(-.15, .15));
    return body_;
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train::synthetic

#endif
