// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_LINOP_FOURIER_HPP
#define CARDIOMM_LINOP_FOURIER_HPP
/// \file
/// The centred, orthonormal Fourier transform as an operator: image to k-space, DC at n/2. All
/// extents are open, so `fourier` can be written without sizes:
///
///     line_mask(m) * fourier * sensitivity(s)      over y and x of any rank
///     fourier_x, fourier_y, fourier_frame          over one axis (readout, phase encode, time)
///     fourier_zyx                                  over partitions (in place of slices), y and x

#include "cardiomm/core/random.hpp"
#include "cardiomm/fft/cache.hpp"
#include "cardiomm/linop/gram.hpp"

namespace cardiomm::inline CARDIOMM_ABI::linop {

/// Axes of a transform; the frame axis is the first, z the second, y and x are the last two.
enum class fourier_axes { yx, x, y, frame, zyx };
inline constexpr fourier_axes along_yx = fourier_axes::yx;
inline constexpr fourier_axes along_x = fourier_axes::x;
inline constexpr fourier_axes along_y = fourier_axes::y;
inline constexpr fourier_axes along_frame = fourier_axes::frame;
inline constexpr fourier_axes along_zyx = fourier_axes::zyx;

/// Unitary transform of a tensor of rank R; its adjoint is the inverse transform. Plans come from
/// the cache: the first apply of a shape makes them.
template <class T, int R, ExecutionSpace Ex, fourier_axes Axes = fourier_axes::yx>
struct fourier_op : linear_operator<fourier_op<T, R, Ex, Axes>, T, R, R, Ex> {
  using base = linear_operator<fourier_op<T, R, Ex, Axes>, T, R, R, Ex>;
  static constexpr const char* name = "fourier";
  static constexpr bool unitary = true, inplace_ok = true;
  static_assert(R >= 2 || (Axes != fourier_axes::yx && Axes != fourier_axes::y),
                "cardiomm: fourier over y and x needs a tensor with both axes");
  static_assert(R >= 4 || Axes != fourier_axes::zyx,
                "cardiomm: fourier_zyx needs (frame, partition, ..., y, x)");

  void unify(shape<R>& d, shape<R>& r) const { merge(d, r, name); }
  void apply(const Ex& ex, domain_in<base> x, range_out<base> y, acc_of<base> acc) const {
    run(ex, fft::direction::forward, x, y, acc);
  }
  void apply_adjoint(const Ex& ex, range_in<base> y, domain_out<base> x, acc_of<base> acc) const {
    run(ex, fft::direction::inverse, y, x, acc);
  }
  const void* id() const { return name; }

 private:
  static void run(const Ex& ex, fft::direction way, domain_in<base> in, range_out<base> out,
                  acc_of<base> acc) {
    const shape<R> s = shape_of(in);
    if (s.size() == 0) return;
    if (acc.plain()) return transform(ex, way, s, in.data(), out.data());
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    const auto result = scratch.template tensor<complex<T>>(s);
    transform(ex, way, s, in.data(), result.data());
    detail::copy_into(ex, result, out, acc);
  }
  static void transform(const Ex& ex, fft::direction way, const shape<R>& s, const complex<T>* in,
                        complex<T>* out) {
    if constexpr (Axes == fourier_axes::yx || Axes == fourier_axes::zyx) {
      fft::spec<2> what{shape<2>{{s[R - 2], s[R - 1]}}};
      what.direction = way;
      fft::cached_plan<T>(ex, what)->execute(ex, s.size() / what.numbers(), in, out);
      if constexpr (Axes == fourier_axes::zyx) along(ex, 1, way, s, out, out);
    } else {
      constexpr int axis = Axes == fourier_axes::x ? R - 1 : Axes == fourier_axes::y ? R - 2 : 0;
      // Frames are whole images apart: stores to many of them at once wait for memory, unless a
      // copy has brought it near (measured 2.3 times faster from 25 frames on, slower for 12).
      if constexpr (Axes == fourier_axes::frame && launch::on_host<Ex>)
        if (s[0] > 16 && in != out) {
          launch::segments(ex, s.size(),
                           detail::copy_kernel<complex<T>>{in, out, accumulation<complex<T>>{}});
          return along(ex, axis, way, s, out, out);
        }
      along(ex, axis, way, s, in, out);
    }
  }
  static void along(const Ex& ex, int axis, fft::direction way, const shape<R>& s,
                    const complex<T>* in, complex<T>* out) {
    fft::spec<1> what{shape<1>{{s[axis]}}};
    what.direction = way;
    for (int i = axis + 1; i < R; ++i) what.inner *= s[i];
    fft::cached_plan<T>(ex, what)->execute(ex, s.size() / what.numbers(), in, out);
  }
};

/// `fourier` before it knows rank, precision and space.
template <fourier_axes Axes>
struct fourier_token : token_tag {};
inline constexpr fourier_token<fourier_axes::yx> fourier;
inline constexpr fourier_token<fourier_axes::x> fourier_x;
inline constexpr fourier_token<fourier_axes::y> fourier_y;
inline constexpr fourier_token<fourier_axes::frame> fourier_frame;
inline constexpr fourier_token<fourier_axes::zyx> fourier_zyx;

/// The inverse transform, unbound: adjoint(fourier).
template <fourier_axes Axes>
struct inverse_fourier_token : token_tag {};
template <fourier_axes Axes>
constexpr inverse_fourier_token<Axes> adjoint(fourier_token<Axes>) {
  return {};
}
template <fourier_axes Axes>
constexpr fourier_token<Axes> adjoint(inverse_fourier_token<Axes>) {
  return {};
}

template <class A, fourier_axes Axes>
requires OperatorLike<A>
auto operator*(const A& a, fourier_token<Axes>) {
  return a * fourier_op<typename A::real_type, A::domain_rank, typename A::execution_space, Axes>{};
}
template <class A, fourier_axes Axes>
requires OperatorLike<A>
auto operator*(fourier_token<Axes>, const A& a) {
  return fourier_op<typename A::real_type, A::range_rank, typename A::execution_space, Axes>{} * a;
}
template <class A, fourier_axes Axes>
requires OperatorLike<A>
auto operator*(const A& a, inverse_fourier_token<Axes>) {
  return a * adjoint(fourier_op<typename A::real_type, A::domain_rank, typename A::execution_space,
                                Axes>{});
}
template <class A, fourier_axes Axes>
requires OperatorLike<A>
auto operator*(inverse_fourier_token<Axes>, const A& a) {
  return adjoint(fourier_op<typename A::real_type, A::range_rank, typename A::execution_space,
                            Axes>{}) *
         a;
}

template <class T, int R, ExecutionSpace Ex, fourier_axes Axes>
struct specimen<fourier_op<T, R, Ex, Axes>> {
  static fourier_op<T, R, Ex, Axes> make(const Ex&, size_class, std::uint64_t) { return {}; }
  static auto domain(size_class s) {
    if constexpr (R == 5)
      return specimen_kspace(s);
    else
      return specimen_image(s);
  }
};
template <class T, ExecutionSpace Ex>
using fourier_specimens =
    type_list<fourier_op<T, 5, Ex>, fourier_op<T, 4, Ex, along_x>, fourier_op<T, 4, Ex, along_y>,
              fourier_op<T, 4, Ex, along_frame>, fourier_op<T, 5, Ex, along_zyx>>;

}  // namespace cardiomm::inline CARDIOMM_ABI::linop

#endif
