// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_FFT_BACKEND_VENDOR_HPP
#define CARDIOMM_FFT_BACKEND_VENDOR_HPP
/// \file
/// What cuFFT and hipFFT share. `Api` holds the three functions that differ by name:
///     make(rank, lengths, stride, batch, single, stream, &work_bytes) -> handle
///     destroy(handle)
///     execute(handle, work, in, out, forward)
/// Their plans have a fixed batch, so a backend keeps one for each batch that it met. Work areas
/// come from our workspace: vendor plans would each hold their own.

#include <map>
#include <mutex>

#include "cardiomm/core/launch.hpp"
#include "cardiomm/fft/phase.hpp"
#include "cardiomm/fft/spec.hpp"

namespace cardiomm::inline CARDIOMM_ABI::fft::detail {

/// y = s x exp(i phases) over arrays (batch, n0, n1, n2, inner); phases null: y = s x.
template <class T>
struct phase_kernel {
  static constexpr const char* name = "cardiomm::fft::phase";
  const complex<T>* x;
  complex<T>* y;
  index_t n0, n1, n2, inner;
  const complex<T>*p0, *p1, *p2;
  T scale;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t last) const {
    complex<T> outer(scale, T(0));
    if (p0) outer = mul(outer, mul(p0[row / n1 % n0], p1[row % n1]));
    const index_t base = row * n2 * inner;
    for (index_t i = first; i < last; ++i) {
      const complex<T> f = p2 ? mul(outer, p2[i / inner]) : outer;
      y[base + i] = mul(f, x[base + i]);
    }
  }
};

template <class Api, class T, int R, ExecutionSpace Ex>
class vendor_backend {
 public:
  vendor_backend(const Ex& ex, const spec<R>& what) : spec_(what) {
    if (what.centering == centering::none) return;
    for (int d = 0; d < 3; ++d) {
      const index_t len = length(d);
      const bool forward = what.direction == direction::forward;
      auto pre = make_tensor<complex<T>>(host_space{}, shape<1>{{len}});
      auto post = make_tensor<complex<T>>(host_space{}, shape<1>{{len}});
      for (index_t j = 0; j < len; ++j) {
        const auto x = image_phase(len, j), k = kspace_phase(len, j);
        pre(j) = rounded(forward ? x : std::conj(k));
        post(j) = rounded(forward ? k : std::conj(x));
      }
      pre_[d] = to_space(ex, pre);
      post_[d] = to_space(ex, post);
    }
  }
  ~vendor_backend() {
    for (auto& p : plans_) Api::destroy(p.second.handle);
  }
  vendor_backend(const vendor_backend&) = delete;
  vendor_backend& operator=(const vendor_backend&) = delete;

  void execute(const Ex& ex, index_t batch, const complex<T>* in, complex<T>* out) const {
    const bool centred = spec_.centering == centering::centred;
    // The libraries read whole complex numbers, which Kokkos does not always align so.
    const auto misaligned = [](const void* p) {
      return reinterpret_cast<std::uintptr_t>(p) % sizeof(complex<T>) != 0;
    };
    require(!misaligned(in) && !misaligned(out), "fft: expected arrays aligned to ",
            sizeof(complex<T>), " bytes");
    if (centred) {
      phases(ex, batch, in, out, pre_, T(1));
      in = out;
    }
    const index_t many = spec_.inner == 1 ? batch : spec_.inner;
    const entry& e = plan_for(ex, many);
    typename workspace<Ex>::frame frame(workspace<Ex>::of(ex));
    char* work = frame.template take<char>(static_cast<index_t>(e.work));
    for (index_t done = 0; done < batch; done += spec_.inner == 1 ? batch : 1)
      Api::execute(e.handle, work, in + done * spec_.numbers(), out + done * spec_.numbers(),
                   spec_.direction == direction::forward);
    if (centred || spec_.scale() != 1.0)
      phases(ex, batch, out, out, post_, static_cast<T>(spec_.scale()));
  }

 private:
  struct entry {
    typename Api::handle handle;
    std::size_t work = 0;
  };
  index_t length(int d) const { return d < 3 - R ? 1 : spec_.lengths[d - (3 - R)]; }
  static complex<T> rounded(std::complex<long double> v) {
    return {static_cast<T>(v.real()), static_cast<T>(v.imag())};
  }
  void phases(const Ex& ex, index_t batch, const complex<T>* x, complex<T>* y,
              const tensor<complex<T>, 1, Ex>* p, T scale) const {
    launch::rows(ex, batch * length(0) * length(1), length(2) * spec_.inner,
                 phase_kernel<T>{x, y, length(0), length(1), length(2), spec_.inner, p[0].data(),
                                 p[1].data(), p[2].data(), scale});
  }
  const entry& plan_for(const Ex& ex, index_t many) const {
    const std::lock_guard<std::mutex> lock(guard_);
    auto found = plans_.find(many);
    if (found == plans_.end()) {
      int n[R];
      for (int d = 0; d < R; ++d) n[d] = static_cast<int>(spec_.lengths[d]);
      entry e;
      e.handle = Api::make(R, n, static_cast<int>(spec_.inner), static_cast<int>(many),
                           std::is_same_v<T, float>, ex, &e.work);
      found = plans_.emplace(many, e).first;
    }
    return found->second;
  }

  spec<R> spec_;
  tensor<complex<T>, 1, Ex> pre_[3], post_[3];
  mutable std::mutex guard_;
  mutable std::map<index_t, entry> plans_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::fft::detail

#endif
