// SPDX-License-Identifier: Apache-2.0
/// \file
/// Proximal operators as Python objects.

#include "prox.hpp"

#include <nanobind/stl/string.h>

#include "cardiomm/prox/frequency.hpp"
#include "cardiomm/prox/l1.hpp"
#include "cardiomm/prox/low_rank.hpp"
#include "cardiomm/prox/total_variation.hpp"
#include "cardiomm/prox/wavelet.hpp"

namespace binding {

namespace prox = cardiomm::prox;

namespace {

template <class P>
std::shared_ptr<const prox_node> leaf_of(P p) {
  return std::make_shared<prox_leaf<P>>(std::move(p));
}

/// In a solver few inner iterations that go on where the last call ended; alone until it is exact.
prox::total_variation_options variation_options(bool periodic, bool isotropic, bool inner) {
  prox::total_variation_options o;
  o.periodic = periodic;
  o.isotropic = isotropic;
  if (inner) {
    o.iterations = 20;
    o.tolerance = 0;
    o.warm = true;
  }
  return o;
}

}  // namespace

void bind_prox(nb::module_& m) {
  nb::class_<prox_handle>(m, "Prox", "A proximal operator; see cardiomm.prox.")
      .def_ro("name", &prox_handle::name)
      .def(
          "apply",
          [](const prox_handle& p, const complex_in<5>& x, double sigma) {
            const auto out = computed([&] {
              const space ex;
              const auto in = view_of(x);
              auto y = cardiomm::make_tensor<C>(ex, cardiomm::shape_of(in), "cardiomm::prox");
              p.make(cardiomm::shape_of(in), false)->prox(ex, in, sigma, y);
              ex.fence();
              return y;
            });
            return to_numpy(out);
          },
          nb::arg("x").noconvert(), "sigma"_a)
      .def(
          "value",
          [](const prox_handle& p, const complex_in<5>& x) {
            const computing now;
            const auto in = view_of(x);
            return p.make(cardiomm::shape_of(in), false)->value(space(), in);
          },
          nb::arg("x").noconvert());
  m.def(
      "prox_l1",
      [](double weight) {
        return prox_handle{"l1", [=](const shape<5>&, bool) {
                             return leaf_of(prox::l1<float, 5, space>(weight));
                           }};
      },
      "weight"_a);
  m.def(
      "prox_squares",
      [](double weight) {
        return prox_handle{"squares", [=](const shape<5>&, bool) {
                             return leaf_of(prox::l2_squared<float, 5, space>(weight));
                           }};
      },
      "weight"_a);
  m.def(
      "prox_wavelet",
      [](double weight, std::string wavelet, int levels, bool random_shift) {
        return prox_handle{
            "wavelet_l1", [=](const shape<5>& s, bool) {
              prox::wavelet_l1_options o;
              o.wavelet = wavelet;
              o.levels = levels;
              o.random_shift = random_shift;
              return leaf_of(prox::wavelet_l1<float, 5, space>(weight, s[3], s[4], o));
            }};
      },
      "weight"_a, "wavelet"_a, "levels"_a, "random_shift"_a);
  m.def(
      "prox_frequency",
      [](double weight, bool keep_mean) {
        return prox_handle{
            "frequency_l1", [=](const shape<5>& s, bool) {
              return leaf_of(prox::frequency_l1<float, space, 5>(weight, s[1], keep_mean));
            }};
      },
      "weight"_a, "keep_mean"_a);
  m.def(
      "prox_tv_time",
      [](double weight, bool periodic) {
        return prox_handle{"total_variation_in_time", [=](const shape<5>& s, bool inner) {
                             return leaf_of(prox::total_variation_in_time<float, space, 5>(
                                 weight, s, variation_options(periodic, true, inner)));
                           }};
      },
      "weight"_a, "periodic"_a);
  m.def(
      "prox_tv_space",
      [](double weight, bool periodic, bool isotropic) {
        return prox_handle{"total_variation_in_space", [=](const shape<5>& s, bool inner) {
                             return leaf_of(prox::total_variation_in_space<float, space, 5>(
                                 weight, s, variation_options(periodic, isotropic, inner)));
                           }};
      },
      "weight"_a, "periodic"_a, "isotropic"_a);
  m.def(
      "prox_low_rank",
      [](double weight, index_t block, std::string shift) {
        return prox_handle{"low_rank", [=](const shape<5>&, bool) {
                             prox::low_rank_options o;
                             o.block_y = o.block_x = block;
                             o.shift = shift == "cycle"    ? prox::block_shift::cycle
                                       : shift == "random" ? prox::block_shift::random
                                                           : prox::block_shift::none;
                             return leaf_of(prox::low_rank<float, space, 5>(weight, o));
                           }};
      },
      "weight"_a, "block"_a, "shift"_a);
}

}  // namespace binding
