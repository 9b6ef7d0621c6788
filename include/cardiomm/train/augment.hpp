// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_AUGMENT_HPP
#define CARDIOMM_TRAIN_AUGMENT_HPP
/// \file
/// Augmentation of fully sampled frames. What happens to the image happens to every coil image
/// alike, so that the frame is one that a scanner could have measured; the target is made anew from
/// them. Everything is off unless asked for, as in the released recipe.
/// Ideas: Chen et al., Front Cardiovasc Med 7:105 (2020); Fabian et al., ICML 2021 (MRAugment).

#include <functional>
#include <limits>
#include <sstream>

#include "cardiomm/train/images.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Probabilities are of a sample; what is 0 never happens.
struct augmentation_options {
  double flip_y = 0, flip_x = 0;   ///< probabilities of mirror images
  double quarter_turns = 0;        ///< probability of 90, 180 or 270 degrees; 180 where not square
  double swap_axes = 0;            ///< probability that readout and phase encode change places
  index_t shift = 0;               ///< at most as many pixels along each axis, cyclic
  double rotation = 0;             ///< at most as many degrees, bicubic
  double zoom = 0;                 ///< sizes times exp(-zoom) to exp(zoom), bicubic
  index_t crop_y = 0, crop_x = 0;  ///< a window at a random place; 0, or more than there is: all
  double conjugate = 0;            ///< probability of complex conjugate images
  double phase = 0;                ///< probability of a random phase of all coils
  double coil_phase = 0;           ///< probability of a random phase of each coil
  double permute_coils = 0;        ///< probability of another order of the coils
  double drop_coils = 0;           ///< of every coil to be left out; at least half of them stay
  double intensity = 0;  ///< k-space, target and range times exp(-intensity) to exp(intensity)
  /// Complex noise: the standard deviation of each part is uniform between 0 and this part of the
  /// range.
  double noise = 0;
  bool noisy_target = false;  ///< the target has the noise too
};

/// A frame in the middle of its changes.
struct augmented {
  host_tensor<complex<float>, 4> coils;  ///< (neighbour, coil, y, x), images or k-space
  double gain = 1;                       ///< the target and the range grow by this
  double noise = 0;                      ///< to be added, relative to the range
};

/// One kind of change. `plan` draws what it needs and returns what to do, or nothing where this
/// sample stays as it is. It always draws as often, or the order of the steps would matter.
struct augmentation_step {
  std::string name;
  bool image = true;  ///< works on images; otherwise the same on k-space
  std::function<std::function<void(augmented&)>(draws&, const shape<4>&)> plan;
};

/// Changes frames: a pure function of (seed, epoch, sample).
///
///     train::augmentation_options o;
///     o.flip_x = o.flip_y = 0.5;
///     const train::augmentation change(o, 42);
///     frame = change(frame, epoch, i);
class augmentation {
 public:
  using options = augmentation_options;

  /// Does nothing.
  augmentation() = default;
  /// Throws value_error for probabilities outside [0, 1] and negative sizes.
  explicit augmentation(const options& o, std::uint64_t seed = 42) : seed_(seed) {
    read(o);
    noisy_target_ = o.noisy_target;
  }

  /// Adds a change after those there are; `description` has its name only.
  void add(augmentation_step step) {
    text_ += (text_.empty() ? "" : " ") + step.name;
    steps_.push_back(std::move(step));
  }
  bool empty() const { return steps_.empty(); }
  /// One line; empty where nothing is changed.
  std::string description() const {
    return empty() ? std::string() : "augmentation " + text_ + " seed " + std::to_string(seed_);
  }

  /// The changed frame; the same one where nothing was drawn. Its k-space is new memory otherwise.
  full_frame operator()(full_frame f, std::uint64_t epoch, index_t i) const {
    if (empty()) return f;
    using Ex = source_space;
    const Ex ex;
    augmented a{f.kspace};
    bool own = false, images = false;
    for (const augmentation_step& s : steps_) {
      draws d(seed_, epoch, static_cast<std::uint64_t>(i), "augmentation " + s.name);
      const auto change = s.plan(d, shape_of(a.coils));
      if (!change) continue;
      if (!own) {
        a.coils = clone(ex, f.kspace);
        own = true;
      }
      if (s.image && !images) {
        fft::ifft(ex, a.coils, a.coils);
        images = true;
      }
      change(a);
    }
    if (!own) return f;
    const float before = *std::max_element(f.target.data(), f.target.data() + f.target.size());
    if (images) {
      f.target = root_sum_of_squares(a.coils);
      fft::fft(ex, a.coils, a.coils);
    } else if (a.gain != 1) {
      f.target = clone(ex, f.target);
      for (std::size_t k = 0; k < f.target.size(); ++k) f.target.data()[k] *= float(a.gain);
    }
    ex.fence();
    // The range is that of a volume of which we know this frame: with fewer coils it shrinks.
    const float after = *std::max_element(f.target.data(), f.target.data() + f.target.size());
    const bool fewer = a.coils.extent(1) != f.kspace.extent(1);
    f.data_range = fewer && before > 0 ? f.data_range * after / before
                                       : f.data_range * static_cast<float>(a.gain);
    f.kspace = a.coils;
    if (a.noise > 0) add_noise(f, a.noise * f.data_range, epoch, i);
    return f;
  }

 private:
  void add_noise(full_frame& f, double sigma, std::uint64_t epoch, index_t i) const {
    const std::uint64_t seed =
        draws(seed_, epoch, static_cast<std::uint64_t>(i), "augmentation noise").seed();
    for (std::size_t k = 0; k < f.kspace.size(); ++k) {
      const complex<double> z = random::normal(seed, k);
      f.kspace.data()[k] += complex<float>(float(sigma * z.real()), float(sigma * z.imag()));
    }
    if (!noisy_target_) return;
    const auto images = fft::ifft(source_space{}, f.kspace);
    f.target = root_sum_of_squares(images);
  }

  void probability(double p, const char* name) {
    require(p >= 0 && p <= 1, "augmentation.", name, ": expected a probability, found ", p);
    if (p > 0) note(name, p);
  }
  void most(double v, const char* name) {
    require(v >= 0 && v <= std::numeric_limits<float>::max(), "augmentation.", name,
            ": expected a finite number of at least 0, found ", v);
    if (v > 0) note(name, v);
  }
  void note(const char* name, double value) {
    std::ostringstream out;
    out << (text_.empty() ? "" : " ") << name << ':' << value;
    text_ += out.str();
  }
  void step(const char* name, bool image,
            std::function<std::function<void(augmented&)>(draws&, const shape<4>&)> plan) {
    steps_.push_back({name, image, std::move(plan)});
  }
  void read(const options& o);
  static std::vector<index_t> any_order(draws& d, index_t n) {
    std::vector<index_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), index_t(0));
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[static_cast<std::size_t>(d.below(static_cast<index_t>(i)))]);
    return order;
  }

  std::vector<augmentation_step> steps_;
  std::string text_;
  std::uint64_t seed_ = 0;
  bool noisy_target_ = false;
};

inline void augmentation::read(const options& o) {
  using change = std::function<void(augmented&)>;
  constexpr double circle = 6.283185307179586;
  probability(o.flip_y, "flip_y");
  if (o.flip_y > 0)
    step("flip_y", true, [p = o.flip_y](draws& d, const shape<4>&) -> change {
      if (!d.chance(p)) return {};
      return [](augmented& a) { flip_y(a.coils); };
    });
  probability(o.flip_x, "flip_x");
  if (o.flip_x > 0)
    step("flip_x", true, [p = o.flip_x](draws& d, const shape<4>&) -> change {
      if (!d.chance(p)) return {};
      return [](augmented& a) { flip_x(a.coils); };
    });
  probability(o.quarter_turns, "quarter_turns");
  if (o.quarter_turns > 0)
    step("quarter_turns", true, [p = o.quarter_turns](draws& d, const shape<4>& s) -> change {
      const bool some = d.chance(p);
      const index_t turns = s[2] == s[3] ? 1 + d.below(3) : 2;
      if (!some) return {};
      return [turns](augmented& a) {
        if (turns != 2) a.coils = swapped(a.coils);
        if (turns != 3) flip_y(a.coils);
        if (turns != 1) flip_x(a.coils);
      };
    });
  probability(o.swap_axes, "swap_axes");
  if (o.swap_axes > 0)
    step("swap_axes", true, [p = o.swap_axes](draws& d, const shape<4>& s) -> change {
      if (!d.chance(p) || s[2] != s[3]) return {};
      return [](augmented& a) { a.coils = swapped(a.coils); };
    });
  most(static_cast<double>(o.shift), "shift");
  if (o.shift > 0)
    step("shift", true, [m = o.shift](draws& d, const shape<4>&) -> change {
      const index_t y = d.below(2 * m + 1) - m, x = d.below(2 * m + 1) - m;
      if (y == 0 && x == 0) return {};
      return [y, x](augmented& a) { a.coils = shifted(a.coils, y, x); };
    });
  most(o.rotation, "rotation");
  most(o.zoom, "zoom");
  if (o.rotation > 0 || o.zoom > 0)
    step("resample", true, [r = o.rotation, z = o.zoom](draws& d, const shape<4>&) -> change {
      const double angle = d.uniform(-r, r) * circle / 360, size = std::exp(d.uniform(-z, z));
      return [angle, size](augmented& a) { a.coils = resampled(a.coils, angle, size); };
    });
  most(static_cast<double>(o.crop_y), "crop_y");
  most(static_cast<double>(o.crop_x), "crop_x");
  if (o.crop_y > 0 || o.crop_x > 0)
    step("crop", true, [o](draws& d, const shape<4>& s) -> change {
      const index_t ny = o.crop_y > 0 ? std::min(o.crop_y, s[2]) : s[2];
      const index_t nx = o.crop_x > 0 ? std::min(o.crop_x, s[3]) : s[3];
      const index_t y = d.below(s[2] - ny + 1), x = d.below(s[3] - nx + 1);
      if (ny == s[2] && nx == s[3]) return {};
      return [=](augmented& a) { a.coils = window(a.coils, y, x, ny, nx); };
    });
  probability(o.conjugate, "conjugate");
  if (o.conjugate > 0)
    step("conjugate", true, [p = o.conjugate](draws& d, const shape<4>&) -> change {
      if (!d.chance(p)) return {};
      return [](augmented& a) {
        for (std::size_t k = 0; k < a.coils.size(); ++k)
          a.coils.data()[k].imag() = -a.coils.data()[k].imag();
      };
    });
  probability(o.drop_coils, "drop_coils");
  if (o.drop_coils > 0)
    step("drop_coils", true, [p = o.drop_coils](draws& d, const shape<4>& s) -> change {
      const std::vector<index_t> order = any_order(d, s[1]);
      std::vector<index_t> kept;
      const index_t least = (s[1] + 1) / 2;
      for (index_t k = 0; k < s[1]; ++k)  // decided in random order, so that any half can stay
        if (const bool drop = d.chance(p); !drop || s[1] - k + index_t(kept.size()) <= least)
          kept.push_back(order[static_cast<std::size_t>(k)]);
      if (index_t(kept.size()) == s[1]) return {};
      std::sort(kept.begin(), kept.end());
      return [kept](augmented& a) { a.coils = chosen_coils(a.coils, kept); };
    });
  probability(o.permute_coils, "permute_coils");
  if (o.permute_coils > 0)
    step("permute_coils", false, [p = o.permute_coils](draws& d, const shape<4>& s) -> change {
      const bool some = d.chance(p);
      const std::vector<index_t> order = any_order(d, s[1]);
      if (!some) return {};
      return [order](augmented& a) { a.coils = chosen_coils(a.coils, order); };
    });
  probability(o.phase, "phase");
  if (o.phase > 0)
    step("phase", false, [p = o.phase](draws& d, const shape<4>&) -> change {
      const bool some = d.chance(p);
      const double angle = circle * d.unit();
      if (!some) return {};
      return [angle](augmented& a) {
        turn_phases(a.coils, std::vector<double>(a.coils.extent(1), angle));
      };
    });
  probability(o.coil_phase, "coil_phase");
  if (o.coil_phase > 0)
    step("coil_phase", false, [p = o.coil_phase](draws& d, const shape<4>& s) -> change {
      const bool some = d.chance(p);
      std::vector<double> angles(static_cast<std::size_t>(s[1]));
      for (double& angle : angles) angle = circle * d.unit();
      if (!some) return {};
      return [angles](augmented& a) { turn_phases(a.coils, angles); };
    });
  most(o.intensity, "intensity");
  if (o.intensity > 0)
    step("intensity", false, [m = o.intensity](draws& d, const shape<4>&) -> change {
      const double gain = std::exp(d.uniform(-m, m));
      return [gain](augmented& a) {
        a.gain *= gain;
        for (std::size_t k = 0; k < a.coils.size(); ++k) a.coils.data()[k] *= float(gain);
      };
    });
  most(o.noise, "noise");
  if (o.noise > 0)
    step("noise", false, [m = o.noise](draws& d, const shape<4>&) -> change {
      const double sigma = d.uniform(0, m);
      return [sigma](augmented& a) { a.noise = sigma; };
    });
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
