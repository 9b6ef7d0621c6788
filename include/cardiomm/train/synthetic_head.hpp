// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SYNTHETIC_HEAD_HPP
#define CARDIOMM_TRAIN_SYNTHETIC_HEAD_HPP
/// \file
/// Sections of heads: scalp, skull with marrow, folded cortex, white matter, ventricles.

#include "cardiomm/train/synthetic_anatomy.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train::synthetic {

/// Heads.
class head_maker : anatomist {
 public:
  using anatomist::anatomist;

  body make() {
    using mri::tissue;
    const double b = d_.uniform(82, 108), a = b * d_.uniform(.72, .88);
    body_.extent_a = f(a), body_.extent_b = f(b);
    shape scalp = ellipse(0, 0, a, b, 0, tissue::fat, .2);
    scalp.wobble = f(d_.uniform(.5, 2.5)), scalp.wobble_mm = 350;
    add(scalp);
    const double skin = d_.uniform(2.5, 6), bone = d_.uniform(4.5, 9), gap = d_.uniform(.5, 4);
    shape skull = ellipse(0, 0, a - skin, b - skin, 0, tissue::bone, .3);
    skull.wobble = 1, skull.wobble_mm = 150;
    add(skull);
    if (d_.chance(.7)) {
      const double middle = skin + .45 * bone, half = .22 * bone;
      shape diploe = ellipse(0, 0, a - middle + half, b - middle + half, 0, tissue::marrow, .3);
      diploe.inner = f((b - middle - half) / (b - middle + half));
      diploe.wobble = .8f, diploe.wobble_mm = 60;
      add(diploe);
    }
    const double t = skin + bone;
    shape fluid = ellipse(0, 0, a - t, b - t, 0, tissue::fluid, .06);
    fluid.wobble = f(d_.uniform(0, 1)), fluid.wobble_mm = 150;
    fluid.makes_clip = 0;
    add(fluid);
    brain(a - t - gap, b - t - gap);
    body_.x = f(d_.uniform(-8, 8)), body_.y = f(d_.uniform(-8, 8));
    return body_;
  }

 private:
  /// Grey matter with sulci along the level lines of a field of narrow band, a ribbon of grey
  /// matter along them, white matter between and within.
  void brain(double a, double b) {
    using mri::tissue;
    const double folds = d_.uniform(75, 130);
    const float sulcus = f(d_.uniform(.05, .22)), ribbon = f(d_.uniform(.35, .6));
    shape cortex = ellipse(0, 0, a, b, 0, tissue::grey_matter, .05);
    cortex.wobble = f(d_.uniform(.5, 2)), cortex.wobble_mm = f(d_.uniform(60, 120));
    cortex.clip = 0;
    cortex.fill = pattern::ribbons, cortex.second = c_.of(tissue::fluid);
    cortex.third = cortex.value;
    cortex.pattern_mm = f(folds), cortex.width = sulcus, cortex.ribbon = 8;
    const float look = cortex.shift;
    add(cortex);
    const double rind = d_.uniform(2.5, 5);
    shape inner = ellipse(0, 0, a - rind, b - rind, 0, tissue::white_matter, .05);
    inner.wobble = f(d_.uniform(.5, 2)), inner.wobble_mm = f(d_.uniform(40, 80));
    inner.clip = 0;
    inner.fill = pattern::ribbons, inner.second = cortex.second, inner.third = cortex.value;
    inner.pattern_mm = cortex.pattern_mm, inner.width = sulcus, inner.ribbon = ribbon;
    inner.shift = look;
    add(inner);
    const double depth = d_.uniform(.58, .75);  // where the sulci end
    shape core = ellipse(0, 0, depth * a, depth * b, 0, tissue::white_matter, .05);
    core.value = inner.value;
    core.bend = f(d_.uniform(5, 9)), core.bend_mm = f(d_.uniform(50, 90));
    core.soft = 2;
    add(core);
    // the fissure with cortex on both sides
    for (const int side : {-1, 1})
      for (const int end : {-1, 1}) {
        const double from = end * (b - 4), to = end * b * d_.uniform(.30, .5);
        shape s = line(side * 1.5, from, side * 1.5, to, d_.uniform(2.5, 4), tissue::grey_matter);
        s.value = cortex.value;
        s.bend = 3, s.bend_mm = 70, s.clip = 0;
        add(s);
      }
    for (const int end : {-1, 1}) {
      shape s =
          line(0, end * b, 0, end * b * d_.uniform(.28, .45), d_.uniform(.7, 1.8), tissue::fluid);
      s.b = .6f, s.bend = 2, s.bend_mm = 60, s.clip = 0;
      add(s);
    }
    if (d_.chance(.7)) insula(.55 * a, b);
    if (d_.chance(.85)) ventricles(cortex.value);
    for (int k = 0; k < 36; ++k)
      dot(.8 * a, .8 * b, .4, 1.2,
          d_.chance(.4)   ? tissue::blood
          : d_.chance(.5) ? tissue::fluid
                          : tissue::grey_matter);
    if (d_.chance(.15)) {  // a lesion
      const double r = d_.log_uniform(2, 14);
      shape s = blob(a * d_.uniform(-.6, .6), b * d_.uniform(-.6, .6), r, r * d_.uniform(.5, 1),
                     d_.uniform(0, 3), d_.chance(.5) ? tissue::fluid : tissue::muscle, .2 * r, .2);
      s.soft = f(.3 * r);
      add(s);
    }
  }
  void insula(double x, double b) {
    using mri::tissue;
    for (const int side : {-1, 1}) {
      const double y = b * d_.uniform(-.15, .05);
      shape s = line(side * x, y - 14, side * x, y + 14, 4.5, tissue::grey_matter);
      s.bend = 5, s.bend_mm = 60;
      add(s);
      s = line(side * x, y - 14, side * x, y + 14, d_.uniform(.8, 2), tissue::fluid);
      s.bend = 5, s.bend_mm = 60;
      add(s);
    }
  }
  void ventricles(complex<float> grey) {
    using mri::tissue;
    const double wide = d_.log_uniform(.6, 1.6);
    for (const int side : {-1, 1}) {
      const double s = side * d_.uniform(.9, 1.1);
      shape g = blob(s * 13 * wide, d_.uniform(-16, -8), 5, 13, s * -.3, tissue::grey_matter, 1);
      g.value = grey;
      add(g);
      g = blob(s * 12, d_.uniform(6, 12), 8, 13, s * -.35, tissue::grey_matter, 1);  // thalamus
      g.value = grey;
      add(g);
      g = blob(s * 25, d_.uniform(-6, 4), d_.uniform(4, 6), d_.uniform(12, 17), s * -.15,
               tissue::grey_matter, 1);
      g.value = grey;
      add(g);
      // frontal horn, body, occipital horn
      shape v = line(s * 3, -4, s * 13, -26, 2.5 * wide, tissue::fluid);
      v.b = f(3 * wide), v.bend = 3, v.bend_mm = 50;
      add(v);
      v = line(s * 3, 14, s * 22, 36, 2 * wide, tissue::fluid);
      v.b = f(d_.uniform(2, 4) * wide), v.bend = 4, v.bend_mm = 60;
      add(v);
      if (d_.chance(.5)) {
        v = line(s * 2.5, -6, s * 3, 16, 2 * wide, tissue::fluid);
        add(v);
      }
    }
    add(blob(0, d_.uniform(0, 10), 1.2 * wide, 8, 0, tissue::fluid, .4));
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train::synthetic

#endif
