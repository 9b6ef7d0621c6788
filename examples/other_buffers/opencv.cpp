// SPDX-License-Identifier: Apache-2.0
// Buffers of OpenCV, without a copy: the library works in place on the pixels of a cv::Mat.
#include <cstdio>
#include <opencv2/core.hpp>

#include "cardiomm/core/runtime.hpp"
#include "cardiomm/linop/fourier.hpp"

using namespace cardiomm;

// A complex picture as (frame, slice, y, x), the same memory. Throws for other types, and for parts
// of pictures, whose rows do not follow each other; clone() those.
view<complex<float>, 4, host_space> as_image(cv::Mat& m) {
  require<shape_error>(m.dims == 2 && m.type() == CV_32FC2,
                       "as_image: expected a CV_32FC2 picture");
  require<shape_error>(m.isContinuous(),
                       "as_image: expected continuous rows, found a part of a Mat");
  return borrow(host_space(), m.ptr<complex<float>>(), shape<4>{{1, 1, m.rows, m.cols}});
}

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  cv::Mat picture(48, 64, CV_32FC2), original;
  cv::theRNG().state = 1;
  cv::randn(picture, 0, 1);
  picture.copyTo(original);
  const auto* const before = picture.data;

  const auto x = as_image(picture);
  const linop::fourier_op<float, 4, host_space> fourier;
  linop::apply(host_space(), fourier, x, x);  // in place: the transform allows it

  // OpenCV sees k-space: its centre is the sum of the picture, its energy that of the picture.
  const cv::Vec2f centre = picture.at<cv::Vec2f>(24, 32);
  const cv::Scalar sum = cv::sum(original) / std::sqrt(48. * 64.);
  const double off = std::hypot(centre[0] - sum[0], centre[1] - sum[1]);
  const double energy = std::abs(cv::norm(picture) / cv::norm(original) - 1);
  linop::apply_adjoint(host_space(), fourier, x, x);
  const double back = cv::norm(picture, original) / cv::norm(original);

  bool refused = false;  // a part of a picture is not one piece of memory
  try {
    cv::Mat part = picture(cv::Rect(8, 8, 16, 16));
    as_image(part);
  } catch (const shape_error&) {
    refused = true;
  }
  const bool same = picture.data == before && (const void*)x.data() == before;
  const bool right = off < 1e-4 && energy < 1e-5 && back < 1e-5;
  std::printf("same memory: %s\n", same ? "yes" : "no");
  std::printf("k-space seen by OpenCV: %s\n", right ? "yes" : "no");
  std::printf("a part of a picture is refused: %s\n", refused ? "yes" : "no");
  return same && right && refused ? 0 : 1;
}
