// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_NUFFT_PLAN_HPP
#define CARDIOMM_LINOP_NUFFT_PLAN_HPP
/// \file
/// Preparation of a non-uniform Fourier transform on the host: the Kaiser-Bessel kernel as
/// polynomials, the correction of its roll-off, and the samples sorted by tiles of the grid.
///
/// Sources: Jackson et al., IEEE TMI 10 (1991); Beatty, Nishimura and Pauly, IEEE TMI 24 (2005) for
/// the kernel's parameter; Barnett, Magland and af Klinteberg, SIAM J Sci Comput 41 (2019) for the
/// polynomials by tap and for the order of the samples.

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "cardiomm/linop/nufft_kernels.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// How a non-uniform Fourier transform is approximated.
struct nufft_options {
  double tolerance = 0;     ///< relative error wanted; 0: 1e-6 in float, 1e-10 in double
  double oversampling = 2;  ///< of the grid, at least 1.25
};

namespace detail {

/// Modified Bessel function of order 0, by its series (all terms are positive).
inline double bessel_i0(double x) {
  double term = 1, sum = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= x * x / (4.0 * k * k);
    sum += term;
  }
  return sum;
}

/// Kaiser-Bessel window of `width` grid points, 1 in the middle.
struct kaiser_bessel {
  int width;
  double beta;

  kaiser_bessel(int w, double oversampling) : width(w) {
    const double part = w * (1 - 0.5 / oversampling);
    beta = M_PI * std::sqrt(std::max(part * part - 0.8, 0.1));
  }
  double operator()(double x) const {
    const double s = 1 - 4 * x * x / (double(width) * width);
    return bessel_i0(beta * std::sqrt(std::max(s, 0.0))) / bessel_i0(beta);
  }
  /// Its Fourier transform at `f` cycles per grid point.
  double transform(double f) const {
    const double s = beta * beta - M_PI * M_PI * f * f * width * width;
    const double root = std::sqrt(std::fabs(s));
    const double shape = root < 1e-9 ? 1.0 : (s > 0 ? std::sinh(root) : std::sin(root)) / root;
    return width * shape / bessel_i0(beta);
  }
  /// Polynomials (power, tap), highest power first, in t from -1 to 1: the kernel at tap j is
  /// operator()((t + 1) / 2 + j - width / 2). The lowest degree with errors below `error`.
  std::vector<double> polynomials(double error) const {
    for (int degree = 3;; ++degree) {
      const int n = degree + 1;
      std::vector<double> all(static_cast<std::size_t>(n * width));
      double worst = 0;
      for (int j = 0; j < width; ++j) {
        const auto value = [&](double t) { return (*this)((t + 1) / 2 + j - width / 2.0); };
        std::vector<double> node(static_cast<std::size_t>(n)), power(node);
        for (int i = 0; i < n; ++i)
          node[static_cast<std::size_t>(i)] = value(std::cos(M_PI * (i + 0.5) / n));
        // Chebyshev series, then T_d as a polynomial by its recurrence.
        std::vector<double> before(node.size()), now(node.size());
        now[0] = 1;
        for (int d = 0; d < n; ++d) {
          double c = 0;
          for (int i = 0; i < n; ++i)
            c += node[static_cast<std::size_t>(i)] * std::cos(M_PI * d * (i + 0.5) / n);
          c *= (d == 0 ? 1.0 : 2.0) / n;
          for (std::size_t k = 0; k < now.size(); ++k) power[k] += c * now[k];
          std::vector<double> next(now.size());
          for (std::size_t k = 0; k < now.size(); ++k)
            next[k] = (k > 0 ? (d == 0 ? 1 : 2) * now[k - 1] : 0.0) - (d == 0 ? 0.0 : before[k]);
          before = now;
          now = next;
        }
        for (int i = 0; i <= 64; ++i) {
          const double t = -1 + i / 32.0;
          double y = 0;
          for (int k = n - 1; k >= 0; --k) y = y * t + power[static_cast<std::size_t>(k)];
          worst = std::max(worst, std::fabs(y - value(t)));
        }
        for (int k = 0; k < n; ++k)
          all[static_cast<std::size_t>((n - 1 - k) * width + j)] =
              power[static_cast<std::size_t>(k)];
      }
      if (worst <= error || degree == 24) return all;
    }
  }
};

/// Widths with compiled kernels.
inline constexpr std::array<int, 5> nufft_widths = {4, 6, 8, 12, 16};

/// Calls f with a width as a constant.
template <class F>
void with_nufft_width(int width, const F& f) {
  switch (width) {
    case 4:
      return f(std::integral_constant<int, 4>{});
    case 6:
      return f(std::integral_constant<int, 6>{});
    case 8:
      return f(std::integral_constant<int, 8>{});
    case 12:
      return f(std::integral_constant<int, 12>{});
    default:
      return f(std::integral_constant<int, 16>{});
  }
}

/// Smallest even length of at least n with no prime factor above 5.
inline index_t nufft_length(index_t n) {
  for (n += n % 2;; n += 2) {
    index_t rest = n;
    for (const int p : {2, 3, 5})
      while (rest % p == 0) rest /= p;
    if (rest == 1) return n;
  }
}

/// Everything but the data.
template <class T, ExecutionSpace Ex>
class nufft_plan {
 public:
  /// \param trajectory  (frame or 1, spoke, sample, (kx, ky)), cycles per field of view
  nufft_plan(const Ex& ex, const host_tensor<double, 4>& trajectory, const shape<2>& image,
             const nufft_options& options)
      : trajectory_(trajectory), image_(image), options_(options) {
    const shape<4> s = shape_of(trajectory);
    require<shape_error>(s[3] == 2 && s.size() > 0,
                         "nufft: trajectory: expected (frame or 1, spoke, sample, 2), found ", s);
    require<shape_error>(image[0] > 0 && image[1] > 0,
                         "nufft: image: expected positive extents (y, x), found ", image);
    require(options.oversampling >= 1.25 && options.oversampling <= 8,
            "nufft: oversampling: expected 1.25 to 8, found ", options.oversampling);
    require(options.tolerance >= 0 && options.tolerance < 1,
            "nufft: tolerance: expected a number in [0, 1), found ", options.tolerance);
    constexpr bool single = std::is_same_v<T, float>;
    double wanted = options.tolerance > 0 ? options.tolerance : single ? 1e-6 : 1e-10;
    wanted = std::max(wanted, single ? 1e-7 : 5e-15);  // rounding is larger than what lies below
    const double decay = M_PI * std::sqrt(1 - 1 / options.oversampling);
    const double needed = -std::log(wanted) / decay + (options.oversampling < 2 ? 2 : 1);
    require(needed <= nufft_widths.back(), "nufft: tolerance: expected one that ",
            nufft_widths.back(), " grid points reach with oversampling ", options.oversampling,
            ", found ", wanted);
    width_ = nufft_widths.back();
    for (auto w = nufft_widths.rbegin(); w != nufft_widths.rend(); ++w)
      if (*w >= needed) width_ = *w;
    for (int d = 0; d < 2; ++d)
      grid_[d] = nufft_length(std::max<index_t>(
          static_cast<index_t>(std::ceil(options.oversampling * double(image[d]) - 1e-9)),
          2 * width_));
    along_y_ = std::make_shared<fft::line<T, Ex>>(ex, grid_[0]);
    along_x_ = std::make_shared<fft::line<T, Ex>>(ex, grid_[1]);
    const kaiser_bessel kernel(width_, options.oversampling);
    const std::vector<double> taps = kernel.polynomials(std::max(wanted / 300, 2e-16));
    points_.powers = static_cast<int>(taps.size()) / width_;
    std::vector<T> numbers(taps.begin(), taps.end());
    for (int d = 0; d < 2; ++d)
      for (index_t i = 0; i < image[d]; ++i)
        numbers.push_back(
            static_cast<T>(1 / std::sqrt(double(image[d])) /
                           kernel.transform(double(i - image[d] / 2) / double(grid_[d]))));
    numbers_ = upload(ex, numbers);
    sort(ex);
  }

  /// Kernels' view of it, without data. Valid as long as the plan lives.
  nufft_geometry<T> geometry() const {
    nufft_geometry<T> g{};
    g.along_y = along_y_->stages();
    g.along_x = along_x_->stages();
    g.factor_y = numbers_.data() + points_.powers * width_;
    g.factor_x = g.factor_y + image_[0];
    g.ny = image_[0];
    g.nx = image_[1];
    g.rows = grid_[0];
    g.cols = grid_[1];
    return g;
  }
  nufft_points<T> points() const { return points_; }
  const shape<2>& image() const { return image_; }
  const shape<2>& grid() const { return grid_; }
  int width() const { return width_; }
  const nufft_options& options() const { return options_; }
  const host_tensor<double, 4>& trajectory() const { return trajectory_; }
  const fft::line<T, Ex>& along_y() const { return *along_y_; }
  const fft::line<T, Ex>& along_x() const { return *along_x_; }

 private:
  void sort(const Ex& ex) {
    const shape<4> s = shape_of(trajectory_);
    const index_t count = s[1] * s[2];
    require<shape_error>(count < (index_t(1) << 31), "nufft: trajectory: expected less than 2^31 ",
                         "samples a frame, found ", s);
    for (int d = 0; d < 2; ++d)
      points_.tiles[d] = 2 * std::max<index_t>(1, grid_[d] / (2 * std::max(width_, 16)));
    const index_t tiles = points_.tiles.size();
    std::vector<nufft_point<T>> sorted(static_cast<std::size_t>(s[0] * count));
    std::vector<std::int32_t> begin;
    std::vector<nufft_point<T>> found(static_cast<std::size_t>(count));
    std::vector<std::int32_t> tile(static_cast<std::size_t>(count)), next;
    for (index_t f = 0; f < s[0]; ++f) {
      next.assign(static_cast<std::size_t>(tiles + 1), 0);
      for (index_t i = 0; i < count; ++i) {
        const double* k = trajectory_.data() + (f * count + i) * 2;
        require(std::isfinite(k[0]) && std::isfinite(k[1]),
                "nufft: trajectory: expected finite numbers, found (", k[0], ", ", k[1],
                ") at frame ", f, ", sample ", i);
        std::int32_t start[2];
        T far[2];
        index_t at[2];
        for (int d = 0; d < 2; ++d) {  // y, x
          const double n = double(grid_[d]);
          double u = k[1 - d] / double(image_[d]) + 0.5;
          u = (u - std::floor(u)) * n;
          const double low = u - width_ / 2.0, first = std::ceil(low);
          start[d] = static_cast<std::int32_t>(first);
          far[d] = static_cast<T>(first - low);
          at[d] = tile_of(wrapped(start[d], grid_[d]), d);
        }
        found[static_cast<std::size_t>(i)] = {far[1], far[0], start[1], start[0],
                                              static_cast<std::int32_t>(i)};
        tile[static_cast<std::size_t>(i)] =
            static_cast<std::int32_t>(at[0] * points_.tiles[1] + at[1]);
        ++next[static_cast<std::size_t>(tile[static_cast<std::size_t>(i)]) + 1];
      }
      for (std::size_t t = 1; t < next.size(); ++t) next[t] += next[t - 1];
      begin.insert(begin.end(), next.begin(), next.end());
      for (index_t i = 0; i < count; ++i) {
        auto& place = next[static_cast<std::size_t>(tile[static_cast<std::size_t>(i)])];
        sorted[static_cast<std::size_t>(f * count + place++)] = found[static_cast<std::size_t>(i)];
      }
    }
    sorted_ = upload(ex, sorted);
    begin_ = upload(ex, begin);
    points_.point = sorted_.data();
    points_.begin = begin_.data();
    points_.taps = numbers_.data();
    points_.frames = s[0];
    points_.count = count;
  }
  /// Tile of a grid index: tile t begins at t n / tiles, rounded down.
  index_t tile_of(index_t i, int d) const {
    const index_t n = grid_[d], tiles = points_.tiles[d];
    index_t t = i * tiles / n;
    while (t + 1 < tiles && (t + 1) * n / tiles <= i) ++t;
    return t;
  }

  host_tensor<double, 4> trajectory_;
  shape<2> image_, grid_{};
  nufft_options options_;
  int width_ = 0;
  nufft_points<T> points_{};
  std::shared_ptr<const fft::line<T, Ex>> along_y_, along_x_;
  tensor<T, 1, Ex> numbers_;
  tensor<nufft_point<T>, 1, Ex> sorted_;
  tensor<std::int32_t, 1, Ex> begin_;
};

}  // namespace detail
}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
