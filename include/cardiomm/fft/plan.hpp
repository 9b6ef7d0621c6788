// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_PLAN_HPP
#define CARDIOMM_FFT_PLAN_HPP
/// \file
/// Fourier transform plans:
///
///     fft::plan<float, 2, Ex> forward(ex, {.lengths = shape<2>{{ny, nx}}});     // may take a
///     while forward.execute(ex, frames * coils, x, y);                 // pointers; x == y is
///     allowed
///
/// Centred and orthonormal unless the spec says otherwise: DC of an axis of n points is at n / 2,
/// k = fftshift(fft2(ifftshift(x), norm="ortho")). Execution plans, allocates and fences nothing
/// (the first one may grow the workspace), and is safe from several host threads at a time.

#include <memory>
#include <type_traits>

#include "cardiomm/fft/backend/builtin.hpp"
#include "cardiomm/fft/backend/cufft.hpp"
#include "cardiomm/fft/backend/fftw.hpp"
#include "cardiomm/fft/backend/hipfft.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft {

/// Which library transforms. `library` is FFTW on hosts, cuFFT or hipFFT on their devices, and the
/// built-in transform where it was not compiled in. `automatic` is the built-in transform on hosts,
/// unless a length has a prime factor above 43 and FFTW is there; on devices the library.
enum class backend { automatic, builtin, library };

namespace detail {

template <class T, int R, class Ex>
struct library_backend {
  using type = void;
  static constexpr const char* name = "none";
};
#if CARDIOMM_HAS_FFTW
template <class T, int R, ExecutionSpace Ex>
requires(launch::on_host<Ex>) struct library_backend<T, R, Ex> {
  using type = fftw_backend<T, R, Ex>;
  static constexpr const char* name = "FFTW";
};
#endif
#if CARDIOMM_HAS_CUFFT
template <class T, int R>
struct library_backend<T, R, Kokkos::Cuda> {
  using type = cufft_backend<T, R>;
  static constexpr const char* name = "cuFFT";
};
#endif
#if CARDIOMM_HAS_HIPFFT
template <class T, int R>
struct library_backend<T, R, Kokkos::HIP> {
  using type = hipfft_backend<T, R>;
  static constexpr const char* name = "hipFFT";
};
#endif

}  // namespace detail

/// Name of the FFT library for Ex: "FFTW", "cuFFT", "hipFFT" or "none".
template <ExecutionSpace Ex = default_space>
const char* library_name() {
  return detail::library_backend<float, 2, Ex>::name;
}

/// A transform of R axes over any batch, for one execution space instance.
template <class T, int R, ExecutionSpace Ex = default_space>
class plan {
  using library = typename detail::library_backend<T, R, Ex>::type;
  static constexpr bool has_library = !std::is_void_v<library>;

 public:
  /// Plans. Throws value_error if a length or `inner` is not positive.
  plan(const Ex& ex, const fft::spec<R>& what, backend choice = backend::automatic);

  /// Transforms `batch` arrays (lengths..., inner) that follow each other in memory. `in` and `out`
  /// are equal or do not overlap.
  void execute(const Ex& ex, index_t batch, const complex<T>* in, complex<T>* out) const;

  const fft::spec<R>& spec() const { return spec_; }
  /// Name of what transforms.
  const char* library_used() const {
    return library_ ? detail::library_backend<T, R, Ex>::name : "built-in";
  }

 private:
  static bool prefers_library(const fft::spec<R>& what) {
    if (!launch::on_host<Ex>) return true;
    for (int d = 0; d < R; ++d)
      if (factorize(what.lengths[d]).empty()) return true;
    return false;
  }
  struct nothing {};
  fft::spec<R> spec_;
  std::unique_ptr<std::conditional_t<has_library, library, nothing>> library_;
  std::unique_ptr<detail::builtin_backend<T, R, Ex>> builtin_;
};

// Not inline, so that units that are told of an instance elsewhere (below) do not compile their
// own.
template <class T, int R, ExecutionSpace Ex>
plan<T, R, Ex>::plan(const Ex& ex, const fft::spec<R>& what, backend choice) : spec_(what) {
  what.check();
  if constexpr (has_library)
    if (choice == backend::library || (choice == backend::automatic && prefers_library(what)))
      library_ = std::make_unique<library>(ex, what);
  if (!library_) builtin_ = std::make_unique<detail::builtin_backend<T, R, Ex>>(ex, what);
}
template <class T, int R, ExecutionSpace Ex>
void plan<T, R, Ex>::execute(const Ex& ex, index_t batch, const complex<T>* in,
                             complex<T>* out) const {
  if (batch <= 0) return;
  if constexpr (has_library)
    if (library_) return library_->execute(ex, batch, in, out);
  builtin_->execute(ex, batch, in, out);
}

#if CARDIOMM_EXTERN_INSTANCES  // the transforms are compiled once, in cmake/instances.cmake
#define CARDIOMM_PLAN_INSTANCES(Space)          \
  extern template class plan<float, 1, Space>;  \
  extern template class plan<float, 2, Space>;  \
  extern template class plan<double, 1, Space>; \
  extern template class plan<double, 2, Space>;
CARDIOMM_PLAN_INSTANCES(default_space)
#ifdef KOKKOS_ENABLE_SERIAL
CARDIOMM_PLAN_INSTANCES(Kokkos::Serial)
#endif
#undef CARDIOMM_PLAN_INSTANCES
#endif

}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
