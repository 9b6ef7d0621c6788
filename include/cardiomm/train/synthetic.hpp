// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SYNTHETIC_HPP
#define CARDIOMM_TRAIN_SYNTHETIC_HPP
/// \file
/// Training data without any file: fully sampled multi-coil frames of random subjects by the
/// physics of the acquisition.
///
///     train::synthetic_frames frames({.seed = 42, .subjects = 1000});
///     train::full_frame f = frames.get(epoch, i);
///
/// A subject is an anatomy (torso with a beating heart, head, or a scene of shapes of all sizes), a
/// sequence with its tissue signals, a scanner, an array of coils, phase and off-resonance. Frames
/// are its states over one heart beat; only the noise depends on the epoch. The object is painted
/// on a grid twice as fine as the acquisition and cut in k-space, so no raster is shared with a
/// reconstruction. docs/synthetic.md has formulas, figures and pictures.

#include <memory>
#include <utility>

#include "cardiomm/mri/phantom.hpp"
#include "cardiomm/train/sample.hpp"
#include "cardiomm/train/synthetic_head.hpp"
#include "cardiomm/train/synthetic_options.hpp"
#include "cardiomm/train/synthetic_receive.hpp"
#include "cardiomm/train/synthetic_scene.hpp"
#include "cardiomm/train/synthetic_torso.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Synthetic frames: item i is frame i % frames_per_subject of subject first_subject + i /
/// frames_per_subject. Thread-safe; works on the calling thread only. The target is scaled so that
/// the body's mean is about 0.4; `data_range` is the largest value of the frame's own target.
class synthetic_frames : public source<full_frame> {
 public:
  /// Throws value_error for options out of range.
  explicit synthetic_frames(synthetic_options options) : o_(std::move(options)) {
    detail::check(o_);
    for (index_t n = (o_.smallest + o_.step - 1) / o_.step * o_.step; n <= o_.largest; n += o_.step)
      for (const index_t m : {n, n + margin, 2 * n}) fourier_.announce(m);
  }

  index_t size() const override { return o_.subjects * o_.frames_per_subject; }
  std::string description() const override { return describe(o_); }
  const synthetic_options& options() const { return o_; }

  train::groups groups_of(index_t i) const override {
    const subject_id s = identify(i);
    const auto c = contrast_of(s);
    return {{"vendor", c.acquisition.vendor},
            {"field", c.acquisition.field},
            {"modality", c.acquisition.modality},
            {"family", names[s.family]}};
  }

  full_frame get(std::uint64_t epoch, index_t i) const override;

 private:
  static constexpr index_t margin = 32;  // k-space samples around the acquired ones for coil maps
  static constexpr const char* names[] = {"torso", "head", "scene"};
  enum purpose : std::uint32_t {
    of_family = 1,
    of_contrast,
    of_anatomy,
    of_scan,
    of_noise,
    of_grain
  };

  struct subject_id {
    std::uint64_t number;
    index_t frame;
    int family;
  };
  struct scan;

  subject_id identify(index_t i) const {
    require(i >= 0 && i < size(), "synthetic: sample: expected 0 to ", size() - 1, ", found ", i);
    subject_id s;
    s.number = static_cast<std::uint64_t>(o_.first_subject + i / o_.frames_per_subject);
    s.frame = i % o_.frames_per_subject;
    synthetic::draws d(o_.seed, s.number, of_family);
    const double w = d.unit() * (o_.torso + o_.head + o_.scene);
    s.family = w < o_.torso ? 0 : w < o_.torso + o_.head ? 1 : 2;
    return s;
  }
  synthetic::contrast contrast_of(const subject_id& s) const {
    synthetic::draws d(o_.seed, s.number, of_contrast);
    auto c = synthetic::draw_contrast(d, s.family == 0);
    c.acquisition.view = s.family == 0 ? (d.chance(.65) ? "short-axis" : "long-axis") : "unknown";
    return c;
  }
  void look(const scan& s, double phase, synthetic::canvas& c) const;
  void blur(const scan& s, complex<float>* k) const;
  double expose(const scan& s, double phase, std::uint64_t grain, complex<float>* kspace) const;
  void add_noise(const scan& s, double sigma, std::uint64_t key, index_t frame,
                 complex<float>* kspace) const;

  static double body_mean(const std::vector<float>& power);
  static void leave_out(const scan& s, complex<float>* kspace);

  synthetic_options o_;
  synthetic::serial_fourier fourier_;
  synthetic::noise_table noise_;
};

/// All that is the same for the frames of a subject.
struct synthetic_frames::scan {
  synthetic::contrast contrast;
  index_t ny, nx, coils;
  double pixel_y, pixel_x;  // mm
  synthetic::body body;
  std::unique_ptr<synthetic::fields> fields;
  synthetic::placement place;
  std::unique_ptr<synthetic::receiver> receiver;
  std::vector<complex<float>> maps;
  double warp, warp_mm, breath_x, breath_y, breath_start;
  double poly[6], phase_field, phase_mm, off_mean, off_field;
  bool shimmed;  // no bands
  double snr, correlation;
  double grain = 0;                         // of the object: standard deviation over its mean
  float edge;                               // width of edges, mm
  double filter;                            // power of exp(-filter k^2) at the rim of k-space
  index_t rim_y = 0, rim_x = 0, cut_x = 0;  // k-space samples that stay zero

  scan(const synthetic_options& o, const subject_id& id, synthetic::contrast c) : contrast(c) {
    synthetic::draws d(o.seed, id.number, of_scan);
    const index_t low = (o.smallest + o.step - 1) / o.step, high = o.largest / o.step;
    ny = o.step * (low + d.below(high - low + 1));
    nx = o.step * (low + d.below(high - low + 1));
    coils = o.min_coils == 1 && d.chance(o.single_coil)
                ? 1
                : o.min_coils + d.below(o.max_coils - o.min_coils + 1);
    double pixel = d.log_uniform(o.pixel_mm.low, o.pixel_mm.high);
    synthetic::draws shape(o.seed, id.number, of_anatomy);
    fields = std::make_unique<synthetic::fields>(shape);
    body = id.family == 0 ? synthetic::torso_maker(shape, contrast, o.texture)
                                .make(contrast.acquisition.view == "long-axis")
           : id.family == 1 ? synthetic::head_maker(shape, contrast, o.texture).make()
                            : synthetic::scene_maker(shape, contrast, o.texture)
                                  .make(pixel * static_cast<double>(std::min(ny, nx)));
    // The body fills at least about half of the field of view.
    const double fill = 2 * double(std::max(body.extent_a, body.extent_b)) / pixel /
                        static_cast<double>(std::max(ny, nx));
    const double wanted = d.uniform(.55, 1.1);
    if (id.family != 2 && fill < wanted) pixel *= fill / wanted;
    const double aspect = d.chance(.35) ? d.log_uniform(.8, 1.25) : 1;
    pixel_y = pixel * aspect, pixel_x = pixel / aspect;
    edge = static_cast<float>(pixel * d.uniform(.4, 1.6));
    filter = d.chance(.15) ? d.uniform(1, 2.5) : d.uniform(-.3, 1);
    const double turn = id.family == 1 ? .3 * d.normal()
                        : d.chance(.5) ? .25 * d.normal()
                                       : d.uniform(0, 6.2832);
    const double mirror = d.sign(), cs = std::cos(turn), sn = std::sin(turn);
    place = {static_cast<float>(cs * mirror),
             static_cast<float>(-sn * mirror),
             static_cast<float>(sn),
             static_cast<float>(cs),
             body.x,
             body.y};
    receiver = std::make_unique<synthetic::receiver>(d, coils, double(body.extent_a),
                                                     double(body.extent_b));
    warp_mm = d.uniform(250, 600);
    warp = d.uniform(0, .022) * warp_mm;
    breath_x = o.motion * 4 * d.normal(), breath_y = o.motion * 4 * d.normal();
    breath_start = d.uniform(0, 6.2832);
    const double p = o.phase;
    poly[0] = d.uniform(-3.14, 3.14);
    poly[1] = p * 1.2 * d.normal(), poly[2] = p * 1.2 * d.normal();
    for (int k = 3; k < 6; ++k) poly[k] = p * .8 * d.normal();
    phase_field = p * d.uniform(0, .8), phase_mm = d.uniform(200, 500);
    off_mean = p * d.uniform(-.5, .5);
    off_field = p * d.uniform(.1, .5) * contrast.field / 1.5;
    shimmed = d.chance(.88);
    snr = d.log_uniform(o.snr.low, o.snr.high);
    correlation = d.uniform(0, o.noise_correlation);
    synthetic::draws of_object(o.seed, id.number, of_grain);
    if (of_object.chance(o.grain))
      grain = 1 / of_object.log_uniform(o.grain_snr.low, o.grain_snr.high);
    if (d.chance(o.padded)) {
      const double kind = d.unit();
      const auto part = [&](index_t n) {
        return static_cast<index_t>(d.log_uniform(.03, .22) * static_cast<double>(n));
      };
      if (kind < .4) rim_y = part(ny);
      if (kind < .7) rim_x = part(nx);
      if (kind >= .6) cut_x = std::min(2 * part(nx), nx / 4);
    }
    maps.resize(static_cast<std::size_t>(coils * (ny + margin) * (nx + margin)));
    receiver->maps(place, pixel_y * static_cast<double>(ny), pixel_x * static_cast<double>(nx),
                   ny + margin, nx + margin, maps.data());
  }
};

/// Where the pixels of the fine grid look in the body at rest.
inline void synthetic_frames::look(const scan& s, double phase, synthetic::canvas& c) const {
  const double beat = mri::contraction_at(phase);
  struct active {
    float x, y, c, s, ia, ib, small, outer, rest, wall;
  };
  std::vector<active> parts;
  for (const auto& v : s.body.beating) {
    const float small = 1 - static_cast<float>(o_.motion * beat) * v.shortening;
    if (small == 1) continue;
    const float outer = std::sqrt(small * small + v.wall * v.wall - 1);
    parts.push_back({v.x, v.y, std::cos(v.angle), std::sin(v.angle), 1 / v.a, 1 / v.b, small, outer,
                     v.wall - outer, v.wall});
  }
  const double tide = std::sin(s.breath_start + 1.5 * phase) - std::sin(s.breath_start);
  const float bx = static_cast<float>(s.breath_x * tide),
              by = static_cast<float>(s.breath_y * tide);
  const float ia = 1 / s.body.extent_a, ib = 1 / s.body.extent_b;
  const float scale = 1 / static_cast<float>(s.warp_mm), amount = static_cast<float>(s.warp);
  for (index_t j = 0; j < c.ny; ++j)
    for (index_t i = 0; i < c.nx; ++i) {
      const float px = static_cast<float>(i - c.nx / 2) * c.dx;
      const float py = static_cast<float>(j - c.ny / 2) * c.dy;
      float u, v;
      s.place.apply(px, py, u, v);
      const float r = u * u * ia * ia + v * v * ib * ib;
      const float inside = r < 1 ? 1 - r : 0;
      u += bx * inside, v += by * inside;
      if (amount > 0) {
        const float wx = s.fields->smooth.at(u * scale, v * scale);
        const float wy = s.fields->smooth.at(v * scale + .37f, .21f - u * scale);
        u += amount * wx, v += amount * wy;
      }
      for (const active& a : parts) {
        const float dx = u - a.x, dy = v - a.y;
        const float p = (a.c * dx + a.s * dy) * a.ia, q = (a.c * dy - a.s * dx) * a.ib;
        const float rho2 = p * p + q * q;
        if (rho2 > 16) continue;
        const float rho = std::sqrt(rho2) + 1e-6f;
        float at;
        if (rho < a.small)
          at = rho / a.small;
        else if (rho < a.outer)
          at = std::sqrt(rho2 + 1 - a.small * a.small);
        else
          at = rho + a.rest * std::exp(-2.5f * (rho - a.outer));
        const float f = at / rho;
        u = a.x + f * dx, v = a.y + f * dy;
      }
      c.u[static_cast<std::size_t>(j * c.nx + i)] = u;
      c.v[static_cast<std::size_t>(j * c.nx + i)] = v;
    }
}

/// Mean magnitude of the body: of the pixels whose magnitude is above a tenth of the largest.
inline double synthetic_frames::body_mean(const std::vector<float>& power) {
  const float least = .01f * *std::max_element(power.begin(), power.end());
  double sum = 0, count = 0;
  for (const float p : power)
    if (p > least) sum += double(std::sqrt(p)), count += 1;
  return count > 0 ? sum / count : 0;
}

/// k-space (coil, y, x) of a frame without noise. Returns the mean of the body: of the root sum of
/// squares where it is above a tenth of its maximum. `grain` is the seed of the object's grain.
inline double synthetic_frames::expose(const scan& s, double phase, std::uint64_t grain,
                                       complex<float>* kspace) const {
  synthetic::canvas c;
  c.ny = 2 * s.ny, c.nx = 2 * s.nx, c.dy = static_cast<float>(s.pixel_y / 2);
  c.dx = static_cast<float>(s.pixel_x / 2);
  const auto pixels = static_cast<std::size_t>(c.ny * c.nx);
  c.u.resize(pixels), c.v.resize(pixels), c.image.assign(pixels, complex<float>(0, 0));
  look(s, phase, c);
  synthetic::painter paint(c, *s.fields);
  for (const auto& shape : s.body.shapes) paint.paint(shape, s.edge);

  // phase of the receiver and of off-resonance, with bands where the sequence makes them
  constexpr int steps = 256;
  std::vector<complex<float>> band(steps + 1);
  constexpr double pi = 3.14159265358979323846;
  if (s.contrast.balanced) {
    const auto on =
        mri::balanced_steady_state(s.contrast.typical, s.contrast.tr, s.contrast.flip, 0);
    for (int k = 0; k <= steps; ++k) {
      const auto z = mri::balanced_steady_state(s.contrast.typical, s.contrast.tr, s.contrast.flip,
                                                4 * pi * k / steps) /
                     on;
      band[static_cast<std::size_t>(k)] =
          complex<float>(static_cast<float>(z.real()), static_cast<float>(z.imag()));
    }
  }
  const float scale = 1 / static_cast<float>(s.phase_mm);
  for (index_t j = 0; j < c.ny; ++j) {
    const float y = static_cast<float>(j - c.ny / 2) * c.dy / 100;
    for (index_t i = 0; i < c.nx; ++i) {
      complex<float>& z = c.image[static_cast<std::size_t>(j * c.nx + i)];
      if (!(abs2(z) > 0)) continue;
      const float x = static_cast<float>(i - c.nx / 2) * c.dx / 100;
      const float f = s.fields->smooth.at(100 * x * scale + .5f, 100 * y * scale);
      float turn = static_cast<float>(s.poly[0]) + static_cast<float>(s.poly[1]) * x +
                   static_cast<float>(s.poly[2]) * y + static_cast<float>(s.poly[3]) * x * y +
                   static_cast<float>(s.poly[4]) * x * x + static_cast<float>(s.poly[5]) * y * y +
                   static_cast<float>(s.phase_field) * f;
      if (s.contrast.balanced) {
        float off = static_cast<float>(s.off_mean + s.off_field * double(f));
        if (s.shimmed) off = 2.3f * off / std::sqrt(2.3f * 2.3f + off * off);
        off /= 4 * float(pi);  // the response has the period of two turns
        const float at = (off - std::floor(off)) * steps;
        z = mul(z, band[static_cast<std::size_t>(at)]);
      }
      z = mul(z, complex<float>(std::cos(turn), std::sin(turn)));
    }
  }
  fourier_.execute(true, 1, c.ny, c.nx, c.image.data());
  const index_t my = s.ny + margin, mx = s.nx + margin;
  std::vector<complex<float>> object(static_cast<std::size_t>(my * mx)), one(object.size());
  std::vector<float> power(object.size(), 0.f);
  synthetic::centre_of(c.image.data(), c.ny, c.nx, object.data(), my, mx);
  if (s.filter > 0) blur(s, object.data());
  fourier_.execute(false, 1, my, mx, object.data());
  if (s.grain > 0) {
    for (std::size_t i = 0; i < object.size(); ++i) power[i] = abs2(object[i]);
    const double sigma = s.grain * body_mean(power) / std::sqrt(2.0);
    power.assign(power.size(), 0.f);
    noise_.add(reinterpret_cast<float*>(object.data()), 2 * my * mx, static_cast<float>(sigma),
               grain, of_grain);
  }
  for (index_t k = 0; k < s.coils; ++k) {
    const complex<float>* map = s.maps.data() + k * my * mx;
    for (std::size_t i = 0; i < one.size(); ++i) {
      one[i] = mul(map[i], object[i]);
      power[i] += abs2(one[i]);
    }
    fourier_.execute(true, 1, my, mx, one.data());
    synthetic::centre_of(one.data(), my, mx, kspace + k * s.ny * s.nx, s.ny, s.nx);
  }
  return body_mean(power);
}

/// Weighs the k-space of the object, (ny + margin, nx + margin), by exp(-filter (ky^2 + kx^2)).
inline void synthetic_frames::blur(const scan& s, complex<float>* k) const {
  const index_t my = s.ny + margin, mx = s.nx + margin;
  const auto weights = [&](index_t m, index_t n) {
    std::vector<float> w;
    for (index_t i = 0; i < m; ++i) {
      const double at = 2 * static_cast<double>(i - m / 2) / static_cast<double>(n);
      w.push_back(static_cast<float>(std::exp(-s.filter * at * at)));
    }
    return w;
  };
  const auto wy = weights(my, s.ny), wx = weights(mx, s.nx);
  for (index_t y = 0; y < my; ++y)
    for (index_t x = 0; x < mx; ++x)
      k[y * mx + x] *= wy[static_cast<std::size_t>(y)] * wx[static_cast<std::size_t>(x)];
}

/// Adds the noise of a frame, of variance sigma^2 per complex sample.
inline void synthetic_frames::add_noise(const scan& s, double sigma, std::uint64_t key,
                                        index_t frame, complex<float>* kspace) const {
  const index_t pixels = s.ny * s.nx;
  std::vector<complex<float>> n(static_cast<std::size_t>(s.coils * pixels));
  noise_.add(reinterpret_cast<float*>(n.data()), 2 * s.coils * pixels,
             static_cast<float>(sigma / std::sqrt(2.0)), key, static_cast<std::uint64_t>(frame));
  const float q = s.coils > 1 ? static_cast<float>(s.correlation) : 0, own = std::sqrt(1 - q * q);
  for (index_t c = 0; c < s.coils; ++c) {
    const complex<float>* mine = n.data() + c * pixels;
    const complex<float>* next = n.data() + (c + 1) % s.coils * pixels;
    complex<float>* to = kspace + c * pixels;
    for (index_t i = 0; i < pixels; ++i) to[i] += own * mine[i] + q * next[i];
  }
}

/// Zeroes the samples that are not acquired.
inline void synthetic_frames::leave_out(const scan& s, complex<float>* kspace) {
  if (s.rim_y + s.rim_x + s.cut_x == 0) return;
  for (index_t row = 0; row < s.coils * s.ny; ++row) {
    const index_t y = row % s.ny;
    const bool all = y < s.rim_y || y >= s.ny - s.rim_y;
    complex<float>* x = kspace + row * s.nx;
    std::fill(x, x + (all ? s.nx : std::max(s.rim_x, s.cut_x)), complex<float>(0, 0));
    std::fill(x + s.nx - s.rim_x, x + s.nx, complex<float>(0, 0));
  }
}

inline full_frame synthetic_frames::get(std::uint64_t epoch, index_t i) const {
  const subject_id id = identify(i);
  scan s(o_, id, contrast_of(id));
  const index_t pixels = s.ny * s.nx, middle = o_.neighbours / 2;
  full_frame f;
  const host_space ex;
  f.kspace = make_tensor<complex<float>>(ex, shape<4>{{o_.neighbours, s.coils, s.ny, s.nx}},
                                         "cardiomm::train::synthetic");
  f.target = make_tensor<float>(ex, shape<2>{{s.ny, s.nx}}, "cardiomm::train::synthetic");
  std::vector<complex<float>> images(static_cast<std::size_t>(s.coils * pixels));
  const auto combine = [&](const complex<float>* k, float* out) {
    std::copy_n(k, s.coils * pixels, images.data());
    fourier_.execute(false, s.coils, s.ny, s.nx, images.data());
    for (index_t p = 0; p < pixels; ++p) {
      float sum = 0;
      for (index_t c = 0; c < s.coils; ++c)
        sum += abs2(images[static_cast<std::size_t>(c * pixels + p)]);
      out[p] = std::sqrt(sum);
    }
  };
  const random::words key = random::bits(o_.seed + of_noise, epoch, id.number);
  const random::words own = random::bits(o_.seed + of_grain, 0, id.number);
  for (index_t n = 0; n < o_.neighbours; ++n) {
    const index_t all = o_.frames_per_subject, frame = ((id.frame + n - middle) % all + all) % all;
    complex<float>* k = f.kspace.data() + n * s.coils * pixels;
    const double mean = expose(s, static_cast<double>(frame) / static_cast<double>(all),
                               own.w[0] + std::uint64_t(frame), k);
    if (n == middle && o_.clean_target) {
      leave_out(s, k);
      combine(k, f.target.data());
    }
    add_noise(s, mean / s.snr, key.w[0] | std::uint64_t(key.w[1]) << 32, frame, k);
    leave_out(s, k);
    if (n == middle && !o_.clean_target) combine(k, f.target.data());
  }
  f.data_range = 0;
  for (index_t p = 0; p < pixels; ++p) f.data_range = std::max(f.data_range, f.target.data()[p]);
  f.acquisition = s.contrast.acquisition;
  f.subject = "synthetic " + std::to_string(o_.seed) + " " + std::to_string(id.number);
  f.name = f.subject + " " + names[id.family] + ", frame " + std::to_string(id.frame);
  return f;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
