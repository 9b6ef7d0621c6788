// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_LINES_HPP
#define CARDIOMM_TRAIN_LINES_HPP
/// \file
/// Synthetic lines of many coils: what PISF's network of lines is trained on, so that no real data
/// are needed. The paper's constants are not public; this generator is our own (docs/pisf.md).
///
/// A line of ny points at positions t from -1 to 1 is drawn on a grid `oversampling` times as fine
/// and cut to ny samples in k-space, as a scanner does:
///
///     m(t)   = max(0, body + 3..12 boxes or ramps with Gaussian edges + 0..30 Gaussian bumps +
///     texture) x_j(t) = m(t) exp(i p(t)) c_j(t) + noise          p: polynomial of degree <= 3
///
/// c_j are smooth profiles of coils, a Gaussian or 2..4 Fourier terms each; noise is complex and
/// has a deviation of 0..2 % of the largest root sum of squares. The line is divided by the largest
/// root sum of squares of its zero-filled image, as `recon` does with measured ones.

#include <map>
#include <sstream>

#include "cardiomm/fft/transform.hpp"
#include "cardiomm/mri/centre.hpp"
#include "cardiomm/train/draws.hpp"
#include "cardiomm/train/sample.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// Lines that are trained on together (batch norm needs many), with a mask each.
struct line_batch {
  host_tensor<complex<float>, 3> kspace;  ///< (line, y, coil), fully sampled, scaled
  host_tensor<float, 2> mask;             ///< (line, y), 0 or 1
  std::vector<float> scale;               ///< what each line was divided by
  std::string subject = "lines", name;
};

/// What lines are made of. Ranges are uniform, `edges` and `bump_width` (points) logarithmic.
struct line_options {
  index_t coils = 8;
  index_t lines = 32;                           ///< of a batch
  index_t batches = 1000;                       ///< of an epoch
  std::vector<index_t> lengths{128, 160, 192};  ///< ny, one for each batch
  index_t oversampling = 2;
  index_t least_boxes = 3, most_boxes = 12, most_bumps = 30;
  double least_edge = 0.15, most_edge = 5;  ///< deviation of edges, points
  double least_bump = 0.4, most_bump = 6;   ///< deviation of bumps, points
  double texture = 0.5;  ///< probability of a smoothed random pattern within the body
  double least_body = 0.25, most_body = 0.98;  ///< share of the line
  index_t phase_degree = 3;
  double phase = 2;            ///< largest coefficient of degree 1 and more, radians
  double noise = 0.02;         ///< largest deviation
  double fewer_coils = 0.25;   ///< probability that only some coils have signal
  double virtual_coils = 0.3;  ///< probability that coils fade as compressed ones do
  std::map<std::string, double> families{{"gaussian", 2}, {"uniform", 1}, {"random", 0.5}};
  /// Share of all lines: with the centre for gaussian and random, without it for uniform (1 / R).
  std::map<double, double> rates{{0.125, 1}, {0.2, 1}, {0.25, 2}, {1.0 / 3, 1}};
  index_t least_acs = 6, most_acs = 24;  ///< central lines; at most half of what is sampled

  void check() const {
    require(coils >= 1 && lines >= 1 && batches >= 1 && oversampling >= 1,
            "lines: expected at least one coil, line, batch and point, found ", coils, ", ", lines,
            ", ", batches, " and ", oversampling);
    require(!lengths.empty(), "lines: lengths: expected at least one, found none");
    for (const index_t n : lengths)
      require(n >= 8 && n <= 65536, "lines: lengths: expected 8 to 65536 points, found ", n);
    require(least_boxes >= 0 && most_boxes >= least_boxes && most_bumps >= 0,
            "lines: boxes: expected a range of at least 0, found ", least_boxes, " to ", most_boxes,
            " and ", most_bumps, " bumps");
    require(least_edge > 0 && most_edge >= least_edge && least_bump > 0 && most_bump >= least_bump,
            "lines: edges and bumps: expected ranges above 0, found ", least_edge, " to ",
            most_edge, " and ", least_bump, " to ", most_bump);
    require(least_body > 0 && most_body >= least_body && most_body <= 1,
            "lines: body: expected shares of the line up to 1, found ", least_body, " to ",
            most_body);
    require(phase_degree >= 0 && phase >= 0 && noise >= 0,
            "lines: phase and noise: expected numbers of at least 0, found ", phase_degree, ", ",
            phase, " and ", noise);
    for (const double p : {texture, fewer_coils, virtual_coils})
      require(p >= 0 && p <= 1, "lines: expected probabilities from 0 to 1, found ", p);
    double families_sum = 0, rates_sum = 0;
    for (const auto& [name, weight] : families) {
      require(name == "gaussian" || name == "uniform" || name == "random",
              "lines: families: expected gaussian, uniform or random, found '", name, "'");
      require(weight >= 0, "lines: families: expected weights of at least 0, found ", weight);
      families_sum += weight;
    }
    for (const auto& [rate, weight] : rates) {
      require(rate > 0 && rate <= 1, "lines: rates: expected shares up to 1, found ", rate);
      require(weight >= 0, "lines: rates: expected weights of at least 0, found ", weight);
      rates_sum += weight;
    }
    require(families_sum > 0 && rates_sum > 0,
            "lines: families and rates: expected one weight above 0, found none");
    require(least_acs >= 0 && most_acs >= least_acs,
            "lines: acs: expected a range of at least 0, found ", least_acs, " to ", most_acs);
  }
};

namespace detail {

template <class M>
const typename M::key_type& weighted_key(draws& d, const M& all) {
  std::vector<double> weights;
  for (const auto& entry : all) weights.push_back(entry.second);
  return std::next(all.begin(), std::ptrdiff_t(d.weighted(weights)))->first;
}

/// m(t) on n points; `point` is the distance of two measured points in t.
inline std::vector<double> line_magnitude(draws& d, const line_options& o, index_t n,
                                          double point) {
  const auto at = [n](index_t i) { return (2 * double(i) + 1) / double(n) - 1; };
  const auto log_uniform = [&](double a, double b) { return a * std::pow(b / a, d.unit()); };
  std::vector<double> m(static_cast<std::size_t>(n), 0);
  struct box {
    double left, right, edge, height, slope;
  };
  const auto draw = [&](const box& b) {
    const double reach = 4 * b.edge, middle = (b.left + b.right) / 2;
    for (index_t i = 0; i < n; ++i) {
      const double t = at(i);
      if (t < b.left - reach || t > b.right + reach) continue;
      const double s = 0.70710678118654752 / b.edge;
      const bool inside = t > b.left + reach && t < b.right - reach;
      const double v = inside ? 1 : (std::erf((t - b.left) * s) - std::erf((t - b.right) * s)) / 2;
      m[std::size_t(i)] += b.height * v * (1 + b.slope * (t - middle) / (b.right - b.left));
    }
  };
  const double width = 2 * d.uniform(o.least_body, o.most_body);
  const double left = d.uniform(-1, 1 - width), right = left + width;
  const auto edge = [&] { return point * log_uniform(o.least_edge, o.most_edge); };
  draw({left, right, edge(), d.uniform(0, 0.6), d.uniform(-0.5, 0.5)});
  const index_t boxes = o.least_boxes + d.below(o.most_boxes - o.least_boxes + 1);
  for (index_t b = 0; b < boxes; ++b) {
    const double w = width * log_uniform(0.02, 0.7), l = d.uniform(left, right - w);
    const double slope = d.chance(0.4) ? d.uniform(-2, 2) : 0;
    draw({l, l + w, edge(), (d.chance(0.35) ? -1 : 1) * d.uniform(0.05, 1), slope});
  }
  const index_t bumps = d.below(o.most_bumps + 1);
  for (index_t b = 0; b < bumps; ++b) {
    const double c = d.uniform(left, right), s = point * log_uniform(o.least_bump, o.most_bump);
    const double h = d.uniform(-0.5, 0.5);
    for (index_t i = 0; i < n; ++i) {
      const double t = (at(i) - c) / s;
      if (std::abs(t) < 5) m[std::size_t(i)] += h * std::exp(-t * t / 2);
    }
  }
  if (d.chance(o.texture)) {  // noise smoothed twice by running means, only where there is signal
    const index_t run = std::max<index_t>(1, index_t(log_uniform(0.5, 3) * point * double(n) / 2));
    const double h = d.uniform(0.02, 0.25);
    std::vector<double> v(m.size()), w(m.size());
    for (double& x : v) x = d.uniform(-1, 1);
    for (int pass = 0; pass < 2; ++pass) {
      for (index_t i = 0; i < n; ++i) {
        double sum = 0;
        for (index_t j = 0; j < run; ++j) sum += v[std::size_t((i + j) % n)];
        w[std::size_t(i)] = sum / std::sqrt(double(run));
      }
      v.swap(w);
    }
    for (std::size_t i = 0; i < m.size(); ++i) m[i] *= 1 + h * v[i];
  }
  for (double& v : m) v = std::max(0.0, v);
  return m;
}

/// A smooth complex profile.
class coil_profile {
 public:
  explicit coil_profile(draws& d) : gaussian_(d.chance(0.5)) {
    if (gaussian_) {
      centre_ = d.uniform(-1.5, 1.5);
      width_ = d.uniform(0.4, 1.6);
      a_[0] = random_phase(d, d.uniform(0.5, 1));
      turn_ = d.uniform(-1.5, 1.5);
      return;
    }
    terms_ = 2 + int(d.below(3));
    for (int k = 0; k < terms_; ++k)
      a_[k] = random_phase(d, d.uniform(0, 1) / (1 + std::abs(k - terms_ / 2)));
    turn_ = d.uniform(0.3, 1.2);
  }
  complex<double> operator()(double t) const {
    if (gaussian_) {
      const double s = (t - centre_) / width_, g = std::exp(-s * s / 2), p = turn_ * t;
      return a_[0] * complex<double>(g * std::cos(p), g * std::sin(p));
    }
    complex<double> sum(0, 0);
    for (int k = 0; k < terms_; ++k) {
      const double p = 3.14159265358979 * turn_ * (k - terms_ / 2) * t;
      sum += a_[k] * complex<double>(std::cos(p), std::sin(p));
    }
    return sum;
  }

 private:
  static complex<double> random_phase(draws& d, double size) {
    const double p = d.uniform(-3.14159265358979, 3.14159265358979);
    return {size * std::cos(p), size * std::sin(p)};
  }
  bool gaussian_;
  int terms_ = 1;
  double centre_ = 0, width_ = 1, turn_ = 0;
  complex<double> a_[4];
};

}  // namespace detail

/// Lines of a mask (y,) of 0 and 1; what is random comes from `d`.
inline std::vector<float> draw_line_mask(draws& d, const line_options& o, index_t ny) {
  const std::string& family = detail::weighted_key(d, o.families);
  const double rate = detail::weighted_key(d, o.rates);
  const index_t wanted = std::max<index_t>(1, index_t(std::floor(rate * double(ny) + 0.5)));
  const index_t acs =
      std::min({o.least_acs + d.below(o.most_acs - o.least_acs + 1), (wanted + 1) / 2, ny});
  std::vector<float> mask(static_cast<std::size_t>(ny), 0);
  const index_t first = mri::centre_start(ny, acs);
  for (index_t i = 0; i < acs; ++i) mask[std::size_t(first + i)] = 1;
  if (family == "uniform") {
    const index_t step = std::max<index_t>(1, index_t(std::floor(1 / rate + 0.5)));
    for (index_t y = d.below(step); y < ny; y += step) mask[std::size_t(y)] = 1;
    return mask;
  }
  std::vector<double> density(mask.size());
  const double sigma = double(ny) * d.uniform(0.15, 0.3);
  for (index_t y = 0; y < ny; ++y) {
    const double t = (double(y) - double(ny / 2)) / sigma;
    const double bell = family == "gaussian" ? 0.02 + std::exp(-t * t / 2) : 1;
    density[std::size_t(y)] = mask[std::size_t(y)] > 0 ? 0 : bell;
  }
  for (index_t n = acs; n < wanted; ++n) {
    const std::size_t y = d.weighted(density);
    mask[y] = 1;
    density[y] = 0;
  }
  return mask;
}

/// Divides each line of k-space (line, y, coil) by the largest root sum of squares of its image
/// under the mask (line, y), and returns what it was divided by: 1 where there is no signal.
inline std::vector<float> scale_lines(const host_tensor<complex<float>, 3>& kspace,
                                      const host_tensor<float, 2>& mask) {
  const shape<3> s = shape_of(kspace);
  const host_space host;
  const auto image = clone(host, kspace);
  for (index_t i = 0; i < s[0] * s[1]; ++i)
    for (index_t c = 0; c < s[2]; ++c) image.data()[i * s[2] + c] *= mask.data()[i];
  fft::ifft(host, image, image, {1});
  host.fence();
  std::vector<float> scale(static_cast<std::size_t>(s[0]));
  for (index_t l = 0; l < s[0]; ++l) {
    double most = 0;
    for (index_t y = 0; y < s[1]; ++y) {
      double sum = 0;
      for (index_t c = 0; c < s[2]; ++c) sum += abs2(image(l, y, c));
      most = std::max(most, sum);
    }
    const float by = most > 0 ? float(std::sqrt(most)) : 1.f;
    scale[std::size_t(l)] = by;
    for (index_t i = 0; i < s[1] * s[2]; ++i) kspace.data()[l * s[1] * s[2] + i] /= by;
  }
  return scale;
}

/// Batches of lines as a pure function of (seed, epoch, batch).
class synthetic_lines : public source<line_batch> {
 public:
  explicit synthetic_lines(line_options o = {}, std::uint64_t seed = 42)
      : options_((o.check(), std::move(o))), seed_(seed) {}

  const line_options& options() const { return options_; }
  index_t size() const override { return options_.batches; }

  line_batch get(std::uint64_t epoch, index_t i) const override {
    const line_options& o = options_;
    draws d(seed_, epoch, std::uint64_t(i), "lines");
    const index_t ny = o.lengths[std::size_t(d.below(index_t(o.lengths.size())))];
    const index_t n = ny * o.oversampling, extra = n / 2 - ny / 2;
    const host_space host;
    const auto fine = make_tensor<complex<float>>(host, shape{o.lines, n, o.coils});
    line_batch b;
    b.kspace = make_tensor<complex<float>>(host, shape{o.lines, ny, o.coils});
    b.mask = make_tensor<float>(host, shape{o.lines, ny});
    std::vector<double> noise(std::size_t(o.lines));
    for (index_t l = 0; l < o.lines; ++l) {
      draws each(seed_, epoch, std::uint64_t(i * o.lines + l), "line");
      noise[std::size_t(l)] = make(each, fine.data() + l * n * o.coils, n, 2 / double(ny));
    }
    fft::fft(host, fine, fine, {1});
    host.fence();
    const float by = float(1 / std::sqrt(double(o.oversampling)));  // the image keeps its size
    for (index_t l = 0; l < o.lines; ++l) {
      draws each(seed_, epoch, std::uint64_t(i * o.lines + l), "noise");
      for (index_t y = 0; y < ny; ++y)
        for (index_t c = 0; c < o.coils; ++c) {
          const complex<float> v = fine(l, y + extra, c);
          const double sd = noise[std::size_t(l)];
          b.kspace(l, y, c) = complex<float>(float(by * v.real() + sd * each.normal()),
                                             float(by * v.imag() + sd * each.normal()));
        }
      const auto mask = draw_line_mask(each, o, ny);
      std::copy(mask.begin(), mask.end(), b.mask.data() + l * ny);
    }
    b.scale = scale_lines(b.kspace, b.mask);
    b.name = "batch " + std::to_string(i) + " of " + std::to_string(ny) + " points";
    return b;
  }

  std::string description() const override {
    std::ostringstream t;
    const line_options& o = options_;
    t << "synthetic lines, seed " << seed_ << ": " << o.batches << " x " << o.lines << ", coils "
      << o.coils << ", lengths";
    for (const index_t n : o.lengths) t << ' ' << n;
    t << ", grid " << o.oversampling << ", boxes " << o.least_boxes << '-' << o.most_boxes
      << ", bumps " << o.most_bumps << ", edges " << o.least_edge << '-' << o.most_edge
      << ", bump widths " << o.least_bump << '-' << o.most_bump << ", texture " << o.texture
      << ", body " << o.least_body << '-' << o.most_body << ", phase " << o.phase_degree << ' '
      << o.phase << ", noise " << o.noise << ", fewer " << o.fewer_coils << ", virtual "
      << o.virtual_coils << ", masks";
    for (const auto& [k, v] : o.families) t << ' ' << k << ' ' << v;
    for (const auto& [k, v] : o.rates) t << ' ' << k << ' ' << v;
    t << ", acs " << o.least_acs << '-' << o.most_acs;
    return t.str();
  }

 private:
  /// Images of all coils (y, coil) on n points; returns the deviation of the noise to be added.
  double make(draws& d, complex<float>* out, index_t n, double point) const {
    const line_options& o = options_;
    const auto m = detail::line_magnitude(d, o, n, point);
    std::vector<double> phase{d.uniform(-3.14159265358979, 3.14159265358979)};
    const index_t degree = d.below(o.phase_degree + 1);
    for (index_t k = 0; k < degree; ++k) phase.push_back(d.uniform(-o.phase, o.phase));
    const index_t active = d.chance(o.fewer_coils) ? 1 + d.below(o.coils) : o.coils;
    const double fading = d.chance(o.virtual_coils) ? d.uniform(0.1, 0.8) : 0;
    std::vector<detail::coil_profile> coils;
    for (index_t c = 0; c < active; ++c) coils.emplace_back(d);
    double most = 0;
    for (index_t y = 0; y < n; ++y) {
      const double t = (2 * double(y) + 1) / double(n) - 1;
      double p = 0, sum = 0;
      for (std::size_t k = phase.size(); k-- > 0;) p = p * t + phase[k];
      const complex<double> v(m[std::size_t(y)] * std::cos(p), m[std::size_t(y)] * std::sin(p));
      for (index_t c = 0; c < o.coils; ++c) {
        complex<double> w(0, 0);
        if (c < active) w = coils[std::size_t(c)](t) * v * std::exp(-fading * double(c));
        sum += abs2(w);
        out[y * o.coils + c] = complex<float>(float(w.real()), float(w.imag()));
      }
      most = std::max(most, sum);
    }
    return d.uniform(0, o.noise) * std::sqrt(most);
  }

  line_options options_;
  std::uint64_t seed_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
