// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_MOTION_HPP
#define CARDIOMM_LINOP_MOTION_HPP
/// \file
/// Known motion: every pixel p = (y, x) of a frame takes the value of the image at p + u(p), by
/// bilinear interpolation between pixels and zeros outside.
///
///     linop::motion<float> moves(linop::rigid_motion<float>(208, 256, poses));
///     auto frames = moves * reference;                // one image to all frames
///     auto moved = moves * series;                    // or frame by frame
///
/// An operator made from F displacements maps F frames to F frames, or one image to F frames
/// (`motion_of::reference`). The adjoint is exact: every pixel gathers, from lists that are made
/// when the operator is, what the interpolation took from it.

#include <cmath>
#include <vector>

#include "cardiomm/core/random.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// A rigid motion of a plane: the image turned by `angle` (radian, from the y axis towards the x
/// axis) about pixel (ny/2, nx/2), then moved by (y, x) pixels.
struct pose {
  double angle = 0, y = 0, x = 0;
};

/// Displacements (frame, 1, ny, nx, 2) in pixels, (y, x) last, of which frame f shows the image in
/// pose f: pixel p shows what was at R^-1 (p - t - c) + c.
template <class T>
host_tensor<T, 5> rigid_motion(index_t ny, index_t nx, const std::vector<pose>& poses) {
  const index_t frames = static_cast<index_t>(poses.size());
  auto u = make_tensor<T>(host_space(), shape<5>{{frames, 1, ny, nx, 2}}, "cardiomm::motion");
  const double cy = static_cast<double>(ny / 2), cx = static_cast<double>(nx / 2);
  for (index_t f = 0; f < frames; ++f) {
    const pose& at = poses[static_cast<std::size_t>(f)];
    require(std::isfinite(at.angle) && std::isfinite(at.y) && std::isfinite(at.x),
            "rigid_motion: pose ", f, ": expected finite numbers, found ", at.angle, ", ", at.y,
            ", ", at.x);
    const double c = std::cos(at.angle), s = std::sin(at.angle);
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        const double py = static_cast<double>(y) - at.y - cy;
        const double px = static_cast<double>(x) - at.x - cx;
        u(f, 0, y, x, 0) = static_cast<T>(c * py + s * px + cy - static_cast<double>(y));
        u(f, 0, y, x, 1) = static_cast<T>(c * px - s * py + cx - static_cast<double>(x));
      }
  }
  return u;
}

/// What a motion moves: a series frame by frame, or one reference image to all frames.
enum class motion_of { series, reference };

namespace detail {

/// The four neighbours of a point: the one at (y, x) and the weights along both axes.
template <class T>
struct bilinear {
  index_t y, x;
  T wy, wx;  // of the neighbours at y + 1, x + 1

  KOKKOS_FORCEINLINE_FUNCTION bilinear(index_t py, index_t px, T uy, T ux, index_t ny, index_t nx) {
    // The whole pixels are taken off the displacement alone: p + u would lose digits of it. Points
    // far outside stay outside.
    const T by = uy < T(-2 * ny) ? T(-2 * ny) : uy > T(2 * ny) ? T(2 * ny) : uy;
    const T bx = ux < T(-2 * nx) ? T(-2 * nx) : ux > T(2 * nx) ? T(2 * nx) : ux;
    const T fy = math::floor(by), fx = math::floor(bx);
    y = py + static_cast<index_t>(fy);
    x = px + static_cast<index_t>(fx);
    wy = by - fy;
    wx = bx - fx;
  }
  KOKKOS_FORCEINLINE_FUNCTION T weight(int dy, int dx) const {
    return (dy ? wy : 1 - wy) * (dx ? wx : 1 - wx);
  }
};

template <class T>
struct motion_kernel {
  static constexpr const char* name = "cardiomm::linop::motion";
  using C = complex<T>;
  const C* in;
  C* out;
  const T* field;
  index_t slices, field_slices, ny, nx;
  bool broadcast;  // one image to all frames
  accumulation<C> acc;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % ny, plane = row / ny, slice = plane % slices, frame = plane / slices;
    const C* from = in + (broadcast ? slice : plane) * ny * nx;
    const T* u =
        field + ((frame * field_slices + (field_slices > 1 ? slice : 0)) * ny + y) * nx * 2;
    for (index_t x = first; x < last; ++x) {
      const bilinear<T> at(y, x, u[2 * x], u[2 * x + 1], ny, nx);
      T re = 0, im = 0;
      for (int dy = 0; dy < 2; ++dy)
        for (int dx = 0; dx < 2; ++dx) {
          const index_t ty = at.y + dy, tx = at.x + dx;
          if (ty < 0 || ty >= ny || tx < 0 || tx >= nx) continue;
          const C v = from[ty * nx + tx];
          const T w = at.weight(dy, dx);
          re += w * v.real();
          im += w * v.imag();
        }
      acc.put(out[row * nx + x], C(re, im));
    }
  }
};

/// Pixel by pixel, the sum of what the lists name: of its own frame, or of all frames.
template <class T>
struct motion_adjoint_kernel {
  static constexpr const char* name = "cardiomm::linop::motion_adjoint";
  using C = complex<T>;
  const C* in;
  C* out;
  const index_t* start;  // (frame, field slice, pixel), one more
  const int* source;     // pixel that took from this one
  const T* weight;
  index_t frames, slices, field_slices, ny, nx;
  bool broadcast;
  accumulation<C> acc;

  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t y = row % ny, plane = row / ny, slice = plane % slices, size = ny * nx;
    const index_t begin = broadcast ? 0 : plane / slices, end = broadcast ? frames : begin + 1;
    const index_t field_slice = field_slices > 1 ? slice : 0;
    for (index_t x = first; x < last; ++x) {
      T re = 0, im = 0;
      for (index_t f = begin; f < end; ++f) {
        const index_t at = (f * field_slices + field_slice) * size + y * nx + x;
        const C* from = in + (f * slices + slice) * size;
        for (index_t l = start[at]; l < start[at + 1]; ++l) {
          re += weight[l] * from[source[l]].real();
          im += weight[l] * from[source[l]].imag();
        }
      }
      acc.put(out[row * nx + x], C(re, im));
    }
  }
};

}  // namespace detail

/// Images (frame, slice, y, x), moved.
template <class T, ExecutionSpace Ex = default_space>
class motion : public linear_operator<motion<T, Ex>, T, 4, 4, Ex> {
  using base = linear_operator<motion<T, Ex>, T, 4, 4, Ex>;
  using C = complex<T>;

 public:
  static constexpr const char* name = "motion";

  /// Displacements (frame, slice or 1, y, x, 2) in pixels, (y, x) last. Throws shape_error if the
  /// last extent is not 2 or the field is empty, value_error if a number is not finite.
  explicit motion(const host_tensor<T, 5>& displacements, motion_of what = motion_of::series)
      : what_(what) {
    const shape<5> s = shape_of(displacements);
    require<shape_error>(s.size() > 0 && s[4] == 2,
                         "motion: expected displacements (frame, slice, y, x, 2), found ", s);
    require(s[2] * s[3] < index_t(1) << 31,
            "motion: expected planes of less than 2^31 pixels, found ", s[2] * s[3]);
    for (std::size_t i = 0; i < displacements.size(); ++i)
      require(std::isfinite(displacements.data()[i]),
              "motion: expected finite displacements, found ", displacements.data()[i]);
    const Ex ex;
    auto own = make_tensor<T>(ex, s, "cardiomm::motion");
    Kokkos::deep_copy(own, displacements);
    field_ = own;
    make_lists(displacements);
  }

  void unify(shape<4>& d, shape<4>& r) const {
    const shape<5> s = shape_of(field_);
    const index_t slices = s[1] > 1 ? s[1] : open;
    shape<4> to{{s[0], slices, s[2], s[3]}};
    shape<4> from{{what_ == motion_of::reference ? 1 : s[0], slices, s[2], s[3]}};
    merge(from, d, "motion: image");
    merge(to, r, "motion: frames");
    merge(d[1], r[1], name, "slices");
  }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    const shape<4> s = shape_of(y);
    launch::rows(
        ex, s[0] * s[1] * s[2], s[3],
        detail::motion_kernel<T>{x.data(), y.data(), field_.data(), s[1], index_t(field_.extent(1)),
                                 s[2], s[3], what_ == motion_of::reference, acc});
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    const shape<4> s = shape_of(x);
    launch::rows(ex, s[0] * s[1] * s[2], s[3],
                 detail::motion_adjoint_kernel<T>{y.data(), x.data(), start_.data(), source_.data(),
                                                  weight_.data(), index_t(field_.extent(0)), s[1],
                                                  index_t(field_.extent(1)), s[2], s[3],
                                                  what_ == motion_of::reference, acc});
  }
  const void* id() const { return field_.data(); }
  /// Displacements (frame, slice or 1, y, x, 2).
  const tensor<T, 5, Ex>& displacements() const { return field_; }

 private:
  /// The transposed interpolation by counting sort, planes one after the other.
  void make_lists(const host_tensor<T, 5>& u) {
    const shape<5> s = shape_of(u);
    const index_t ny = s[2], nx = s[3], pixels = ny * nx, planes = s[0] * s[1];
    auto start = zeros<index_t>(host_space(), shape{planes * pixels + 1}, "cardiomm::motion");
    host_space().fence();
    const auto each = [&](const auto& f) {
      for (index_t p = 0; p < planes; ++p)
        for (index_t i = 0; i < pixels; ++i) {
          const T* at = u.data() + (p * pixels + i) * 2;
          const detail::bilinear<T> b(i / nx, i % nx, at[0], at[1], ny, nx);
          for (int dy = 0; dy < 2; ++dy)
            for (int dx = 0; dx < 2; ++dx) {
              const index_t y = b.y + dy, x = b.x + dx;
              const T w = b.weight(dy, dx);
              if (y >= 0 && y < ny && x >= 0 && x < nx && w != 0) f(p * pixels + y * nx + x, i, w);
            }
        }
    };
    each([&](index_t target, index_t, T) { ++start(target + 1); });
    for (index_t i = 0; i < planes * pixels; ++i) start(i + 1) += start(i);
    const index_t total = start(planes * pixels);
    auto source = make_tensor<int>(host_space(), shape{total}, "cardiomm::motion");
    auto weight = make_tensor<T>(host_space(), shape{total}, "cardiomm::motion");
    std::vector<index_t> next(start.data(), start.data() + planes * pixels);
    each([&](index_t target, index_t from, T w) {
      const index_t at = next[static_cast<std::size_t>(target)]++;
      source(at) = static_cast<int>(from);
      weight(at) = w;
    });
    const Ex ex;
    start_ = to_space(ex, start);
    source_ = to_space(ex, source);
    weight_ = to_space(ex, weight);
  }

  motion_of what_;
  tensor<T, 5, Ex> field_;
  tensor<index_t, 1, Ex> start_;
  tensor<int, 1, Ex> source_;
  tensor<T, 1, Ex> weight_;
};

template <class T, ExecutionSpace Ex>
struct specimen<motion<T, Ex>> {
  static motion<T, Ex> make(const Ex&, size_class s, std::uint64_t seed) {
    const shape<4> d = specimen_image(s);
    if (s == size_class::wide || s == size_class::tiny) {
      std::vector<pose> poses;
      for (index_t f = 0; f < d[0]; ++f) poses.push_back({0.3 * double(f + 1), 1.25, -0.5});
      return motion<T, Ex>(rigid_motion<T>(d[2], d[3], poses),
                           s == size_class::tiny ? motion_of::reference : motion_of::series);
    }
    auto u = make_tensor<T>(host_space(), shape<5>{{d[0], d[1], d[2], d[3], 2}});
    random::fill_normal(host_space(), u, seed);
    return motion<T, Ex>(u);
  }
  static shape<4> domain(size_class s) {
    shape<4> d = specimen_image(s);
    if (s == size_class::tiny) d[0] = 1;
    return d;
  }
};
template <class T, ExecutionSpace Ex>
using motion_specimens = type_list<motion<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
