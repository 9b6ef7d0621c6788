// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_PAD_HPP
#define CARDIOMM_NN_PAD_HPP
/// \file
/// Zeros around features (item, y, x, channel), or pixels taken away at the edges; each is the
/// other's adjoint.

#include "cardiomm/nn/activation.hpp"
#include "cardiomm/nn/packets.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// Pixels to add at the edges; negative numbers take them away.
struct margins {
  index_t top = 0, bottom = 0, left = 0, right = 0;
  margins operator-() const { return {-top, -bottom, -left, -right}; }
};

/// The smallest margins that make ny and nx multiples of m, the smaller half before the image.
/// Throws value_error for m below 1.
inline margins margins_to_multiple(index_t ny, index_t nx, index_t m) {
  require(m >= 1, "pad: expected a multiple of at least 1, found ", m);
  const index_t py = (m - ny % m) % m, px = (m - nx % m) % m;
  return {py / 2, py - py / 2, px / 2, px - px / 2};
}

namespace detail {
/// Rows are output rows of items, columns (x, channel).
template <class T, ExecutionSpace Ex>
struct pad_kernel {
  static constexpr const char* name = "cardiomm::nn::pad";
  const T* x;
  T* y;
  index_t in_rows, out_rows, in_cols, out_cols, top, left;  // columns with their channels
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    const index_t item = row / out_rows, from = row - item * out_rows - top;
    T* q = y + row * out_cols;
    const bool inside = from >= 0 && from < in_rows;
    const index_t begin = inside ? clip(left, first, last) : last;
    const index_t end = inside ? clip(left + in_cols, first, last) : last;
    const T* p = x + (item * in_rows + from) * in_cols - left;
    for (index_t i = first; i < begin; ++i) q[i] = T(0);
    packets<T, Ex>(begin, end, [&](auto tag, index_t i) {
      using traits = lane_traits<typename decltype(tag)::type>;
      traits::store(q + i, traits::load(p + i));
    });
    for (index_t i = end; i < last; ++i) q[i] = T(0);
  }
  KOKKOS_FORCEINLINE_FUNCTION static index_t clip(index_t i, index_t low, index_t high) {
    return i < low ? low : i > high ? high : i;
  }
};
}  // namespace detail

/// Features with margins of zeros, or without pixels at their edges.
template <class T, ExecutionSpace Ex = default_space>
class pad : public layer<pad<T, Ex>, T, 4, 4, Ex> {
 public:
  using base = layer<pad, T, 4, 4, Ex>;
  static constexpr const char* name = "pad";
  explicit pad(margins m) : margins_(m) {}

  shape<4> output(const shape<4>& in) const {
    const shape<4> out{{in[0], in[1] + margins_.top + margins_.bottom,
                        in[2] + margins_.left + margins_.right, in[3]}};
    require<shape_error>(out[1] >= 0 && out[2] >= 0, "pad: expected at least ",
                         shape{in[1] - out[1], in[2] - out[2]}, " pixels, found ", in);
    return out;
  }
  void forward(const Ex& ex, const typename base::in& x, const typename base::out& y) const {
    run(ex, x.data(), shape_of(x), margins_, output(shape_of(x)), y.data());
  }
  void backward(const Ex& ex, const typename base::in& x, const typename base::result&,
                const typename base::result& dy, const typename base::gradient& dx,
                nothing&) const {
    if (dx.data()) run(ex, dy.data(), shape_of(dy), -margins_, shape_of(x), dx.data());
  }

 private:
  static void run(const Ex& ex, const T* x, const shape<4>& in, const margins& m,
                  const shape<4>& out, T* y) {
    const index_t c = in[3];
    launch::rows(
        ex, out[0] * out[1], out[2] * c,
        detail::pad_kernel<T, Ex>{x, y, in[1], out[1], in[2] * c, out[2] * c, m.top, m.left * c});
  }
  margins margins_;
};

template <class T, ExecutionSpace Ex>
struct specimen<pad<T, Ex>> {
  static pad<T, Ex> make(const Ex&, linop::size_class s, std::uint64_t) {
    switch (s) {
      case linop::size_class::odd:
        return pad<T, Ex>(margins_to_multiple(5, 7, 8));
      case linop::size_class::wide:
        return pad<T, Ex>(-margins{1, 2, 3, 1});
      case linop::size_class::singleton:
        return pad<T, Ex>({0, 1, 2, 0});
      default:
        return pad<T, Ex>({1, -2, -1, 3});
    }
  }
  static shape<4> domain(linop::size_class s) { return specimen_features(s); }
};
template <class T, ExecutionSpace Ex>
using pad_specimens = linop::type_list<pad<T, Ex>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
