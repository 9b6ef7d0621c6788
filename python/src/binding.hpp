// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_PYTHON_BINDING_HPP
#define CARDIOMM_PYTHON_BINDING_HPP
/// \file
/// What all files of the binding share: arrays in and out without copies, and `computing`, which
/// every computation holds. The Python files of the package check arguments and name them in
/// messages; what is here relies on their ranks and types, which nanobind checks once more.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <sys/types.h>

#include <algorithm>
#include <complex>
#include <mutex>
#include <utility>

#include "cardiomm/core/tensor.hpp"
#include "cardiomm/solve/monitor.hpp"

namespace binding {

namespace nb = nanobind;
using namespace nb::literals;  // NOLINT(google-build-using-namespace): "x"_a
using cardiomm::index_t;
using cardiomm::shape;
using space = cardiomm::default_space;
using C = cardiomm::complex<float>;

/// A NumPy array that is read in place: C-contiguous, of R axes.
template <class T, int R>
using array_in = nb::ndarray<const T, nb::ndim<R>, nb::c_contig, nb::device::cpu>;
/// The same of complex64.
template <int R>
using complex_in = array_in<std::complex<float>, R>;
/// Of any number of axes.
using any_in = nb::ndarray<const std::complex<float>, nb::c_contig, nb::device::cpu>;
using any_out = nb::ndarray<std::complex<float>, nb::c_contig, nb::device::cpu>;
/// 0 and 1, (frame or 1, y, x).
using mask_in = array_in<std::uint8_t, 3>;

/// Starts Kokkos where nobody did, in a thread that may compute. Called with the lock held.
void start_runtime();
/// Tells the runtime that something of Kokkos lives in a Python object, or does no longer.
void count_holder(int by) noexcept;
std::recursive_mutex& compute_mutex();

/// While it lives the interpreter is free for other Python threads, Kokkos is there, and no other
/// thread computes: the kernels use all threads themselves.
class computing {
 public:
  computing() : lock_(compute_mutex()) { start_runtime(); }

 private:
  nb::gil_scoped_release free_;
  std::lock_guard<std::recursive_mutex> lock_;
};
/// What f returns; while it computes, other Python threads run.
template <class F>
auto computed(const F& f) {
  const computing now;
  return f();
}

/// First member or base of what owns memory of Kokkos and may outlive the interpreter's exit
/// handlers: it goes last, and the runtime waits for it.
struct holder_token {
  holder_token() { count_holder(1); }
  ~holder_token() { count_holder(-1); }
  holder_token(const holder_token&) = delete;
  holder_token& operator=(const holder_token&) = delete;
};
template <class T>
struct holder {
  explicit holder(T v) : value(std::move(v)) {}
  holder_token token;
  T value;
};

template <class T>
struct numpy_scalar {
  using type = T;
};
template <class T>
struct numpy_scalar<cardiomm::complex<T>> {
  using type = std::complex<T>;
};
template <class T>
const T* data_of(const T* p) {
  return p;
}
inline const C* data_of(const std::complex<float>* p) { return reinterpret_cast<const C*>(p); }

/// The array's memory as a view. The caller keeps the array.
template <class T, ::ssize_t... N>
auto view_of(const nb::ndarray<const T, nb::shape<N...>, nb::c_contig, nb::device::cpu>& a) {
  constexpr int R = sizeof...(N);
  shape<R> s{};
  for (int i = 0; i < R; ++i) s[i] = static_cast<index_t>(a.shape(std::size_t(i)));
  return cardiomm::borrow(space(), data_of(a.data()), s);
}
/// A mask in the form that recipes take. It is only read.
inline cardiomm::host_tensor<std::uint8_t, 3> mask_of(const mask_in& a) {
  const auto m = cardiomm::make_tensor<std::uint8_t>(
      cardiomm::host_space(), shape{index_t(a.shape(0)), index_t(a.shape(1)), index_t(a.shape(2))},
      "cardiomm::mask");
  std::copy_n(a.data(), m.size(), m.data());
  return m;
}

/// A NumPy array that owns the tensor's memory.
template <class V>
nb::object to_numpy(const V& tensor) {
  using scalar = typename numpy_scalar<cardiomm::element_of<V>>::type;
  constexpr int R = cardiomm::rank_of<V>;
  auto* kept = new holder<V>(tensor);
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<holder<V>*>(p); });
  std::size_t extents[R];
  for (int i = 0; i < R; ++i) extents[i] = tensor.extent(std::size_t(i));
  return nb::cast(nb::ndarray<nb::numpy, scalar>(tensor.data(), R, extents, owner));
}

/// A solver's monitor: hears of Ctrl-C, and calls `callback(iteration, iterations, residual)`,
/// where it is not None; False ends the solver.
cardiomm::solve::monitor monitor_of(nb::object callback);
/// (iterations, converged, interrupted, breakdown, residual)
nb::tuple to_tuple(const cardiomm::solve::report& r);

void bind_runtime(nb::module_& m);
void bind_fft(nb::module_& m);
void bind_simulation(nb::module_& m);
void bind_calibration(nb::module_& m);
void bind_operators(nb::module_& m);
void bind_encoding(nb::module_& m);
void bind_nufft(nb::module_& m);
void bind_solvers(nb::module_& m);
void bind_prox(nb::module_& m);
void bind_sense(nb::module_& m);
void bind_sparse(nb::module_& m);
void bind_total_variation(nb::module_& m);
void bind_low_rank(nb::module_& m);
void bind_grappa(nb::module_& m);
void bind_nlinv(nb::module_& m);
void bind_radial(nb::module_& m);
void bind_metrics(nb::module_& m);
void bind_network(nb::module_& m);

}  // namespace binding

#endif
