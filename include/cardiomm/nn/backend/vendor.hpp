// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_BACKEND_VENDOR_HPP
#define CARDIOMM_NN_BACKEND_VENDOR_HPP
/// \file
/// What cuDNN and MIOpen share: plans that are kept for every geometry, work areas from our
/// workspace, and weights in the order that goes with channels last. `Api` holds what differs:
///
///     using handle = ...;
///     static handle create(ex);  static void use(handle, ex);  static void destroy(handle);
///     struct plan { bool usable; std::size_t work; ... };
///     static void make(handle, const conv_sizes&, bool single, bool tf32, conv_pass, plan&);
///     static void run(handle, const plan&, conv_pass, bool single, x, w, y, work);
///
/// The functions return false, and do nothing, where the library knows no way; then the portable
/// kernels compute it.

#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>
#include <vector>

#include "cardiomm/core/launch.hpp"
#include "cardiomm/nn/conv_options.hpp"

namespace cardiomm::inline CARDIOMM_ABI::nn {

/// Which of the three products of a convolution: y of x and w, x of w and y, or w of x and y.
enum class conv_pass { forward, adjoint, weight };

namespace detail {

/// Weights (out, in / groups, taps) to (out, taps, in / groups). Rows are output channels.
template <class T>
struct channels_last_weights {
  static constexpr const char* name = "cardiomm::nn::channels_last_weights";
  const T* w;
  T* last;
  index_t channels, taps;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t end) const {
    const T* from = w + row * channels * taps;
    T* to = last + row * channels * taps;
    for (index_t i = first; i < end; ++i) {
      const index_t t = i / channels, c = i - t * channels;
      to[i] = from[c * taps + t];
    }
  }
};
/// gradient += the other way round.
template <class T>
struct add_channels_last_weights {
  static constexpr const char* name = "cardiomm::nn::add_channels_last_weights";
  const T* last;
  T* gradient;
  index_t channels, taps;
  KOKKOS_INLINE_FUNCTION void operator()(index_t row, index_t first, index_t end) const {
    const T* from = last + row * channels * taps;
    T* to = gradient + row * channels * taps;
    for (index_t i = first; i < end; ++i) {
      const index_t c = i / taps, t = i - c * taps;
      to[i] += from[t * channels + c];
    }
  }
};

/// The spatial axes as the libraries take them: two where they are enough, else three.
struct conv_axes {
  int first, count;
  index_t items;
  int padding[3], stride[3], dilation[3];
  explicit conv_axes(const conv_sizes& s)
      : first(s.flat() ? 1 : 0), count(3 - first), items(s.flat() ? s.items * s.in[0] : s.items) {
    for (int d = 0; d < count; ++d) {
      padding[d] = static_cast<int>(s.padding[first + d]);
      stride[d] = static_cast<int>(s.stride[first + d]);
      dilation[d] = static_cast<int>(s.dilation[first + d]);
    }
  }
};
/// Extents and steps of (item, spatial..., channel) in the libraries' order (item, channel,
/// spatial...); of weights too, where items are the output channels.
struct channels_last {
  int extent[5], step[5];
  channels_last(index_t items, index_t channels, const index_t* spatial, int axes) {
    index_t pitch = channels;
    for (int d = axes - 1; d >= 0; --d) {
      extent[2 + d] = static_cast<int>(spatial[d]);
      step[2 + d] = static_cast<int>(pitch);
      pitch *= spatial[d];
    }
    extent[0] = static_cast<int>(items);
    extent[1] = static_cast<int>(channels);
    step[0] = static_cast<int>(pitch);
    step[1] = 1;
  }
};

/// The library's handle and plans for an instance of the space and a host thread; they end with
/// Kokkos.
template <class Api, ExecutionSpace Ex>
class conv_library {
 public:
  using plan = typename Api::plan;

  static conv_library& of(const Ex& ex) {
    registry& all = the_registry();
    const std::lock_guard<std::mutex> lock(all.guard);
    if (!all.hooked) {
      Kokkos::push_finalize_hook([] {
        registry& r = the_registry();
        const std::lock_guard<std::mutex> l(r.guard);
        r.libraries.clear();
        r.hooked = false;
      });
      all.hooked = true;
    }
    auto& slot = all.libraries[{compat::instance_id(ex), std::this_thread::get_id()}];
    if (!slot) slot = std::make_unique<conv_library>(ex);
    return *slot;
  }
  explicit conv_library(const Ex& ex) : handle_(Api::create(ex)) {}
  ~conv_library() {
    plans_.clear();
    Api::destroy(handle_);
  }
  conv_library(const conv_library&) = delete;
  conv_library& operator=(const conv_library&) = delete;

  typename Api::handle handle() const { return handle_; }
  const plan& plan_for(const conv_sizes& s, bool single, bool tf32, conv_pass pass) {
    for (const auto& e : plans_)
      if (e->sizes == s && e->single == single && e->tf32 == tf32 && e->pass == pass)
        return e->plan;
    auto e = std::make_unique<entry>();
    e->sizes = s;
    e->single = single;
    e->tf32 = tf32;
    e->pass = pass;
    if (fits(s)) Api::make(handle_, s, single, tf32, pass, e->plan);
    plans_.push_back(std::move(e));
    return plans_.back()->plan;
  }

 private:
  struct entry {
    conv_sizes sizes;
    bool single = true, tf32 = false;
    conv_pass pass = conv_pass::forward;
    typename Api::plan plan;
  };
  struct registry {
    std::mutex guard;
    std::map<std::tuple<std::uint32_t, std::thread::id>, std::unique_ptr<conv_library>> libraries;
    bool hooked = false;
  };
  static registry& the_registry() {
    static registry r;
    return r;
  }
  /// The libraries count in ints.
  static bool fits(const conv_sizes& s) {
    constexpr index_t most = (index_t(1) << 31) - 1;
    return s.in_pixels() * s.in_channels <= most && s.out_pixels() * s.out_channels <= most &&
           s.weights() <= most && s.in_pixels() > 0 && s.out_pixels() > 0;
  }

  typename Api::handle handle_;
  std::vector<std::unique_ptr<entry>> plans_;
};

/// One product by the library; see the top of this file. Of x, w and y the pass writes one; w has
/// the order of the layers' parameters, and its gradient is added.
template <class Api, class T, ExecutionSpace Ex>
bool library_conv(const Ex& ex, const conv_sizes& s, bool tf32, conv_pass pass, T* x, T* w, T* y) {
  constexpr bool single = std::is_same_v<T, float>;
  auto& library = conv_library<Api, Ex>::of(ex);
  const auto& plan = library.plan_for(s, single, tf32, pass);
  if (!plan.usable) return false;
  const index_t channels = s.group_in(), taps = s.taps();
  typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
  char* work = scratch.template take<char>(static_cast<index_t>(plan.work));
  T* last = taps == 1 && pass != conv_pass::weight ? w : scratch.template take<T>(s.weights());
  if (last != w && pass != conv_pass::weight)
    launch::rows(ex, s.out_channels, channels * taps,
                 channels_last_weights<T>{w, last, channels, taps});
  Api::use(library.handle(), ex);  // an instance's number may have had another stream before
  Api::run(library.handle(), plan, pass, single, x, last, y, work);
  if (pass == conv_pass::weight)
    launch::rows(ex, s.out_channels, channels * taps,
                 add_channels_last_weights<T>{last, w, channels, taps});
  return true;
}

}  // namespace detail

}  // namespace cardiomm::inline CARDIOMM_ABI::nn

#endif
