// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_MASK_MIXTURE_HPP
#define CARDIOMM_TRAIN_MASK_MIXTURE_HPP
/// \file
/// The masks of training: a random family and acceleration for every sample, as CardioMM was
/// trained (arXiv 2512.21652; the fastMRI masks with two families more). They are not those of
/// mri/mask.hpp, with which test sets are made: random lines are independent of each other, the
/// centre begins one line later where ny - acs is odd, spokes have a line less.

#include <map>
#include <sstream>
#include <string>

#include "cardiomm/core/tensor.hpp"
#include "cardiomm/mri/mask.hpp"
#include "cardiomm/train/draws.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// What is drawn from. The weights need not add up to 1. The defaults are the released recipe
/// (`random_equispaced_radial_fixed`).
struct mask_mixture_options {
  /// uniform: lines 0, R, 2R ...; random: every line with probability 1 / R; radial:
  /// floor(180 / (0.6 R)) spokes from a random angle; gaussian: round(ny / R) lines, denser at the
  /// centre, as in the published test sets. The network is told "random" for gaussian.
  std::map<std::string, double> families{{"uniform", 1}, {"random", 1}, {"radial", 1}};
  std::map<index_t, double> accelerations{{4, 1}, {8, 1}, {16, 1}, {24, 1}};
  std::map<index_t, double> acs{{20, 1}};  ///< central lines; a square for radial
  bool random_offset = false;              ///< of the first uniform line, instead of 0
};

/// A mask and what it is.
struct drawn_mask {
  host_tensor<std::uint8_t, 2> mask;  ///< (y, x), 0 or 1
  index_t acceleration = 1;           ///< nominal; does not count the centre
  std::string family;                 ///< as in the options
  index_t acs = 0;
};

namespace detail {

/// Draws the spokes of training into (y, x). The rotated image is square, its rows run along the
/// readout and its columns along the phase encode, its only line is row side / 2. What SciPy's
/// `rotate` gives with nearest neighbours, pixel by pixel: the products are rounded before they are
/// added (hence fma with 0, which no compiler contracts), those of the offset are not.
struct training_spokes {
  std::uint8_t* mask;
  index_t ny, nx, side;

  void add(double degrees) const {
    const double quarter = std::floor(degrees / 90 + 0.5);
    const double angle = (degrees - 90 * quarter) * (3.14159265358979323846 / 180);
    double cosine = std::cos(angle), sine = std::sin(angle);
    for (index_t q = ((static_cast<index_t>(quarter) % 4) + 4) % 4; q > 0; --q) {
      const double c = cosine;
      cosine = -sine;
      sine = c;
    }
    const double c = static_cast<double>(side - 1) / 2, most = static_cast<double>(side - 1);
    const double row0 = c - std::fma(cosine, c, sine * c);
    const double col0 = c - std::fma(-sine, c, cosine * c);
    const double line = static_cast<double>(side / 2);
    const auto pixel = [&](index_t i, index_t j) {  // row, column of the rotated image
      const index_t x = i - (side - nx) / 2, y = j - (side - ny) / 2;
      if (x < 0 || x >= nx || y < 0 || y >= ny) return;
      const double v = static_cast<double>(i), u = static_cast<double>(j);
      const double row = (row0 + std::fma(cosine, v, 0.0)) + std::fma(sine, u, 0.0);
      if (row < 0 || row > most || std::floor(row + 0.5) != line) return;
      const double col = (col0 + std::fma(-sine, v, 0.0)) + std::fma(cosine, u, 0.0);
      if (col >= 0 && col <= most) mask[y * nx + x] = 1;
    };
    // Walk along the spoke; the condition on the row leaves at most two pixels across.
    const bool columns = std::abs(cosine) >= std::abs(sine);
    const double at = line - c;
    for (index_t k = 0; k < side; ++k) {
      const double w = static_cast<double>(k) - c;
      const double across = columns ? (at - sine * w) / cosine : (at - cosine * w) / sine;
      const double guess = std::floor(across + c);
      if (!(guess >= -4 && guess <= most + 4)) continue;
      for (index_t j = static_cast<index_t>(guess) - 1; j <= static_cast<index_t>(guess) + 2; ++j)
        columns ? pixel(j, k) : pixel(k, j);
    }
  }
};

}  // namespace detail

/// The spokes of training into a mask (y, x): `start` is the number 1 to 30 that the first angle
/// 137.5 (start - 1) belongs to, `acceleration` the nominal one.
inline void add_training_spokes(const host_tensor<std::uint8_t, 2>& mask, index_t acceleration,
                                index_t start) {
  const shape<2> s = shape_of(mask);
  const index_t beams = mri::radial_beams(0.6 * static_cast<double>(acceleration));
  const detail::training_spokes painter{mask.data(), s[0], s[1], std::max(s[0], s[1])};
  const double first = 137.5 * static_cast<double>(start - 1);
  const double nominal = 180.0 / static_cast<double>(beams), step = (first + nominal) - first;
  const auto count = static_cast<index_t>(std::ceil(((first + 180) - first) / nominal));
  for (index_t k = 0; k < count; ++k) painter.add(first + static_cast<double>(k) * step);
}

/// Masks as a pure function of (seed, epoch, sample).
///
///     const train::mask_mixture masks({}, 42);
///     const train::drawn_mask m = masks.draw(epoch, i, ny, nx);
class mask_mixture {
 public:
  using options = mask_mixture_options;

  /// Throws value_error for unknown families, weights that are negative or all zero, accelerations
  /// below 1 (or above 300 where there are spokes).
  explicit mask_mixture(options o = {}, std::uint64_t seed = 42)
      : options_(std::move(o)), seed_(seed) {
    families_.read(options_.families, "families");
    accelerations_.read(options_.accelerations, "accelerations");
    acs_.read(options_.acs, "acs");
    for (const std::string& f : families_.values)
      require(f == "uniform" || f == "random" || f == "radial" || f == "gaussian",
              "masks.families: expected uniform, random, radial or gaussian, found '", f, "'");
    const bool spokes = options_.families.count("radial") && options_.families.at("radial") > 0;
    for (const index_t r : accelerations_.values)
      require(r >= 1 && r <= (spokes ? 300 : 1000000),
              "masks.accelerations: expected numbers from 1 to ", spokes ? 300 : 1000000,
              ", found ", r);
    for (const index_t n : acs_.values)
      require(n >= 0, "masks.acs: expected numbers of at least 0, found ", n);
  }

  const options& chosen() const { return options_; }
  std::uint64_t seed() const { return seed_; }

  /// The mask of a sample of ny phase encodes and nx readout samples. Throws value_error where the
  /// centre does not fit, or the mask is empty.
  drawn_mask draw(std::uint64_t epoch, index_t i, index_t ny, index_t nx) const {
    draws d(seed_, epoch, static_cast<std::uint64_t>(i), "mask");
    const index_t acs = acs_.draw(d), acceleration = accelerations_.draw(d);
    const std::string& family = families_.draw(d);
    return make(family, acceleration, acs, ny, nx, d);
  }

  /// A mask of a family; what is random in it comes from `d`.
  drawn_mask make(const std::string& family, index_t acceleration, index_t acs, index_t ny,
                  index_t nx, draws& d) const {
    const bool radial = family == "radial";
    require(acs <= ny && (!radial || acs <= nx), "masks: acs: expected at most ",
            radial ? std::min(ny, nx) : ny, " for the matrix ", ny, " x ", nx, ", found ", acs);
    drawn_mask m{make_tensor<std::uint8_t>(host_space{}, shape{ny, nx}, "cardiomm::train::mask"),
                 acceleration, family, acs};
    std::fill_n(m.mask.data(), m.mask.size(), std::uint8_t(0));
    const index_t y0 = (ny - acs + 1) / 2, x0 = (nx - acs + 1) / 2;
    if (radial) {
      add_training_spokes(m.mask, acceleration, 1 + d.below(30));
      for (index_t y = y0; y < y0 + acs; ++y)
        std::fill_n(m.mask.data() + y * nx + x0, acs, std::uint8_t(1));
      return m;
    }
    std::vector<char> lines(static_cast<std::size_t>(ny), 0);
    if (family == "uniform") {
      const index_t first = options_.random_offset ? d.below(std::min(acceleration, ny)) : 0;
      for (index_t y = first; y < ny; y += acceleration) lines[static_cast<std::size_t>(y)] = 1;
    } else if (family == "random") {
      do
        for (char& line : lines) line = d.unit() < 1 / static_cast<double>(acceleration);
      while (acs == 0 && std::count(lines.begin(), lines.end(), 1) == 0);
    } else {
      for (const index_t y : mri::gaussian_lines(ny, static_cast<double>(acceleration), 0.2,
                                                 static_cast<std::uint64_t>(d.bits())))
        lines[static_cast<std::size_t>(y)] = 1;
    }
    for (index_t y = y0; y < y0 + acs; ++y) lines[static_cast<std::size_t>(y)] = 1;
    index_t sampled = 0;
    for (index_t y = 0; y < ny; ++y)
      if (lines[static_cast<std::size_t>(y)]) {
        std::fill_n(m.mask.data() + y * nx, nx, std::uint8_t(1));
        ++sampled;
      }
    require(sampled > 0, "masks: ", family, " ", acceleration, "x leaves none of ", ny,
            " lines and there are no centre lines: the mask is empty");
    return m;
  }

  /// One line; equal lines, equal masks.
  std::string description() const {
    std::ostringstream out;
    out << "masks";
    for (const auto& [f, w] : options_.families) out << ' ' << f << ':' << w;
    for (const auto& [r, w] : options_.accelerations) out << ' ' << r << "x:" << w;
    for (const auto& [n, w] : options_.acs) out << " acs" << n << ':' << w;
    out << (options_.random_offset ? " offset" : "") << " seed " << seed_;
    return out.str();
  }

 private:
  template <class K>
  struct choice {
    std::vector<K> values;
    std::vector<double> weights;
    void read(const std::map<K, double>& all, const char* what) {
      double total = 0;
      for (const auto& [value, weight] : all) {
        require(weight >= 0 && std::isfinite(weight), "masks.", what, ": weight of ", value,
                ": expected a finite number of at least 0, found ", weight);
        values.push_back(value);
        weights.push_back(weight);
        total += weight;
      }
      require(total > 0, "masks.", what, ": expected a weight above 0, found none");
    }
    const K& draw(draws& d) const { return values[d.weighted(weights)]; }
  };

  options options_;
  std::uint64_t seed_;
  choice<std::string> families_;
  choice<index_t> accelerations_, acs_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
