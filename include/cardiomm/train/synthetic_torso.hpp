// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SYNTHETIC_TORSO_HPP
#define CARDIOMM_TRAIN_SYNTHETIC_TORSO_HPP
/// \file
/// Sections of chests with a beating heart in short or long axis: wall of fat, muscle and ribs,
/// lungs with vessels, spine, liver, stomach, great vessels, arms.

#include "cardiomm/train/synthetic_anatomy.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train::synthetic {

/// Torsos.
class torso_maker : anatomist {
 public:
  using anatomist::anatomist;

  body make(bool long_axis) {
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
    streaks(a - .6 * fat, b - .6 * fat, static_cast<int>(d_.uniform(15, 90)));
    clutter(a, b, static_cast<int>(d_.uniform(0, 110)));
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

 private:
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
  /// What is between organs: bowel, vessels, muscles, seen as leaves of all sizes.
  void clutter(double a, double b, int count) {
    for (int k = 0; k < count; ++k) {
      const double t = d_.uniform(0, 6.283), q = std::sqrt(d_.uniform(.1, 1));
      add(leaf(a * q * std::cos(t), b * q * std::sin(t),
               std::min(30.0, 1.2 * std::pow(d_.unit(), -1 / 1.6)), .8));
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
      shape s = blob(side * a * d_.uniform(.48, .60), d_.uniform(-.1, .1) * b,
                     a * d_.uniform(.36, .50), b * d_.uniform(.70, .98), side * d_.uniform(-.1, .2),
                     tissue::lung, d_.uniform(1, 5), .5);
      s.wobble_mm = f(d_.uniform(80, 200));
      s.makes_clip = static_cast<std::int8_t>(side < 0 ? 1 : 2);
      s.clip = 0;
      add(s);
      for (int k = static_cast<int>(d_.uniform(15, 70)); k > 0; --k) {  // across the plane
        const double r = d_.log_uniform(.5, 3.2), at = d_.uniform(0, 6.283);
        const double q = std::sqrt(d_.unit());
        shape v = ellipse(s.x + q * s.a * std::cos(at), s.y + q * s.b * std::sin(at), r,
                          r * d_.uniform(.5, 1), at,
                          d_.chance(.8) ? tissue::venous_blood : tissue::muscle, 0);
        v.opacity = f(d_.uniform(.2, 1)), v.clip = s.makes_clip;
        add(v);
      }
      for (int k = static_cast<int>(d_.below(5)); k > 0; --k)
        branch(s.x - side * .7 * s.a, s.y + d_.uniform(-.4, .4) * s.b,
               (side > 0 ? 0 : 3.1416) + .8 * d_.normal(), d_.log_uniform(1.2, 4), 4, s.makes_clip,
               tissue::venous_blood);
    }
  }
  /// A vessel that bends and divides.
  void branch(double x, double y, double to, double radius, int depth, std::int8_t clip,
              mri::tissue t) {
    if (depth == 0 || radius < .4) return;
    for (int k = 0; k < 3; ++k) {
      const double length = radius * d_.uniform(2, 6), next = radius * d_.uniform(.75, 1);
      const double px = x + length * std::cos(to), py = y + length * std::sin(to);
      shape s = line(x, y, px, py, radius, t);
      s.b = f(next), s.clip = clip, s.bend = 0, s.opacity = f(d_.uniform(.6, 1));
      add(s);
      x = px, y = py, radius = next, to += .3 * d_.normal();
      if (d_.chance(.55))
        branch(x, y, to + d_.sign() * d_.uniform(.4, 1.1), radius * d_.uniform(.5, .8), depth - 1,
               clip, t);
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
      for (int k = 0; k < 5; ++k) {  // septa of fat in the muscles of the back
        const double px = x + side * d_.uniform(10, 45), py = y + r + d_.uniform(-2, 24);
        shape septum = line(px, py, px + d_.uniform(-18, 18), py + d_.uniform(-8, 8),
                            d_.log_uniform(.3, 1.5), tissue::fat);
        septum.clip = 0;
        add(septum);
      }
      add(blob(x + side * 8, y + r + 16, 12, 2.5, side * .8, tissue::bone, 1));
    }
  }
  void liver(double x, double y) {
    using mri::tissue;
    shape s = blob(x, y, d_.uniform(45, 85), d_.uniform(30, 70), d_.uniform(-.5, .5), tissue::liver,
                   d_.uniform(2, 6), .12);
    s.makes_clip = 3, s.clip = 0;
    add(s);
    for (int k = static_cast<int>(d_.uniform(0, 20)); k > 0; --k) {
      const double r = d_.log_uniform(.6, 3.5);
      shape v = blob(s.x + s.a * d_.uniform(-1, 1), s.y + s.b * d_.uniform(-1, 1), r,
                     r * d_.uniform(.4, 1), d_.uniform(0, 3), tissue::venous_blood, .3 * r);
      v.clip = 3;
      add(v);
    }
    for (int k = static_cast<int>(d_.below(6)); k > 0; --k)
      branch(s.x + s.a * d_.uniform(-.3, .8), s.y + s.b * d_.uniform(-.7, .7), d_.uniform(0, 6.283),
             d_.log_uniform(1.5, 5), 3, 3, tissue::venous_blood);
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
    const bool four = d_.chance(.6);
    const auto at = [&](double px, double py, double& qx, double& qy) {
      qx = x + c * px - s * py, qy = y + s * px + c * py;
    };
    ventricle lv, rv;
    lv.a = f(big * d_.uniform(17, 26)), lv.b = f(big * d_.uniform(38, 52));
    lv.wall = f(1 + d_.uniform(6, 13) / lv.a), lv.shortening = f(d_.uniform(.12, .35));
    rv.a = f(big * d_.uniform(14, 22)), rv.b = f(big * d_.uniform(30, 45));
    rv.wall = 1.1f, rv.shortening = lv.shortening * .7f;
    double px, py;
    const double left = four ? .55 * (lv.a * lv.wall + rv.a) : 0;  // middle of both
    pericardium(x - c * left, y - s * left, lv.a * lv.wall + left + d_.uniform(3, 9),
                lv.b + (lv.wall - 1) * lv.a + d_.uniform(2, 14), tilt);
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
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train::synthetic

#endif
