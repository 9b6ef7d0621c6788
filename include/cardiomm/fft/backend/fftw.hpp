// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_BACKEND_FFTW_HPP
#define CARDIOMM_FFT_BACKEND_FFTW_HPP
/// \file
/// Transforms by FFTW 3 on hosts. FFTW's planner is not thread-safe: one process-wide mutex guards
/// planning, destruction and wisdom. Plans are serial, made on scratch of our own (MEASURE writes
/// to its arrays) for arrays of any alignment, and executed by the new-array call, in parallel over
/// the batch.

#include <atomic>
#include <mutex>
#include <vector>

#include "cardiomm/core/launch.hpp"
#include "cardiomm/fft/phase.hpp"
#include "cardiomm/fft/spec.hpp"
#if CARDIOMM_HAS_FFTW
#include <fftw3.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::fft {

/// How long FFTW searches for a plan; also in effect where another library transforms, without use.
enum class effort { estimate, measure, patient };

namespace detail {
inline std::atomic<effort>& effort_value() {
  static std::atomic<effort> value{effort::measure};
  return value;
}
}  // namespace detail

/// Effort of plans made from now on (default measure: FFTW's estimates were up to eight times
/// slower on our sizes).
inline void set_effort(effort e) { detail::effort_value() = e; }
inline effort current_effort() { return detail::effort_value(); }

#if CARDIOMM_HAS_FFTW

namespace detail {

/// Held around every call of FFTW but execution.
inline std::mutex& planner_mutex() {
  static std::mutex m;
  return m;
}

template <class T>
struct fftw_api;
template <>
struct fftw_api<float> {
  using plan = fftwf_plan;
  using number = fftwf_complex;
  static plan make(int rank, const int* n, int many, number* x, int stride, int sign,
                   unsigned flags) {
    return fftwf_plan_many_dft(rank, n, many, x, nullptr, stride, 1, x, nullptr, stride, 1, sign,
                               flags);
  }
  static void destroy(plan p) { fftwf_destroy_plan(p); }
  static void execute(plan p, number* x) { fftwf_execute_dft(p, x, x); }
};
template <>
struct fftw_api<double> {
  using plan = fftw_plan;
  using number = fftw_complex;
  static plan make(int rank, const int* n, int many, number* x, int stride, int sign,
                   unsigned flags) {
    return fftw_plan_many_dft(rank, n, many, x, nullptr, stride, 1, x, nullptr, stride, 1, sign,
                              flags);
  }
  static void destroy(plan p) { fftw_destroy_plan(p); }
  static void execute(plan p, number* x) { fftw_execute_dft(p, x, x); }
};

/// A batch member: phases and norm before and after the plan, while it is in the cache.
template <class T>
struct fftw_members {
  static constexpr const char* name = "cardiomm::fft::fftw";
  typename fftw_api<T>::plan plan;
  const complex<T>* in;
  complex<T>* out;
  index_t n[3], inner;       ///< extents of (slow, middle, fast) axes
  const complex<T>* pre[3];  ///< phases by axis; null without centring
  const complex<T>* post[3];
  T scale;

  void operator()(index_t member, index_t, index_t) const {
    const index_t numbers = n[0] * n[1] * n[2] * inner;
    const complex<T>* x = in + member * numbers;
    complex<T>* y = out + member * numbers;
    if (pre[0])
      multiply(x, y, pre, T(1));
    else if (x != y)
      for (index_t i = 0; i < numbers; ++i) y[i] = x[i];
    fftw_api<T>::execute(plan, reinterpret_cast<typename fftw_api<T>::number*>(y));
    if (post[0])
      multiply(y, y, post, scale);
    else if (scale != T(1))
      for (index_t i = 0; i < numbers; ++i) y[i] *= scale;
  }
  void multiply(const complex<T>* x, complex<T>* y, const complex<T>* const* phase, T s) const {
    for (index_t a = 0; a < n[0]; ++a)
      for (index_t b = 0; b < n[1]; ++b) {
        const complex<T> outer = mul(phase[0][a], phase[1][b]) * s;
        if (inner == 1) {
          for (index_t c = 0; c < n[2]; ++c) y[c] = mul(mul(outer, phase[2][c]), x[c]);
          x += n[2], y += n[2];
        } else
          for (index_t c = 0; c < n[2]; ++c, x += inner, y += inner) {
            const complex<T> f = mul(outer, phase[2][c]);
            for (index_t i = 0; i < inner; ++i) y[i] = mul(f, x[i]);
          }
      }
  }
};

/// The executing half of a plan.
template <class T, int R, ExecutionSpace Ex>
class fftw_backend {
 public:
  fftw_backend(const Ex&, const spec<R>& what) : spec_(what) {
    using api = fftw_api<T>;
    int n[R];
    for (int d = 0; d < R; ++d) n[d] = static_cast<int>(what.lengths[d]);
    const int inner = static_cast<int>(what.inner);
    const unsigned flags = FFTW_UNALIGNED | (current_effort() == effort::estimate  ? FFTW_ESTIMATE
                                             : current_effort() == effort::measure ? FFTW_MEASURE
                                                                                   : FFTW_PATIENT);
    {
      std::vector<complex<T>> scratch(static_cast<std::size_t>(what.numbers()));
      const std::lock_guard<std::mutex> lock(planner_mutex());
      plan_ = api::make(R, n, inner, reinterpret_cast<typename api::number*>(scratch.data()), inner,
                        what.direction == direction::forward ? FFTW_FORWARD : FFTW_BACKWARD, flags);
    }
    require(plan_ != nullptr, "fft: FFTW has no plan for lengths ", what.lengths);
    if (what.centering == centering::centred)
      for (int d = 0; d < 3; ++d) {
        const index_t len = length(d);
        const bool forward = what.direction == direction::forward;
        for (index_t j = 0; j < len; ++j) {
          const auto x = image_phase(len, j), k = kspace_phase(len, j);
          pre_[d].push_back(rounded(forward ? x : std::conj(k)));
          post_[d].push_back(rounded(forward ? k : std::conj(x)));
        }
      }
  }
  ~fftw_backend() {
    const std::lock_guard<std::mutex> lock(planner_mutex());
    fftw_api<T>::destroy(plan_);
  }
  fftw_backend(const fftw_backend&) = delete;
  fftw_backend& operator=(const fftw_backend&) = delete;

  void execute(const Ex& ex, index_t batch, const complex<T>* in, complex<T>* out) const {
    fftw_members<T> members{plan_, in, out, {}, spec_.inner, {}, {}, static_cast<T>(spec_.scale())};
    for (int d = 0; d < 3; ++d) {
      members.n[d] = length(d);
      members.pre[d] = pre_[d].empty() ? nullptr : pre_[d].data();
      members.post[d] = post_[d].empty() ? nullptr : post_[d].data();
    }
    launch::rows(ex, batch, index_t(1), members);
  }

 private:
  index_t length(int d) const { return d < 3 - R ? 1 : spec_.lengths[d - (3 - R)]; }
  static complex<T> rounded(std::complex<long double> v) {
    return {static_cast<T>(v.real()), static_cast<T>(v.imag())};
  }
  spec<R> spec_;
  typename fftw_api<T>::plan plan_ = nullptr;
  std::vector<complex<T>> pre_[3], post_[3];
};

}  // namespace detail

/// Adds the plans of a wisdom file to FFTW's; throws io_error if it cannot be read.
inline void load_wisdom(const std::string& single_file, const std::string& double_file) {
  const std::lock_guard<std::mutex> lock(detail::planner_mutex());
  require<io_error>(fftwf_import_wisdom_from_filename(single_file.c_str()) == 1,
                    "fft: wisdom: cannot read ", single_file);
  require<io_error>(fftw_import_wisdom_from_filename(double_file.c_str()) == 1,
                    "fft: wisdom: cannot read ", double_file);
}
/// Writes what FFTW has learnt; throws io_error if it cannot be written.
inline void save_wisdom(const std::string& single_file, const std::string& double_file) {
  const std::lock_guard<std::mutex> lock(detail::planner_mutex());
  require<io_error>(fftwf_export_wisdom_to_filename(single_file.c_str()) == 1,
                    "fft: wisdom: cannot write ", single_file);
  require<io_error>(fftw_export_wisdom_to_filename(double_file.c_str()) == 1,
                    "fft: wisdom: cannot write ", double_file);
}

#endif

}  // namespace cardiomm::inline CARDIOMM_ABI::fft

#endif
