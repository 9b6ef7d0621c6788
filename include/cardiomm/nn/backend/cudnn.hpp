// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_NN_BACKEND_CUDNN_HPP
#define CARDIOMM_NN_BACKEND_CUDNN_HPP
/// \file
/// Convolutions by cuDNN (8 or 9) on the stream of the execution space instance, channels last.
/// Only deterministic algorithms. Products of float32 stay float32 (CUDNN_FMA_MATH) unless TF32 is
/// asked for.

#include "cardiomm/nn/backend/vendor.hpp"
#ifndef CARDIOMM_HAS_CUDNN
#define CARDIOMM_HAS_CUDNN 0  // a library has to be linked as well, so it is never guessed
#endif
#if CARDIOMM_HAS_CUDNN
#include <cudnn.h>

namespace cardiomm::inline CARDIOMM_ABI::nn::detail {

struct cudnn_api {
  using handle = cudnnHandle_t;

  static void check(cudnnStatus_t code, const char* what) {
    require(code == CUDNN_STATUS_SUCCESS, "conv: cuDNN: ", what, ": ", cudnnGetErrorString(code));
  }
  static handle create(const Kokkos::Cuda& ex) {
    handle h;
    check(cudnnCreate(&h), "create");
    check(cudnnSetStream(h, ex.cuda_stream()), "set stream");
    return h;
  }
  static void destroy(handle h) { (void)cudnnDestroy(h); }

  struct plan {
    bool usable = false;
    std::size_t work = 0;
    int algorithm = 0;
    cudnnTensorDescriptor_t x = nullptr, y = nullptr;
    cudnnFilterDescriptor_t w = nullptr;
    cudnnConvolutionDescriptor_t conv = nullptr;

    plan() = default;
    plan(const plan&) = delete;
    plan& operator=(const plan&) = delete;
    ~plan() {
      if (x) (void)cudnnDestroyTensorDescriptor(x);
      if (y) (void)cudnnDestroyTensorDescriptor(y);
      if (w) (void)cudnnDestroyFilterDescriptor(w);
      if (conv) (void)cudnnDestroyConvolutionDescriptor(conv);
    }
  };

  static void make(handle h, const conv_sizes& s, bool single, bool tf32, conv_pass pass, plan& p) {
    const cudnnDataType_t type = single ? CUDNN_DATA_FLOAT : CUDNN_DATA_DOUBLE;
    // Planes have two spatial axes.
    const int first = s.flat() ? 1 : 0, axes = 3 - first;
    const index_t items = s.flat() ? s.items * s.in[0] : s.items;
    check(cudnnCreateTensorDescriptor(&p.x), "create descriptor");
    check(cudnnCreateTensorDescriptor(&p.y), "create descriptor");
    check(cudnnCreateFilterDescriptor(&p.w), "create descriptor");
    check(cudnnCreateConvolutionDescriptor(&p.conv), "create descriptor");
    features(p.x, type, items, s.in_channels, s.in + first, axes);
    features(p.y, type, items, s.out_channels, s.out + first, axes);
    int kernel[5] = {static_cast<int>(s.out_channels), static_cast<int>(s.group_in())};
    int padding[3], stride[3], dilation[3];
    for (int d = 0; d < axes; ++d) {
      kernel[2 + d] = static_cast<int>(s.kernel[first + d]);
      padding[d] = static_cast<int>(s.padding[first + d]);
      stride[d] = static_cast<int>(s.stride[first + d]);
      dilation[d] = static_cast<int>(s.dilation[first + d]);
    }
    check(cudnnSetFilterNdDescriptor(p.w, type, CUDNN_TENSOR_NHWC, axes + 2, kernel),
          "describe weights");
    check(cudnnSetConvolutionNdDescriptor(p.conv, axes, padding, stride, dilation,
                                          CUDNN_CROSS_CORRELATION, type),
          "describe convolution");
    check(cudnnSetConvolutionGroupCount(p.conv, static_cast<int>(s.groups)), "set groups");
    check(cudnnSetConvolutionMathType(p.conv, tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH),
          "set math type");
    switch (pass) {
      case conv_pass::forward:
        return choose<cudnnConvolutionFwdAlgoPerf_t>(
            p, tf32,
            [&](int n, int* found, cudnnConvolutionFwdAlgoPerf_t* all) {
              return cudnnGetConvolutionForwardAlgorithm_v7(h, p.x, p.w, p.conv, p.y, n, found,
                                                            all);
            },
            [&](cudnnConvolutionFwdAlgo_t a) {
              return cudnnGetConvolutionForwardWorkspaceSize(h, p.x, p.w, p.conv, p.y, a, &p.work);
            });
      case conv_pass::adjoint:
        return choose<cudnnConvolutionBwdDataAlgoPerf_t>(
            p, tf32,
            [&](int n, int* found, cudnnConvolutionBwdDataAlgoPerf_t* all) {
              return cudnnGetConvolutionBackwardDataAlgorithm_v7(h, p.w, p.y, p.conv, p.x, n, found,
                                                                 all);
            },
            [&](cudnnConvolutionBwdDataAlgo_t a) {
              return cudnnGetConvolutionBackwardDataWorkspaceSize(h, p.w, p.y, p.conv, p.x, a,
                                                                  &p.work);
            });
      case conv_pass::weight:
        return choose<cudnnConvolutionBwdFilterAlgoPerf_t>(
            p, tf32,
            [&](int n, int* found, cudnnConvolutionBwdFilterAlgoPerf_t* all) {
              return cudnnGetConvolutionBackwardFilterAlgorithm_v7(h, p.x, p.y, p.conv, p.w, n,
                                                                   found, all);
            },
            [&](cudnnConvolutionBwdFilterAlgo_t a) {
              return cudnnGetConvolutionBackwardFilterWorkspaceSize(h, p.x, p.y, p.conv, p.w, a,
                                                                    &p.work);
            });
    }
  }

  static void run(handle h, const plan& p, conv_pass pass, bool single, void* x, void* w, void* y,
                  void* work) {
    // The library takes the factors in the precision of the sums.
    const float float_one = 1, float_zero = 0;
    const double double_one = 1, double_zero = 0;
    const void* one = single ? static_cast<const void*>(&float_one) : &double_one;
    const void* zero = single ? static_cast<const void*>(&float_zero) : &double_zero;
    switch (pass) {
      case conv_pass::forward:
        return check(cudnnConvolutionForward(h, one, p.x, x, p.w, w, p.conv,
                                             static_cast<cudnnConvolutionFwdAlgo_t>(p.algorithm),
                                             work, p.work, zero, p.y, y),
                     "forward");
      case conv_pass::adjoint:
        return check(
            cudnnConvolutionBackwardData(h, one, p.w, w, p.y, y, p.conv,
                                         static_cast<cudnnConvolutionBwdDataAlgo_t>(p.algorithm),
                                         work, p.work, zero, p.x, x),
            "backward data");
      case conv_pass::weight:
        return check(cudnnConvolutionBackwardFilter(
                         h, one, p.x, x, p.y, y, p.conv,
                         static_cast<cudnnConvolutionBwdFilterAlgo_t>(p.algorithm), work, p.work,
                         zero, p.w, w),
                     "backward filter");
    }
  }

 private:
  /// Features with channels last; the library's order of axes is (item, channel, spatial...).
  static void features(cudnnTensorDescriptor_t t, cudnnDataType_t type, index_t items,
                       index_t channels, const index_t* spatial, int axes) {
    int extent[5] = {static_cast<int>(items), static_cast<int>(channels)};
    int step[5] = {0, 1};
    index_t pitch = channels;
    for (int d = axes - 1; d >= 0; --d) {
      extent[2 + d] = static_cast<int>(spatial[d]);
      step[2 + d] = static_cast<int>(pitch);
      pitch *= spatial[d];
    }
    step[0] = static_cast<int>(pitch);
    check(cudnnSetTensorNdDescriptor(t, type, axes + 2, extent, step), "describe features");
  }
  /// The first of the library's algorithms, best first, that is deterministic and keeps to the
  /// precision asked for.
  template <class Perf, class List, class Work>
  static void choose(plan& p, bool tf32, const List& list, const Work& work) {
    Perf all[16];
    int found = 0;
    if (list(16, &found, all) != CUDNN_STATUS_SUCCESS) return;
    for (int i = 0; i < found && !p.usable; ++i) {
      const bool rounds = all[i].mathType == CUDNN_TENSOR_OP_MATH ||
                          all[i].mathType == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION;
      if (all[i].status != CUDNN_STATUS_SUCCESS || (rounds && !tf32) ||
          all[i].determinism != CUDNN_DETERMINISTIC)
        continue;
      if (tf32) check(cudnnSetConvolutionMathType(p.conv, all[i].mathType), "set math type");
      if (work(all[i].algo) != CUDNN_STATUS_SUCCESS) continue;
      p.algorithm = static_cast<int>(all[i].algo);
      p.usable = true;
    }
  }
};

}  // namespace cardiomm::inline CARDIOMM_ABI::nn::detail

#endif
#endif
