// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TESTS_TRAIN_TINY_HPP
#define CARDIOMM_TESTS_TRAIN_TINY_HPP
/// \file
/// The smallest CardioMM and something to train it on: images of a few smooth blobs in two coils.

#include "cardiomm/fft/transform.hpp"
#include "cardiomm/train/reconstruction_task.hpp"
#include "cardiomm/train/start.hpp"

namespace cardiomm_tests {

using namespace cardiomm;

inline models::cardiomm_sizes tiny_sizes() {
  models::unet_sizes u;
  u.first = 4;
  u.bottleneck = 1;
  u.reduction = 2;
  u.embedding = models::text_code_length;
  u.levels = {{6, 1, 1, 1, 2, 2, 4}};
  models::cardiomm_sizes s;
  s.cascades = 1;
  s.embedding = models::text_code_length;
  s.image = s.sensitivity = u;
  return s;
}

using tiny_task = train::reconstruction_task<float, default_space>;

/// A network of its own with its task.
struct tiny_run {
  default_space ex;
  models::cardiomm<float> net;
  tiny_task task;
  explicit tiny_run(std::uint64_t seed = 1, const train::reconstruction_options& o = {})
      : net(ex, tiny_sizes()), task(ex, started(ex, net, seed), train::code_texts<float>(), o) {}
  static const models::cardiomm<float>& started(const default_space& ex,
                                                const models::cardiomm<float>& net,
                                                std::uint64_t seed) {
    train::start_values(ex, net.parameters(), seed);
    return net;
  }
};

/// Blobs with every second line left out beside the centre.
class tiny_source : public train::source<train::sample> {
 public:
  bool broken = false;  ///< the second sample has a NaN

  tiny_source(index_t n, std::uint64_t seed) : n_(n), seed_(seed) {}
  index_t size() const override { return n_; }
  std::string description() const override {
    return "blobs " + std::to_string(n_) + " " + std::to_string(seed_);
  }
  train::sample get(std::uint64_t epoch, index_t i) const override {
    constexpr index_t ny = 16, nx = 14, coils = 2;
    train::sample s;
    s.kspace = make_tensor<complex<float>>(host_space(), shape<4>{{1, coils, ny, nx}});
    s.mask = make_tensor<std::uint8_t>(host_space(), shape<2>{{ny, nx}});
    s.target = make_tensor<float>(host_space(), shape<2>{{ny, nx}});
    const host_space ex;
    const auto image = make_tensor<complex<float>>(ex, shape<4>{{1, coils, ny, nx}});
    const random::words draws = random::bits(seed_, std::uint64_t(i), 1);
    const double cy = 5 + 6 * random::unit(draws.w[0]), cx = 4 + 5 * random::unit(draws.w[1]);
    s.data_range = 0;
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        const double d = (y - cy) * (y - cy) + (x - cx) * (x - cx);
        const double v = std::exp(-d / 9) + 0.3 * std::exp(-d / 40);
        const double c = double(y) / ny;
        image(0, 0, y, x) = complex<float>(float(v * c), 0);
        image(0, 1, y, x) = complex<float>(0, float(v * std::sqrt(1 - c * c)));
        s.target(y, x) = float(v);
        s.data_range = std::max(s.data_range, s.target(y, x));
        s.mask(y, x) = std::uint64_t(y) % 2 == epoch % 2 || (y >= 6 && y < 11);
      }
    // centred and orthonormal, by its definition
    for (index_t c = 0; c < coils; ++c)
      for (index_t ky = 0; ky < ny; ++ky)
        for (index_t kx = 0; kx < nx; ++kx) {
          std::complex<double> sum = 0;
          for (index_t y = 0; y < ny; ++y)
            for (index_t x = 0; x < nx; ++x) {
              const double turn = -6.283185307179586 * (double((ky - ny / 2) * (y - ny / 2)) / ny +
                                                        double((kx - nx / 2) * (x - nx / 2)) / nx);
              const auto v = image(0, c, y, x);
              sum += std::complex<double>(v.real(), v.imag()) * std::polar(1.0, turn);
            }
          sum /= std::sqrt(double(ny * nx));
          const bool in = s.mask(ky, kx) != 0;
          s.kspace(0, c, ky, kx) =
              in ? complex<float>(float(sum.real()), float(sum.imag())) : complex<float>(0, 0);
        }
    s.acs = 5;
    s.acquisition.vendor = i % 2 ? "GE" : "Siemens";
    s.sampling = {2, "uniform"};
    s.subject = "blob " + std::to_string(i);
    s.name = s.subject + " frame";
    s.groups = {{"vendor", s.acquisition.vendor}};
    if (broken && i == 1) {
      s.name = "broken frame";
      s.kspace(0, 0, ny / 2, nx / 2) = complex<float>(NAN, 0);
    }
    return s;
  }

 private:
  index_t n_;
  std::uint64_t seed_;
};

}  // namespace cardiomm_tests

#endif
