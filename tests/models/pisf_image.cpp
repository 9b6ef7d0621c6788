// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/models/pisf_image.hpp"

#include "cardiomm/mri/reconstruct.hpp"
#include "support/layer_reference.hpp"

using namespace cardiomm;
using cardiomm_tests::worst;
using Ex = default_space;

namespace {

template <class V>
auto reals(const V& v) {
  using T = real_of<element_of<V>>;
  return borrow(Ex(), reinterpret_cast<const T*>(v.data()), shape{index_t(2 * v.size())});
}
template <class T>
tensor<complex<T>, 5, Ex> noise(const shape<5>& s) {
  return nn::check::detail::noise<complex<T>>(Ex(), s, 1, 1);
}
host_tensor<std::uint8_t, 3> ones(index_t ny, index_t nx) {
  const auto m = make_tensor<std::uint8_t>(host_space(), shape{index_t(1), ny, nx});
  std::fill_n(m.data(), m.size(), std::uint8_t(1));
  return m;
}
/// A network whose phases are their data steps: eta1 = 0, Psi3 = 0, residual.
template <class T>
models::pisf<T, Ex> data_steps(index_t coils) {
  const Ex ex;
  models::pisf_sizes sizes{2, coils, 4, 3, 2, 2};
  sizes.residual = true;
  const models::pisf<T, Ex> net(ex, sizes, 1);
  for (const auto& [name, p] : net.parameters())
    if (name.find("eta1") != std::string::npos ||
        name.find("image_synthesis.1.") != std::string::npos)
      Kokkos::deep_copy(p.value(), T(0));
  return net;
}

}  // namespace

TEST_CASE("hybrid lines are the rows of images, and give k-space back") {
  const Ex ex;
  const auto k = noise<double>(shape<5>{{1, 1, 3, 14, 11}});
  const auto planes = borrow(ex, k.data(), shape<3>{{3, 14, 11}});
  const auto lines = models::hybrid_lines(ex, planes, 5);
  REQUIRE(shape_of(lines) == shape<3>{{11, 14, 5}});
  CHECK(worst(reals(models::planes_of_hybrid(ex, lines, 3)), reals(planes)) <= 1e-14);
  // A line transformed along y is a column of the image.
  const auto image = make_tensor<complex<double>>(ex, shape<3>{{3, 14, 11}});
  fft::ifft(ex, planes, image);
  fft::ifft(ex, lines, lines, {1});
  double error = 0;
  for (index_t c = 0; c < 5; ++c)
    for (index_t y = 0; y < 14; ++y)
      for (index_t x = 0; x < 11; ++x) {
        const auto want = c < 3 ? image(c, y, x) : complex<double>(0, 0);
        error = std::max(error, std::sqrt(abs2(lines(x, y, c) - want)));
      }
  CHECK(error <= 1e-14);
  CHECK_THROWS_AS(models::hybrid_lines(ex, planes, 2), shape_error);
}

TEST_CASE("with all lines sampled the image comes back") {
  const Ex ex;
  for (const bool trained : {false, true}) {
    // Any network at all, where samples are put back; one of data steps where they are not.
    models::pisf_sizes sizes{2, 4, 6, 3, 2, 2};
    const auto net = trained ? models::pisf<double, Ex>(ex, sizes, 1) : data_steps<double>(4);
    const auto k = noise<double>(shape<5>{{2, 2, 3, 20, 18}});
    models::pisf_image_options o;
    o.keep_samples = trained;
    o.batch = 7;
    o.enhance = 1;
    const auto full = models::reconstruct_lines<double, Ex>(ex, net, k, ones(20, 18), o);
    CHECK(worst(reals(full.kspace), reals(k)) <= 1e-12);
    CHECK(worst(mri::rss(ex, full.kspace), mri::rss(ex, k)) <= 1e-12);
  }
  const auto net = data_steps<float>(4);
  const auto k = noise<float>(shape<5>{{1, 1, 4, 20, 18}});
  const auto full = models::reconstruct_lines<float, Ex>(ex, net, k, ones(20, 18));
  CHECK(worst(reals(full.kspace), reals(k)) <= 1e-6);
}

TEST_CASE("samples stay, the scale of the data is none of the result, coils are compressed") {
  const Ex ex;
  models::pisf_sizes sizes{2, 4, 6, 3, 2, 2};
  const models::pisf<float, Ex> net(ex, sizes, 1);
  const shape<5> s{{1, 1, 4, 24, 16}};
  const auto k = noise<float>(s);
  const auto mask = ones(24, 16);
  for (index_t y = 0; y < 24; ++y)
    for (index_t x = 0; x < 16; ++x) {
      mask(0, y, x) = (y >= 8 && y < 16) || y % 3 == 0;
      for (index_t c = 0; c < 4 && !mask(0, y, x); ++c) k(0, 0, c, y, x) = 0;
    }
  const auto a = models::reconstruct_lines<float, Ex>(ex, net, k, mask);
  bool filled = false;
  for (index_t c = 0; c < 4; ++c)
    for (index_t y = 0; y < 24; ++y)
      for (index_t x = 0; x < 16; ++x) {
        const auto d = a.kspace(0, 0, c, y, x) - k(0, 0, c, y, x);
        if (mask(0, y, x))
          CHECK(abs2(d) <= 1e-10f);
        else
          filled = filled || abs2(d) > 0;
      }
  CHECK(filled);
  const auto big = clone(ex, k);
  blas1::scale(ex, complex<float>(4096, 0), big);
  const auto b = models::reconstruct_lines<float, Ex>(ex, net, big, mask);
  blas1::scale(ex, complex<float>(1 / 4096.f, 0), b.kspace);
  CHECK(worst(reals(b.kspace), reals(a.kspace)) <= 1e-5);
  CHECK(b.scale(0, 0, 3) == doctest::Approx(4096 * double(a.scale(0, 0, 3))).epsilon(1e-5));

  // Six coils that are mixtures of four: nothing is lost.
  const auto six = zeros<complex<float>>(ex, shape<5>{{1, 1, 6, 24, 16}});
  for (index_t c = 0; c < 6; ++c)
    for (index_t i = 0; i < 24 * 16; ++i)
      six.data()[c * 384 + i] = k.data()[c % 4 * 384 + i] * (c < 4 ? 1.f : 0.5f);
  models::pisf_image_options o;
  o.enhance = 0;
  const auto net0 = data_steps<float>(4);
  const auto packed = models::reconstruct_lines<float, Ex>(ex, net0, six, mask, o);
  CHECK(packed.kspace.extent(2) == 4);
  CHECK(worst(mri::rss(ex, packed.kspace), mri::rss(ex, six)) <= 1e-4);
}

TEST_CASE("masks and shapes that do not fit are refused") {
  const Ex ex;
  const auto net = data_steps<float>(4);
  const auto k = noise<float>(shape<5>{{1, 1, 2, 12, 10}});
  const auto run = [&](const host_tensor<std::uint8_t, 3>& mask) {
    models::reconstruct_lines<float, Ex>(ex, net, k, mask);
  };
  CHECK_THROWS_AS(run(ones(12, 11)), shape_error);
  const auto points = ones(12, 10);
  points(0, 3, 4) = 0;
  CHECK_THROWS_WITH_AS(run(points), doctest::Contains("whole phase-encode lines"), value_error);
  CHECK_THROWS_AS((models::reconstruct_lines<float, Ex>(ex, net, k, ones(12, 10), {.batch = 0})),
                  value_error);
}
