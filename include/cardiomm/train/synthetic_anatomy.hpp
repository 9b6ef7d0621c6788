// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SYNTHETIC_ANATOMY_HPP
#define CARDIOMM_TRAIN_SYNTHETIC_ANATOMY_HPP
/// \file
/// Anatomies of the synthetic generator as lists of shapes in mm: a beating heart in a chest, a
/// head, and scenes of many shapes of all sizes.

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

/// Makes anatomies out of draws; texture scales by `texture`.
class anatomist {
 public:
  anatomist(draws& d, const contrast& c, double texture) : d_(d), c_(c), texture_(texture) {}

  body torso(bool long_axis) {
    using mri::tissue;
    const double big = c_.acquisition.lifespan == "Pediatric" ? d_.uniform(.6, .85) : 1;
    const double a = big * d_.uniform(135, 195), b = a * d_.uniform(.60, .82);
    body_.extent_a = f(a), body_.extent_b = f(b);
    shape outline = ellipse(0, 0, a, b, 0, tissue::fat, .10);
    outline.wobble = f(d_.uniform(2, 7)), outline.wobble_mm = 300;
    outline.makes_clip = 0;
    add(outline);
    const double fat = d_.log_uniform(4, 30);
    shape wall = ellipse(0, d_.uniform(-3, 3), a - fat, b - fat * d_.uniform(.6, 1.2), 0,
                         tissue::muscle, .15);
    wall.wobble = f(d_.uniform(2, 6)), wall.wobble_mm = f(d_.uniform(120, 300));
    wall.clip = 0;
    add(wall);
    streaks(a - .6 * fat, b - .6 * fat, 26);
    if (d_.chance(.6)) arms(a);
    const double chest_a = a - fat - d_.uniform(8, 22), chest_b = b - fat - d_.uniform(8, 20);
    lungs(chest_a, chest_b);
    spine(0, .72 * chest_b);
    if (d_.chance(.75)) liver(-.5 * chest_a, d_.uniform(.15, .8) * chest_b);
    if (d_.chance(.4)) stomach(.5 * chest_a, .55 * chest_b);
    const double hx = d_.uniform(-.05, .30) * chest_a, hy = d_.uniform(-.35, -.02) * chest_b;
    long_axis ? heart_long(hx, hy, big) : heart_short(hx, hy, big);
    great_vessels(hx, .45 * chest_b, big);
    body_.x = f(hx * d_.uniform(.2, 1.2)), body_.y = f(hy * d_.uniform(0, 1.1));
    return body_;
  }

  body head() {
    using mri::tissue;
    const double b = d_.uniform(85, 108), a = b * d_.uniform(.72, .88);
    body_.extent_a = f(a), body_.extent_b = f(b);
    body_.beating.clear();
    shape scalp = ellipse(0, 0, a, b, 0, tissue::fat, .2);
    scalp.wobble = f(d_.uniform(1, 4)), scalp.wobble_mm = 250;
    add(scalp);
    double t = d_.uniform(3, 7);
    shape skull = ellipse(0, 0, a - t, b - t, 0, tissue::bone, .3);
    skull.wobble = 1.5f, skull.wobble_mm = 120;
    add(skull);
    if (d_.chance(.7)) {
      shape diploe = ellipse(0, 0, a - t - 2.5, b - t - 2.5, 0, tissue::marrow, .3);
      diploe.inner = f((a - t - 5) / (a - t - 2.5));
      diploe.wobble = 1, diploe.wobble_mm = 60;
      add(diploe);
    }
    t += d_.uniform(5, 9);
    shape fluid = ellipse(0, 0, a - t, b - t, 0, tissue::fluid, .06);
    fluid.wobble = 1, fluid.wobble_mm = 150;
    fluid.makes_clip = 0;
    add(fluid);
    t += d_.uniform(1, 4);
    // Cortex: grey matter with sulci along level lines of a random field; then white matter with
    // an outline that follows another one.
    const double folds = d_.uniform(70, 120);
    shape cortex = ellipse(0, 0, a - t, b - t, 0, tissue::grey_matter, .06);
    cortex.wobble = f(d_.uniform(1, 3)), cortex.wobble_mm = f(d_.uniform(40, 90));
    cortex.clip = 0, cortex.makes_clip = 1;
    cortex.fill = pattern::folds, cortex.second = c_.of(tissue::fluid);
    cortex.pattern_mm = f(folds), cortex.width = f(d_.uniform(.10, .25));
    add(cortex);
    shape white = ellipse(0, 0, a - t - 8, b - t - 8, 0, tissue::white_matter, .05);
    white.wobble = f(d_.uniform(4, 8)), white.wobble_mm = f(d_.uniform(40, 80));
    white.fill = pattern::folds, white.second = c_.of(tissue::grey_matter);
    white.pattern_mm = f(folds), white.width = f(d_.uniform(.3, .6)), white.clip = 1;
    white.shift = cortex.shift;
    add(white);
    shape core = ellipse(0, 0, .62 * (a - t), .62 * (b - t), 0, tissue::white_matter, .05);
    core.wobble = f(d_.uniform(4, 9)), core.wobble_mm = f(d_.uniform(50, 90));
    add(core);
    for (const int side : {-1, 1}) {
      const double s = side;
      add(blob(s * d_.uniform(14, 22), d_.uniform(-4, 10), d_.uniform(6, 12), d_.uniform(10, 20),
               s * .3, tissue::grey_matter, 1.5));
      add(blob(s * d_.uniform(22, 30), d_.uniform(-8, 6), d_.uniform(3, 6), d_.uniform(10, 18),
               s * .2, tissue::grey_matter, 1));
      add(blob(s * d_.uniform(5, 12), d_.uniform(-26, -12), d_.uniform(2, 6), d_.uniform(10, 20),
               s * -.35, tissue::fluid, 1));
      add(blob(s * d_.uniform(10, 22), d_.uniform(18, 32), d_.uniform(2, 6), d_.uniform(8, 18),
               s * .5, tissue::fluid, 1));
    }
    shape falx = line(0, -b + t, 0, b - t, d_.uniform(.6, 1.6), tissue::fluid);
    falx.wobble = 2, falx.wobble_mm = 60;
    add(falx);
    for (int k = 0; k < 30; ++k)
      dot(.8 * a, .8 * b, .5, 1.3, d_.chance(.5) ? tissue::blood : tissue::fluid);
    body_.x = f(d_.uniform(-12, 12)), body_.y = f(d_.uniform(-12, 12));
    return body_;
  }

  /// Dead leaves: shapes of a power-law size distribution, one over the other.
  body scene(double field_mm) {
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
      add(s);
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

 private:
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
  /// Layers of fat, muscle and ribs along the wall of the chest.
  void streaks(double a, double b, int count) {
    using mri::tissue;
    const tissue kinds[] = {tissue::fat,    tissue::muscle, tissue::muscle,
                            tissue::marrow, tissue::bone,   tissue::fat};
    for (int k = 0; k < count; ++k) {
      const double t = d_.uniform(0, 6.283), r = d_.uniform(.80, 1.02);
      const double along = std::atan2(b * std::cos(t), -a * std::sin(t));
      shape s = blob(a * r * std::cos(t), b * r * std::sin(t), d_.log_uniform(6, 45),
                     d_.log_uniform(1, 7), along + d_.uniform(-.15, .15),
                     kinds[d_.below(std::size(kinds))], d_.uniform(.5, 3));
      s.clip = 0;
      add(s);
    }
  }
  void arms(double a) {
    using mri::tissue;
    for (const int side : {-1, 1}) {
      const double x = side * (a + d_.uniform(25, 55)), y = d_.uniform(-30, 50);
      const double r = d_.uniform(28, 45);
      add(blob(x, y, r, r * d_.uniform(.8, 1.2), 0, tissue::fat, 2));
      add(blob(x, y, r - d_.uniform(4, 10), r - d_.uniform(4, 10), 0, tissue::muscle, 2, .15));
      add(blob(x, y, 9, 9, 0, tissue::bone, .5));
      add(blob(x, y, 6, 6, 0, tissue::marrow, .5));
      add(blob(x + d_.uniform(-15, 15), y + d_.uniform(-15, 15), 3, 3, 0, tissue::blood, .3));
    }
  }
  void lungs(double a, double b) {
    using mri::tissue;
    for (const int side : {-1, 1}) {
      shape s = blob(side * a * d_.uniform(.50, .62), d_.uniform(-.1, .1) * b,
                     a * d_.uniform(.36, .50), b * d_.uniform(.70, .98), side * d_.uniform(-.1, .2),
                     tissue::lung, d_.uniform(1, 5), .5);
      s.wobble_mm = f(d_.uniform(80, 200));
      s.makes_clip = static_cast<std::int8_t>(side < 0 ? 1 : 2);
      s.clip = 0;
      add(s);
      const int count = static_cast<int>(d_.uniform(10, 60));
      for (int k = 0; k < count; ++k) {
        const double r = d_.log_uniform(.5, 3.5), at = d_.uniform(0, 6.283);
        const double q = std::sqrt(d_.unit());
        const double x = s.x + q * s.a * std::cos(at), y = s.y + q * s.b * std::sin(at);
        shape v = ellipse(x, y, r, r * d_.uniform(.6, 1), at,
                          d_.chance(.8) ? tissue::venous_blood : tissue::muscle, 0);
        if (d_.chance(.35)) {  // in the plane: a thin branch, away from the middle
          const double length = r * d_.uniform(4, 14), to = std::atan2(y, x) + d_.normal() * .5;
          v = line(x, y, x + length * std::cos(to), y + length * std::sin(to), .7 * r,
                   tissue::venous_blood);
          v.b = .3f * v.a;
        }
        v.opacity = f(d_.uniform(.3, 1));
        v.clip = s.makes_clip;
        add(v);
      }
    }
  }
  void spine(double x, double y) {
    using mri::tissue;
    const double r = d_.uniform(14, 21);
    add(blob(x, y, r * 1.2, r, 0, tissue::bone, 1));
    add(blob(x, y, r * 1.2 - 2, r - 2, 0, tissue::marrow, 1, .3));
    add(blob(x, y + r + 8, 9, 7, 0, tissue::fluid, .5));
    add(blob(x, y + r + 8, 5.5, 4, 0, tissue::white_matter, .3));
    for (const int side : {-1, 1}) {
      add(blob(x + side * 24, y + r + 12, 18, 12, side * .5, tissue::muscle, 3, .25));
      add(blob(x + side * 8, y + r + 16, 12, 2.5, side * .8, tissue::bone, 1));
    }
  }
  void liver(double x, double y) {
    using mri::tissue;
    shape s = blob(x, y, d_.uniform(45, 85), d_.uniform(30, 70), d_.uniform(-.5, .5), tissue::liver,
                   d_.uniform(2, 6), .12);
    s.makes_clip = 3, s.clip = 0;
    add(s);
    const int count = static_cast<int>(d_.uniform(8, 30));
    for (int k = 0; k < count; ++k) {
      const double px = s.x + s.a * d_.uniform(-1, 1), py = s.y + s.b * d_.uniform(-1, 1);
      const double r = d_.log_uniform(.6, 4), to = d_.uniform(0, 6.283);
      const double length = d_.chance(.5) ? 0.1 : r * d_.uniform(3, 15);
      shape v = line(px, py, px + length * std::cos(to), py + length * std::sin(to), r,
                     tissue::venous_blood);
      v.b = f(v.a * d_.uniform(.3, 1)), v.clip = 3;
      v.wobble = f(.4 * r), v.wobble_mm = 30;
      add(v);
    }
  }
  void stomach(double x, double y) {
    using mri::tissue;
    const double r = d_.uniform(18, 40);
    add(blob(x, y, r + 3, r * .8 + 3, .4, tissue::muscle, 3));
    shape s = blob(x, y, r, r * .8, .4, d_.chance(.5) ? tissue::air : tissue::fluid, 3, .4);
    s.fill = pattern::blobs, s.second = c_.of(tissue::muscle), s.level = .6f;
    s.pattern_mm = f(2 * r);
    add(s);
    if (d_.chance(.5)) add(blob(x + 30, y + 15, 26, 15, .7, tissue::spleen, 3, .1));
  }
  shape flowing(shape s) {
    if (c_.flow_phase > 0) {
      const double p = d_.uniform(-1, 1) * c_.flow_phase;
      s.value *= complex<float>(f(std::cos(p)), f(std::sin(p)));
    }
    return s;
  }
  void great_vessels(double x, double y, double big) {
    using mri::tissue;
    const double r = big * d_.uniform(8, 13);
    const double ax = x * .4 + d_.uniform(10, 30), ay = y + d_.uniform(-8, 8);
    add(blob(ax, ay, r + 1.5, r + 1.5, 0, tissue::muscle, .3));
    add(flowing(blob(ax, ay, r, r, 0, tissue::blood, .3)));
    const int more = static_cast<int>(d_.below(5));
    for (int k = 0; k < more; ++k)
      add(flowing(blob(x + d_.uniform(-50, 40), y + d_.uniform(-50, 10), d_.log_uniform(2, 9),
                       d_.log_uniform(2, 9), d_.uniform(0, 3),
                       d_.chance(.5) ? tissue::blood : tissue::venous_blood, .4)));
  }
  void pericardium(double x, double y, double a, double b, double angle) {
    using mri::tissue;
    shape fat = blob(x, y, a, b, angle, tissue::fat, d_.uniform(1, 4), .2);
    fat.fill = pattern::blobs, fat.second = c_.of(tissue::muscle),
    fat.level = f(d_.uniform(.2, 1.2));
    add(fat);
    const int count = static_cast<int>(d_.uniform(3, 12));
    for (int k = 0; k < count; ++k) {  // coronary vessels
      const double t = d_.uniform(0, 6.283), r = d_.uniform(1, 2.6);
      add(flowing(ellipse(x + .93 * a * std::cos(t), y + .93 * b * std::sin(t), r, r, 0,
                          tissue::blood, 0)));
    }
  }
  /// Papillary muscles and trabeculae of a cavity.
  void muscles(const ventricle& v, int papillary, float rim) {
    using mri::tissue;
    shape t = ellipse(v.x, v.y, v.a, v.b, v.angle, tissue::blood, .1);
    t.inner = rim, t.fill = pattern::folds, t.second = c_.of(tissue::myocardium);
    t.value = c_.of(tissue::blood);
    t.pattern_mm = f(d_.uniform(30, 70)), t.width = f(d_.uniform(.1, .5));
    t.soft = 1.5f, t.opacity = f(d_.uniform(.4, 1));
    add(t);
    for (int k = 0; k < papillary; ++k) {
      const double at = d_.uniform(0, 6.283), q = d_.uniform(.5, .8);
      add(blob(v.x + q * v.a * std::cos(at), v.y + q * v.b * std::sin(at),
               v.a * d_.uniform(.08, .24), v.a * d_.uniform(.06, .18), at, tissue::myocardium, .6));
    }
  }
  void scar(double x, double y, double a, double b, double angle, double wall) {
    using mri::tissue;
    if (c_.acquisition.modality != "late Gadolinium enhancement" || !d_.chance(.7)) return;
    const double t = d_.uniform(0, 6.283), q = 1 + .5 * (wall - 1);
    const double px = q * a * std::cos(t), py = q * b * std::sin(t);
    add(blob(x + px * std::cos(angle) - py * std::sin(angle),
             y + px * std::sin(angle) + py * std::cos(angle), a * d_.uniform(.2, .5),
             a * d_.uniform(.08, .2), t + angle + 1.57, tissue::blood, 1.5));
  }
  void heart_short(double x, double y, double big) {
    using mri::tissue;
    const double level = d_.uniform(.45, 1);  // towards the apex it is small
    ventricle lv;
    lv.a = f(big * level * d_.uniform(19, 29)), lv.b = f(lv.a * d_.uniform(.85, 1.15));
    lv.x = f(x + big * 14), lv.y = f(y + big * 4), lv.angle = f(d_.uniform(0, 3));
    lv.wall = f(1 + d_.uniform(6, 14) / lv.a), lv.shortening = f(d_.uniform(.15, .45));
    const double tilt = d_.uniform(2.4, 4.2), rv_a = level * big * d_.uniform(18, 34),
                 rv_b = level * big * d_.uniform(25, 42);
    const double away = lv.a * lv.wall + .55 * rv_a;
    const double rx = lv.x + away * std::cos(tilt), ry = lv.y + away * std::sin(tilt);
    pericardium((lv.x + rx) / 2, (lv.y + ry) / 2, lv.a * lv.wall + .75 * rv_a + 8,
                std::max(lv.a * double(lv.wall), rv_b) + 8, tilt);
    const double thin = d_.uniform(2, 5);
    add(blob(rx, ry, rv_a + thin, rv_b + thin, tilt, tissue::myocardium, 2));
    shape pool = flowing(blob(rx, ry, rv_a, rv_b, tilt, tissue::venous_blood, 2, .15));
    pool.fill = pattern::folds, pool.second = c_.of(tissue::myocardium);
    pool.pattern_mm = f(d_.uniform(50, 120)), pool.width = f(d_.uniform(0, .25));
    add(pool);
    ventricle rv;
    rv.x = f(rx), rv.y = f(ry), rv.angle = f(tilt), rv.a = f(rv_a), rv.b = f(rv_b);
    rv.wall = 1.1f, rv.shortening = lv.shortening * f(d_.uniform(.4, .8));
    add(blob(lv.x, lv.y, lv.a * lv.wall, lv.b * lv.wall, lv.angle, tissue::myocardium, .8, .12));
    scar(lv.x, lv.y, lv.a, lv.b, lv.angle, lv.wall);
    add(flowing(blob(lv.x, lv.y, lv.a, lv.b, lv.angle, tissue::blood, 1.2, .12)));
    muscles(lv, 2 + static_cast<int>(d_.below(4)), f(d_.uniform(.7, .9)));
    body_.beating = {rv, lv};
  }
  void heart_long(double x, double y, double big) {
    using mri::tissue;
    const double tilt = d_.uniform(-1.2, 1.2), c = std::cos(tilt), s = std::sin(tilt);
    const auto at = [&](double px, double py, double& qx, double& qy) {
      qx = x + c * px - s * py, qy = y + s * px + c * py;
    };
    ventricle lv, rv;
    lv.a = f(big * d_.uniform(17, 26)), lv.b = f(big * d_.uniform(38, 52));
    lv.wall = f(1 + d_.uniform(6, 13) / lv.a), lv.shortening = f(d_.uniform(.12, .35));
    rv.a = f(big * d_.uniform(14, 22)), rv.b = f(big * d_.uniform(30, 45));
    rv.wall = 1.1f, rv.shortening = lv.shortening * .7f;
    const bool four = d_.chance(.6);
    double px, py;
    pericardium(x, y, 1.1 * (lv.a * lv.wall + rv.a) + 6, lv.b + 40, tilt);
    if (four) {
      at(-lv.a * lv.wall - rv.a * .7, 4, px, py);
      rv.x = f(px), rv.y = f(py), rv.angle = f(tilt + d_.uniform(-.3, .1));
      add(blob(px, py, rv.a + 4, rv.b + 4, rv.angle, tissue::myocardium, 2));
      add(flowing(blob(px, py, rv.a, rv.b, rv.angle, tissue::venous_blood, 3, .15)));
      at(-lv.a * lv.wall - rv.a * .6, rv.b + d_.uniform(5, 20), px, py);
      add(flowing(blob(px, py, d_.uniform(18, 28), d_.uniform(16, 26), tilt, tissue::venous_blood,
                       3, .12)));
    }
    at(0, 0, px, py);
    lv.x = f(px), lv.y = f(py), lv.angle = f(tilt);
    const double outer = (lv.wall - 1) * lv.a;
    add(blob(px, py, lv.a + outer, lv.b + outer, tilt, tissue::myocardium, 1.2, .12));
    scar(px, py, lv.a, lv.b, tilt, lv.wall);
    add(flowing(blob(px, py, lv.a, lv.b, tilt, tissue::blood, 1.5, .15)));
    muscles(lv, 1 + static_cast<int>(d_.below(4)), f(d_.uniform(.75, .92)));
    at(d_.uniform(-6, 6), lv.b + d_.uniform(2, 12), px, py);
    add(flowing(blob(px, py, d_.uniform(18, 28), d_.uniform(15, 26), tilt, tissue::blood, 3, .12)));
    double vx, vy;  // the valve between them
    at(-.8 * lv.a, lv.b * .82, px, py);
    at(.8 * lv.a, lv.b * .82, vx, vy);
    shape valve = line(px, py, vx, vy, 1, tissue::myocardium);
    valve.wobble = 2, valve.wobble_mm = 60;
    add(valve);
    if (four) body_.beating.push_back(rv);
    body_.beating.push_back(lv);
  }

  draws& d_;
  const contrast& c_;
  double texture_;
  body body_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train::synthetic

#endif
