// SPDX-License-Identifier: Apache-2.0
/// \file
/// The network CardioMM with weights of a file.

#include <nanobind/stl/map.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "binding.hpp"
#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/models/cardiomm.hpp"
#include "cardiomm/models/text_code.hpp"

namespace binding {

namespace {

namespace models = cardiomm::models;
namespace text = cardiomm::nn::text;
using network = models::cardiomm<float, space>;

struct loaded {
  holder_token token;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> warnings;
  std::optional<network> net;
  models::warm_start start;
};

std::shared_ptr<loaded> load(const std::string& path) {
  const cardiomm::io::safetensors_file file(path);
  auto made = std::make_shared<loaded>();
  made->metadata = file.metadata();
  const computing now;
  try {
    made->net.emplace(
        models::load_cardiomm<float>(space(), models::source_of(file), &made->warnings));
    const auto said = made->metadata.find("cardiomm.warm_start");
    if (said != made->metadata.end()) made->start = models::warm_start_of(said->second);
  } catch (const cardiomm::error& e) {
    throw cardiomm::value_error(path + ": " + e.what());
  }
  return made;
}

}  // namespace

void bind_network(nb::module_& m) {
  nb::class_<loaded>(m, "Network", "Weights of CardioMM; cardiomm.network wraps it.")
      .def_ro("metadata", &loaded::metadata)
      .def_ro("warnings", &loaded::warnings)
      .def_prop_ro("embedding", [](const loaded& n) { return n.net->sizes().embedding; })
      .def_prop_ro("cascades", [](const loaded& n) { return n.net->sizes().cascades; })
      .def_prop_ro("adjacent", [](const loaded& n) { return n.net->sizes().adjacent; })
      .def(
          "reconstruct",
          [](const loaded& n, const complex_in<4>& kspace, const mask_in& mask,
             const array_in<float, 2>& acquisition, const array_in<float, 2>& sampling, index_t acs,
             bool square, nb::object callback) {
            models::cardiomm_options o;
            o.acs = acs;
            o.rule = square ? models::acs_rule::square : models::acs_rule::lines;
            o.start = n.start;
            const auto listen = monitor_of(callback);
            o.progress = [&](index_t done, index_t total) {
              cardiomm::solve::progress at;
              at.iteration = int(done);
              at.iterations = int(total);
              if (!listen(at)) throw cardiomm::error("network: stopped by the callback");
            };
            const auto image = computed([&] {
              const space ex;
              const auto k = view_of(kspace);
              const auto s = cardiomm::shape_of(k);
              auto out = cardiomm::make_tensor<float>(ex, shape{s[0], s[2], s[3]});
              n.net->reconstruct(ex, k, mask_of(mask), view_of(acquisition), view_of(sampling), out,
                                 o);
              ex.fence();
              return out;
            });
            return to_numpy(image);
          },
          nb::arg("kspace").noconvert(), nb::arg("mask").noconvert(),
          nb::arg("acquisition").noconvert(), nb::arg("sampling").noconvert(), "acs"_a, "square"_a,
          "callback"_a.none());
  m.def("load_network", &load, "path"_a);
  m.def(
      "parse_metadata",
      [](const std::string& said) {
        const auto p = text::parse_metadata(said);
        return nb::make_tuple(p.acquisition, p.sampling, p.warnings);
      },
      "text"_a, "(sentence of the acquisition, of the sampling, warnings)");
  m.def(
      "acquisition_code",
      [](const std::string& sentence) {
        const auto code = computed(
            [&] { return models::acquisition_code<float>(models::metadata_of_prompt(sentence)); });
        return to_numpy(code);
      },
      "sentence"_a);
  m.def(
      "sampling_code",
      [](index_t acceleration, const std::string& family) {
        const auto code = computed([&] {
          return models::sampling_code<float>({acceleration, family});
        });
        return to_numpy(code);
      },
      "acceleration"_a, "family"_a);
}

}  // namespace binding
