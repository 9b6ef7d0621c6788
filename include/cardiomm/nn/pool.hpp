// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_POOL_HPP
#define CARDIOMM_NN_POOL_HPP
/// \file
/// Average and maximum over windows, and the average over all pixels, of features (item,
/// spatial..., channel) with one to three spatial axes. Along an axis of n pixels, with kernel k,
/// stride s and padding p, output o has the window [o s - p, o s - p + k) and there are
///
///     floor((n + 2 p - k) / s) + 1   outputs,
///
/// or with `ceil_mode` the ceiling of it, less one where the last window would begin beyond the
/// image and its leading padding. Conventions are PyTorch's. Gradients are gathered, so that they
/// do not depend on the number of threads.

#include <array>

#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/channel_sums.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// Windows of a pooling layer with D spatial axes.
template <int D>
struct pool_options {
  std::array<index_t, D> kernel{};
  std::array<index_t, D> stride{};  ///< 0: as the kernel
  std::array<index_t, D> padding{};
  bool ceil_mode = false;
  bool count_include_pad = true;  ///< of averages: padding counts as pixels of value 0
};

namespace detail {

/// Windows with three spatial axes; missing ones come first and have one pixel.
struct pool_plan {
  index_t in[3], out[3], kernel[3], stride[3], padding[3];
  index_t channels;
  bool count_include_pad;

  KOKKOS_INLINE_FUNCTION index_t in_pixels() const { return in[0] * in[1] * in[2]; }
  KOKKOS_INLINE_FUNCTION index_t out_pixels() const { return out[0] * out[1] * out[2]; }

  /// The pixels of the window of output o along an axis, cut to the image.
  KOKKOS_FORCEINLINE_FUNCTION void window(int d, index_t o, index_t& first, index_t& last) const {
    first = o * stride[d] - padding[d];
    last = first + kernel[d] < in[d] ? first + kernel[d] : in[d];
    if (first < 0) first = 0;
  }
  /// Divisor of the average along an axis: pixels of the window, or padding too.
  KOKKOS_FORCEINLINE_FUNCTION index_t divisor(int d, index_t o) const {
    const index_t first = o * stride[d] - padding[d];
    const index_t end = in[d] + (count_include_pad ? padding[d] : 0);
    const index_t last = first + kernel[d] < end ? first + kernel[d] : end;
    return last - (first < 0 && !count_include_pad ? 0 : first);
  }
  /// The outputs whose windows hold pixel i.
  KOKKOS_FORCEINLINE_FUNCTION void holders(int d, index_t i, index_t& first, index_t& last) const {
    const index_t from = i + padding[d] - kernel[d] + 1;
    first = from <= 0 ? 0 : (from + stride[d] - 1) / stride[d];
    last = (i + padding[d]) / stride[d] + 1;
    if (last > out[d]) last = out[d];
  }
  struct pixel {
    index_t item, at[3];
  };
  KOKKOS_FORCEINLINE_FUNCTION static pixel place(index_t row, const index_t (&n)[3]) {
    pixel p;
    p.at[2] = row % n[2];
    row /= n[2];
    p.at[1] = row % n[1];
    row /= n[1];
    p.at[0] = row % n[0];
    p.item = row / n[0];
    return p;
  }
};

/// Rows are outputs, columns channels.
template <class T, ExecutionSpace Ex>
struct average_pool_forward {
  static constexpr const char* name = "cardiomm::nn::average_pool";
  pool_plan plan;
  const T* x;
  T* y;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const auto p = pool_plan::place(row, plan.out);
    index_t lo[3], hi[3], n = 1;
    for (int d = 0; d < 3; ++d) {
      plan.window(d, p.at[d], lo[d], hi[d]);
      n *= plan.divisor(d, p.at[d]);
    }
    const T* from = x + p.item * plan.in_pixels() * plan.channels;
    packets<T, Ex>(first, last, [&](auto tag, index_t c) {
      using L = typename decltype(tag)::type;
      L sum(T(0));
      for (index_t z = lo[0]; z < hi[0]; ++z)
        for (index_t v = lo[1]; v < hi[1]; ++v)
          for (index_t u = lo[2]; u < hi[2]; ++u)
            sum = sum + lane_traits<L>::load(
                            from + ((z * plan.in[1] + v) * plan.in[2] + u) * plan.channels + c);
      lane_traits<L>::store(y + row * plan.channels + c, sum / L(T(n)));
    });
  }
};
/// Rows are inputs, columns channels.
template <class T, ExecutionSpace Ex>
struct average_pool_backward {
  static constexpr const char* name = "cardiomm::nn::average_pool_backward";
  pool_plan plan;
  const T* dy;
  T* dx;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const auto p = pool_plan::place(row, plan.in);
    index_t lo[3], hi[3];
    for (int d = 0; d < 3; ++d) plan.holders(d, p.at[d], lo[d], hi[d]);
    const T* from = dy + p.item * plan.out_pixels() * plan.channels;
    packets<T, Ex>(first, last, [&](auto tag, index_t c) {
      using L = typename decltype(tag)::type;
      L sum(T(0));
      for (index_t z = lo[0]; z < hi[0]; ++z)
        for (index_t v = lo[1]; v < hi[1]; ++v)
          for (index_t u = lo[2]; u < hi[2]; ++u) {
            const T n = T(plan.divisor(0, z) * plan.divisor(1, v) * plan.divisor(2, u));
            sum = sum + lane_traits<L>::load(
                            from + ((z * plan.out[1] + v) * plan.out[2] + u) * plan.channels + c) /
                            L(n);
          }
      lane_traits<L>::store(dx + row * plan.channels + c, sum);
    });
  }
};
/// Rows are outputs, columns channels. NaN stays NaN.
template <class T, ExecutionSpace Ex>
struct max_pool_forward {
  static constexpr const char* name = "cardiomm::nn::max_pool";
  pool_plan plan;
  const T* x;
  T* y;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const auto p = pool_plan::place(row, plan.out);
    index_t lo[3], hi[3];
    for (int d = 0; d < 3; ++d) plan.window(d, p.at[d], lo[d], hi[d]);
    const T* from = x + p.item * plan.in_pixels() * plan.channels;
    packets<T, Ex>(first, last, [&](auto tag, index_t c) {
      using L = typename decltype(tag)::type;
      using traits = lane_traits<L>;
      L most = traits::load(
          from + ((lo[0] * plan.in[1] + lo[1]) * plan.in[2] + lo[2]) * plan.channels + c);
      for (index_t z = lo[0]; z < hi[0]; ++z)
        for (index_t v = lo[1]; v < hi[1]; ++v)
          for (index_t u = lo[2]; u < hi[2]; ++u) {
            const L value =
                traits::load(from + ((z * plan.in[1] + v) * plan.in[2] + u) * plan.channels + c);
            most = traits::select(value > most || value != value, value, most);
          }
      traits::store(y + row * plan.channels + c, most);
    });
  }
};
/// The first pixel (of the item) of the window that has its maximum. Rows are outputs.
template <class T>
struct max_pool_place {
  static constexpr const char* name = "cardiomm::nn::max_pool_place";
  pool_plan plan;
  const T* x;
  std::int32_t* place;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const auto p = pool_plan::place(row, plan.out);
    index_t lo[3], hi[3];
    for (int d = 0; d < 3; ++d) plan.window(d, p.at[d], lo[d], hi[d]);
    const T* from = x + p.item * plan.in_pixels() * plan.channels;
    for (index_t c = first; c < last; ++c) {
      index_t best = (lo[0] * plan.in[1] + lo[1]) * plan.in[2] + lo[2];
      for (index_t z = lo[0]; z < hi[0]; ++z)
        for (index_t v = lo[1]; v < hi[1]; ++v)
          for (index_t u = lo[2]; u < hi[2]; ++u) {
            const index_t i = (z * plan.in[1] + v) * plan.in[2] + u;
            const T value = from[i * plan.channels + c];
            if (value > from[best * plan.channels + c] || value != value) best = i;
          }
      place[row * plan.channels + c] = static_cast<std::int32_t>(best);
    }
  }
};
/// Rows are inputs, columns channels.
template <class T>
struct max_pool_backward {
  static constexpr const char* name = "cardiomm::nn::max_pool_backward";
  pool_plan plan;
  const T* dy;
  const std::int32_t* place;
  T* dx;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const auto p = pool_plan::place(row, plan.in);
    index_t lo[3], hi[3];
    for (int d = 0; d < 3; ++d) plan.holders(d, p.at[d], lo[d], hi[d]);
    const index_t mine = row - p.item * plan.in_pixels();
    const index_t base = p.item * plan.out_pixels();
    for (index_t c = first; c < last; ++c) dx[row * plan.channels + c] = T(0);
    for (index_t z = lo[0]; z < hi[0]; ++z)
      for (index_t v = lo[1]; v < hi[1]; ++v)
        for (index_t u = lo[2]; u < hi[2]; ++u) {
          const index_t o = (base + (z * plan.out[1] + v) * plan.out[2] + u) * plan.channels;
          for (index_t c = first; c < last; ++c)
            if (place[o + c] == mine) dx[row * plan.channels + c] += dy[o + c];
        }
  }
};
/// Rows are pixels.
template <class T>
struct global_average_backward {
  static constexpr const char* name = "cardiomm::nn::global_average_backward";
  const T* dy;
  T* dx;
  index_t pixels, channels;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const T* g = dy + row / pixels * channels;
    for (index_t c = first; c < last; ++c) dx[row * channels + c] = g[c] / T(pixels);
  }
};
}  // namespace detail

/// Base of pooling layers: windows and shapes.
template <class Self, class T, int D, ExecutionSpace Ex>
class pool_layer : public layer<Self, T, D + 2, D + 2, Ex> {
 public:
  /// Throws shape_error for kernels below 1 and paddings of more than half a kernel.
  explicit pool_layer(pool_options<D> o) : options_(o) {
    static_assert(D >= 1 && D <= 3, "cardiomm: pooling has one, two or three spatial axes");
    for (std::size_t d = 0; d < D; ++d) {
      if (o.stride[d] == 0) options_.stride[d] = o.kernel[d];
      require<shape_error>(o.kernel[d] >= 1 && o.stride[d] >= 0 && o.padding[d] >= 0 &&
                               2 * o.padding[d] <= o.kernel[d],
                           Self::name,
                           ": expected a kernel of at least 1 and a padding of at most half of it, "
                           "found kernel ",
                           o.kernel[d], ", stride ", o.stride[d], ", padding ", o.padding[d]);
    }
  }
  shape<D + 2> output(const shape<D + 2>& in) const {
    const auto p = plan(in);
    shape<D + 2> out = in;
    for (int d = 0; d < D; ++d) out[1 + d] = p.out[3 - D + d];
    return out;
  }

 protected:
  detail::pool_plan plan(const shape<D + 2>& in) const {
    detail::pool_plan p{};
    p.channels = in[D + 1];
    p.count_include_pad = options_.count_include_pad;
    for (int d = 0; d < 3; ++d) {
      p.in[d] = p.out[d] = p.kernel[d] = p.stride[d] = 1;
      p.padding[d] = 0;
      const int axis = d - (3 - D);
      if (axis < 0) continue;
      const auto a = static_cast<std::size_t>(axis);
      const index_t n = in[1 + axis], k = options_.kernel[a], s = options_.stride[a];
      const index_t pad = options_.padding[a], room = n + 2 * pad - k;
      require<shape_error>(room >= 0 && n >= 1, Self::name, ": expected at least ", k - 2 * pad,
                           " pixels on spatial axis ", axis, ", found ", in);
      index_t out = (options_.ceil_mode ? room + s - 1 : room) / s + 1;
      if (options_.ceil_mode && (out - 1) * s >= n + pad) --out;
      p.in[d] = n;
      p.out[d] = out;
      p.kernel[d] = k;
      p.stride[d] = s;
      p.padding[d] = pad;
    }
    return p;
  }

 private:
  pool_options<D> options_;
};

/// Average over windows.
template <class T, int D = 2, ExecutionSpace Ex = default_space>
struct average_pool : pool_layer<average_pool<T, D, Ex>, T, D, Ex> {
  using base = layer<average_pool, T, D + 2, D + 2, Ex>;
  static constexpr const char* name = "average_pool";
  explicit average_pool(const pool_options<D>& o) : pool_layer<average_pool, T, D, Ex>(o) {}

  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    const auto p = this->plan(shape_of(x));
    launch::rows(ex, static_cast<index_t>(x.extent(0)) * p.out_pixels(), p.channels,
                 detail::average_pool_forward<T, Ex>{p, x.data(), y.data()});
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    if (!dx.data()) return;
    const auto p = this->plan(shape_of(x));
    launch::rows(ex, static_cast<index_t>(x.extent(0)) * p.in_pixels(), p.channels,
                 detail::average_pool_backward<T, Ex>{p, dy.data(), dx.data()});
  }
};

/// Maximum over windows; the gradient goes to the first pixel of the window that has it.
template <class T, int D = 2, ExecutionSpace Ex = default_space>
struct max_pool : pool_layer<max_pool<T, D, Ex>, T, D, Ex> {
  using base = layer<max_pool, T, D + 2, D + 2, Ex>;
  static constexpr const char* name = "max_pool";
  /// The pixel of the item that every output was taken from.
  using tape = view<std::int32_t, D + 2, Ex>;
  explicit max_pool(const pool_options<D>& o) : pool_layer<max_pool, T, D, Ex>(o) {}

  tape record(memory<Ex>& m, const shape<D + 2>& in) const {
    return m.template take<std::int32_t>(this->output(in));
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    const auto p = this->plan(shape_of(x));
    launch::rows(ex, static_cast<index_t>(x.extent(0)) * p.out_pixels(), p.channels,
                 detail::max_pool_forward<T, Ex>{p, x.data(), y.data()});
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y,
               tape& t) const {
    forward(ex, x, y);
    const auto p = this->plan(shape_of(x));
    launch::rows(ex, static_cast<index_t>(x.extent(0)) * p.out_pixels(), p.channels,
                 detail::max_pool_place<T>{p, x.data(), t.data()});
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx, tape& t) const {
    if (!dx.data()) return;
    const auto p = this->plan(shape_of(x));
    launch::rows(ex, static_cast<index_t>(x.extent(0)) * p.in_pixels(), p.channels,
                 detail::max_pool_backward<T>{p, dy.data(), t.data(), dx.data()});
  }
};

/// Average over all pixels: (item, spatial..., channel) to (item, channel).
template <class T, int R = 4, ExecutionSpace Ex = default_space>
struct global_average_pool : layer<global_average_pool<T, R, Ex>, T, R, 2, Ex> {
  using base = layer<global_average_pool, T, R, 2, Ex>;
  static constexpr const char* name = "global_average_pool";

  shape<2> output(const shape<R>& s) const {
    require<shape_error>(s.size() > 0, "global_average_pool: expected at least one number, found ",
                         s);
    return {{s[0], s[R - 1]}};
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    const auto s = output(shape_of(x));
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    double* sums = scratch.template take<double>(s.size());
    channel_sums(ex, x, sums);
    launch::segments(
        ex, s.size(),
        detail::mean_of_sums<T>{sums, double(static_cast<index_t>(x.size()) / s.size()), y.data()});
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    if (!dx.data()) return;
    const auto s = output(shape_of(x));
    const index_t pixels = static_cast<index_t>(x.size()) / s.size();
    launch::rows(ex, s[0] * pixels, s[1],
                 detail::global_average_backward<T>{dy.data(), dx.data(), pixels, s[1]});
  }
};

/// Windows of specimens: overlapping, with gaps, padded, rounded up.
inline pool_options<2> pool_windows(linop::size_class s) {
  switch (s) {
    case linop::size_class::odd:
      return {{3, 2}, {2, 1}, {1, 1}, true, false};
    case linop::size_class::wide:
      return {{2, 3}, {3, 4}, {0, 1}, false, true};
    case linop::size_class::singleton:
      return {{2, 2}, {1, 1}, {1, 1}, false, true};
    default:
      return {{2, 2}, {}, {}, false, true};
  }
}
template <template <class, int, ExecutionSpace> class L, class T, ExecutionSpace Ex>
struct pool_specimen {
  static L<T, 2, Ex> make(const Ex&, linop::size_class s, std::uint64_t) {
    return L<T, 2, Ex>(pool_windows(s));
  }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
struct specimen<average_pool<T, 2, Ex>> : pool_specimen<average_pool, T, Ex> {};
template <class T, ExecutionSpace Ex>
struct specimen<max_pool<T, 2, Ex>> : pool_specimen<max_pool, T, Ex> {};
template <class T, ExecutionSpace Ex>
struct specimen<global_average_pool<T, 4, Ex>> {
  static global_average_pool<T, 4, Ex> make(const Ex&, linop::size_class, std::uint64_t) {
    return {};
  }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
using pool_specimens =
    linop::type_list<average_pool<T, 2, Ex>, max_pool<T, 2, Ex>, global_average_pool<T, 4, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
