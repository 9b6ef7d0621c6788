// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PROX_TOTAL_VARIATION_HPP
#define CARDIOMM_PROX_TOTAL_VARIATION_HPP
/// \file
/// Total variation of image series (..., frame, slice, y, x), complex:
///
///     time:   weight * sum |x_t - x_(t-1)|,
///     space:  weight * sum sqrt(|x - x_up|^2 + |x - x_left|^2)   isotropic, as BART
///             weight * sum |x - x_up| + |x - x_left|             anisotropic, as SigPy
///
/// with periodic ends (BART, SigPy) or free ones. The prox is found by its dual (Chambolle 2004),
/// u = in - s D^H w with |w| <= 1 and s = sigma * weight, by accelerated projected gradients (FGP:
/// Beck and Teboulle 2009) with restarts (O'Donoghue and Candes 2015).
///
/// In time a tile of lane-width pixels x all frames stays in registers and the first cache for all
/// inner iterations: a prox reads and writes the image once. In space hosts work on one plane at a
/// time, with five vectors of its size beside it. With `warm` the dual is kept from call to call:
/// a solver whose arguments change little then needs a few inner iterations only; such an object
/// belongs to one solver run at a time.

#include <algorithm>

#include "cardiomm/prox/concept.hpp"
#include "cardiomm/prox/total_variation_kernels.hpp"

namespace cardiomm::inline CARDIOMM_ABI::prox {

struct total_variation_options {
  bool periodic = true;     ///< the first sample follows the last; else no difference there
  bool isotropic = true;    ///< space: both differences of a pixel under one root
  int iterations = 500;     ///< most inner iterations
  double tolerance = 3e-7;  ///< a tile has arrived when a step moves it less; 0: never
  bool warm = false;        ///< starts from the dual of the last call; kept in the object
};

namespace detail {
inline void check_options(const char* name, double weight, const total_variation_options& o) {
  require(weight >= 0, name, ": weight: expected at least 0, found ", weight);
  require(o.iterations > 0, name, ": iterations: expected at least 1, found ", o.iterations);
  require(o.tolerance >= 0, name, ": tolerance: expected at least 0, found ", o.tolerance);
}

}  // namespace detail

/// weight * sum |x_t - x_(t-1)| over the frames of images (frame, slice, y, x), or (set, frame,
/// slice, y, x) with R = 5. Extents of the domain may be open; with `warm` they are fixed.
template <class T, ExecutionSpace Ex = default_space, int R = 4>
class total_variation_in_time
    : public proximal_operator<total_variation_in_time<T, Ex, R>, T, R, Ex> {
  using base = proximal_operator<total_variation_in_time, T, R, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "total_variation_in_time";
  static constexpr double accuracy = 1e-4;

  /// Throws value_error for a negative weight, or `warm` with open extents.
  explicit total_variation_in_time(double weight, const shape<R>& image = shape<R>::all_open(),
                                   const total_variation_options& options = {})
      : weight_(weight), image_(image), options_(options) {
    detail::check_options(name, weight, options);
    if (options.warm) {
      require(image.resolved(), name, ": a warm start needs the shape of the image, found ", image);
      const parts p(image);
      dual_ = zeros<T>(Ex(), shape{p.outer * blocks(p.columns) * rows::numbers(p.frames)},
                       "cardiomm::prox::dual");
    }
  }

  shape<R> domain() const { return image_; }
  double weight() const { return weight_; }
  const total_variation_options& options() const { return options_; }

  double value(const Ex& ex, in_of<base> in) const {
    const parts p(shape_of(in));
    return weight_ * detail::total(ex, static_cast<index_t>(in.size()),
                                   detail::time_variation_value<C>{in.data(), p.frames, p.columns,
                                                                   options_.periodic});
  }
  void prox(const Ex& ex, in_of<base> in, double sigma, out_of<base> out) const {
    const shape<R> s = shape_of(in);
    run(ex, s, kernel(s, in.data(), sigma, out.data()));
  }

  /// The kernel of a prox and its launch, for solvers that give it work of their own.
  detail::time_variation_kernel<T> kernel(const shape<R>& s, const C* in, double sigma,
                                          C* out) const {
    const parts p(s);
    return {in,
            out,
            options_.warm ? dual_.data() : nullptr,
            p.frames,
            p.columns,
            blocks(p.columns),
            T(sigma * weight_),
            options_.iterations,
            T(options_.tolerance),
            options_.periodic};
  }
  void run(const Ex& ex, const shape<R>& s, const detail::time_variation_kernel<T>& k) const {
    if (s.size() == 0) return;
    const parts p(s);
    launch::tiles<T>(ex, p.outer * k.blocks,
                     detail::time_variation_kernel<T>::template scratch_numbers<tile>(p.frames), k);
  }

 private:
  using tile = launch::tile_type<T, Ex>;
  using rows = fft::tile_rows<tile>;
  struct parts {
    index_t outer = 1, frames, columns;
    explicit parts(const shape<R>& s) : frames(s[R - 4]), columns(s[R - 3] * s[R - 2] * s[R - 1]) {
      static_assert(R >= 4);
      for (int i = 0; i < R - 4; ++i) outer *= s[i];
    }
  };
  static index_t blocks(index_t columns) { return (columns + tile::width - 1) / tile::width; }

  double weight_;
  shape<R> image_;
  total_variation_options options_;
  tensor<T, 1, Ex> dual_;
};

/// weight * sum of the differences between neighbouring pixels of every plane (y, x). Extents of
/// the domain may be open; with `warm` they are fixed. On hosts the planes follow each other, on
/// devices they run side by side; each stops by itself.
template <class T, ExecutionSpace Ex = default_space, int R = 4>
class total_variation_in_space
    : public proximal_operator<total_variation_in_space<T, Ex, R>, T, R, Ex> {
  using base = proximal_operator<total_variation_in_space, T, R, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "total_variation_in_space";
  static constexpr double accuracy = 1e-4;

  /// Throws value_error for a negative weight, or `warm` with open extents.
  explicit total_variation_in_space(double weight, const shape<R>& image = shape<R>::all_open(),
                                    const total_variation_options& options = {})
      : weight_(weight), image_(image), options_(options) {
    detail::check_options(name, weight, options);
    if (options.warm) {
      require(image.resolved(), name, ": a warm start needs the shape of the image, found ", image);
      dual_ = zeros<C>(Ex(), shape{2 * image.size()}, "cardiomm::prox::dual");
    }
  }

  shape<R> domain() const { return image_; }
  double weight() const { return weight_; }
  const total_variation_options& options() const { return options_; }

  double value(const Ex& ex, in_of<base> in) const {
    const shape<R> s = shape_of(in);
    return weight_ *
           detail::total(ex, s.size(),
                         detail::space_variation_value<C>{in.data(), s[R - 2], s[R - 1],
                                                          options_.periodic, options_.isotropic});
  }
  void prox(const Ex& ex, in_of<base> in, double sigma, out_of<base> out) const {
    const shape<R> s = shape_of(in);
    if (s.size() == 0) return;
    const index_t pixels = s[R - 2] * s[R - 1], planes = s.size() / pixels;
    const index_t together = launch::on_host<Ex> ? 1 : planes;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const index_t numbers = together * pixels;
    C* x = scratch.template take<C>(numbers);
    C* v = scratch.template take<C>(2 * numbers);
    C* w = options_.warm ? nullptr : scratch.template take<C>(2 * numbers);
    const state st{scratch.template take<complex<double>>(together),
                   scratch.template take<double>(together),
                   scratch.template take<detail::space_progress>(together)};
    for (index_t p = 0; p < planes; p += together) {
      C* dual = options_.warm ? dual_.data() + p * 2 * pixels : w;
      solve(ex, s, in.data() + p * pixels, T(sigma * weight_), out.data() + p * pixels, x, v, dual,
            together, st);
    }
  }

 private:
  static constexpr int check = 8;  ///< inner iterations between looks at the progress
  struct state {
    complex<double>* sums;
    double* squares;
    detail::space_progress* progress;
  };

  void solve(const Ex& ex, const shape<R>& s, const C* in, T size, C* out, C* x, C* v, C* w,
             index_t planes, const state& st) const {
    const index_t ny = s[R - 2], nx = s[R - 1], numbers = planes * ny * nx;
    launch::segments(ex, 2 * numbers, detail::space_begin<C>{v, w, options_.warm});
    if (size > T(0)) {
      blas1::norm2(ex, planes, borrow(ex, in, shape{numbers}), st.squares);
      launch::segments(ex, planes,
                       detail::space_start{st.progress, st.squares, options_.tolerance});
      for (int k = 1; k <= options_.iterations; ++k) {
        launch::rows(ex, planes * ny, nx,
                     detail::space_image_kernel<T>{in, v, x, st.progress, ny, nx, size});
        launch::sums(
            ex, planes, ny * nx,
            detail::space_dual_kernel<T, lane<T, Ex>>{x, v, w, st.progress, ny, nx, T(0.125) / size,
                                                      options_.periodic, options_.isotropic},
            st.sums);
        launch::segments(ex, planes,
                         detail::space_advance{st.progress, st.sums,
                                               8 * double(size) * double(size), k % check == 0});
      }
    }
    // out may be in, of which every pixel is read where it is written
    launch::rows(ex, planes * ny, nx,
                 detail::space_image_kernel<T>{in, w, out, nullptr, ny, nx, size});
  }

  double weight_;
  shape<R> image_;
  total_variation_options options_;
  tensor<C, 1, Ex> dual_;
};

template <class T, ExecutionSpace Ex>
struct specimen<total_variation_in_time<T, Ex>> {
  static auto make(const Ex&, size_class s, std::uint64_t) {
    return total_variation_in_time<T, Ex>(0.4, shape<4>::all_open(),
                                          {.periodic = s != size_class::odd});
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<total_variation_in_space<T, Ex>> {
  static auto make(const Ex&, size_class s, std::uint64_t) {
    return total_variation_in_space<T, Ex>(
        0.3, shape<4>::all_open(),
        {.periodic = s != size_class::odd, .isotropic = s != size_class::wide});
  }
  static shape<4> domain(size_class s) { return specimen_image(s); }
};
template <class T, ExecutionSpace Ex>
using total_variation_specimens =
    type_list<total_variation_in_time<T, Ex>, total_variation_in_space<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::prox

#endif
