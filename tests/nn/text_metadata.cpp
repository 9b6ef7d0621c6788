// SPDX-License-Identifier: Apache-2.0
// Prompts and vocabulary: sentences of the specification, paths of the data's layout, pairs.
#include "cardiomm/nn/text/metadata.hpp"

#include <doctest/doctest.h>

using namespace cardiomm;
using namespace cardiomm::nn::text;

namespace {
std::string prompt_of(const std::string& file, const std::string& device = "Siemens_30T_Vida") {
  const metadata m = metadata_of_path("/data/Center005/" + device + "/P001/" + file);
  return m.modality + "/" + m.view;
}
}  // namespace

TEST_CASE("sentences") {
  CHECK(
      metadata_prompt({"Adult", "3.0T", "Siemens", "Vida", "cine", "short-axis"}) ==
      "Adult cardiac MRI reconstruction.Vendor: 3.0T, Siemens, Vida. Modality: cine, short-axis.");
  CHECK(metadata_prompt({" Adult", "3.0T", "GE ", "a \t b", "cine", "x"}) ==
        "Adult cardiac MRI reconstruction.Vendor: 3.0T, GE , a b. Modality: cine, x.");
  CHECK(undersampling_prompt(8, "uniform") == "Undersampling: 8x uniform.");
  CHECK_THROWS_AS(undersampling_prompt(0, "uniform"), value_error);
}

TEST_CASE("paths: the first keyword of the list wins") {
  CHECK(prompt_of("cine_sax.mat") == "cine/short-axis");
  CHECK(prompt_of("cine_lax_3ch.mat") == "cine/long-axis");
  CHECK(prompt_of("cine_ot.mat") == "cine/outflow tract");
  CHECK(prompt_of("cine_rvot.mat") == "cine/outflow tract");
  CHECK(prompt_of("cine.mat") == "cine/unknown");
  CHECK(prompt_of("T1map.mat") == "T1 mapping/short-axis");
  CHECK(prompt_of("T1mappost.mat") == "T1 mapping/short-axis");  // as the published list has it
  CHECK(prompt_of("T1rho_lax.mat") == "T1 rho mapping/long-axis");
  CHECK(prompt_of("T2map.mat") == "T2 mapping/short-axis");
  CHECK(prompt_of("T2smap.mat") == "T2 star mapping/short-axis");
  CHECK(prompt_of("aorta_sag.mat") == "cine/sagittal aorta");
  CHECK(prompt_of("aorta_tra.mat") == "cine/transversal aorta");
  CHECK(prompt_of("aorta.mat") == "cine/unknown");
  CHECK(prompt_of("tagging.mat") == "tagging/short-axis");
  CHECK(prompt_of("flow2d_inplane.mat") == "phase contrast/in-plane");
  CHECK(prompt_of("flow2d_throughplane.mat") == "phase contrast/through-plane");
  CHECK(prompt_of("flow2d.mat") == "phase contrast/through-plane");
  CHECK(prompt_of("perfusion.mat") == "perfusion/short-axis");
  CHECK(prompt_of("lge.mat") == "late Gadolinium enhancement/unknown");
  CHECK(prompt_of("lge_sax.mat") == "late Gadolinium enhancement/short-axis");
  CHECK(prompt_of("blackblood.mat") == "blackblood/short-axis");
  CHECK(prompt_of("T1w.mat") == "T1 weighted/short-axis");
  CHECK(prompt_of("T2w_lax.mat") == "T2 weighted/long-axis");
  CHECK_THROWS_AS(prompt_of("scan.mat"), value_error);
  CHECK_THROWS_AS(prompt_of("Cine.mat"), value_error);  // case matters
  // the whole path is searched
  CHECK(metadata_of_path("medicine/c/GE_15T_voyager/P1/lge_sax.mat").modality == "cine");
}

TEST_CASE("paths: device, lifespan, sampling") {
  const auto m = metadata_of_path("x/Pediatric/Center001/UIH_055T_umr670/P001/lge_lax.mat");
  CHECK(m.lifespan == "Pediatric");
  CHECK(m.field == "0.55T");
  CHECK(m.vendor == "UIH");
  CHECK(m.scanner == "umr670");
  CHECK(m.view == "long-axis");
  CHECK(metadata_of_path("C/GE_70T_new/P/lge").field == "70T");
  CHECK(metadata_of_path("Fetal/C/GE_15T_new/P/lge").lifespan == "Fetal");
  CHECK(metadata_of_path("C/GE_50T_new/P/lge").field == "5.0T");
  CHECK_THROWS_AS(metadata_of_path("lge.mat"), value_error);
  CHECK_THROWS_AS(metadata_of_path("C/GE_15T/P/lge"), value_error);
  CHECK_THROWS_AS(metadata_of_path("C/GE_15T_a_b/P/lge"), value_error);
  const auto sampling = [](const std::string& path) {
    const auto u = undersampling_of_path(path);
    return undersampling_prompt(u.acceleration, u.family);
  };
  CHECK(sampling("P/cine_sax_kus_Uniform8.mat") == "Undersampling: 8x uniform.");
  CHECK(sampling("P/cine_sax_kus_ktGaussian16.mat") == "Undersampling: 16x random.");
  CHECK(sampling("P/cine_Random12_Radial4.mat") == "Undersampling: 12x random.");
  CHECK(sampling("P/cine_ktRadial24.mat") == "Undersampling: 24x radial.");
  CHECK_THROWS_AS(sampling("P/cine_Uniform.mat"), value_error);
  CHECK_THROWS_AS(sampling("P/cine_uniform8.mat"), value_error);
}

TEST_CASE("pairs") {
  const auto p = parse_metadata(
      "field=30T, vendor=siemens,scanner = Vida , modality=T1MAP, view=sax, sampling=ktGaussian, "
      "acceleration=8x");
  CHECK(p.acquisition ==
        "Adult cardiac MRI reconstruction.Vendor: 3.0T, Siemens, Vida. Modality: T1 mapping, "
        "short-axis.");
  CHECK(p.sampling == "Undersampling: 8x random.");
  CHECK(p.warnings.empty());
  const auto q = parse_metadata("modality=late gadolinium enhancement, lifespan=fetal");
  CHECK(q.acquisition ==
        "Fetal cardiac MRI reconstruction.Vendor: unknown, unknown, unknown. Modality: late "
        "Gadolinium enhancement, unknown.");
  CHECK(q.sampling.empty());
  REQUIRE(q.warnings.size() == 1);
  CHECK(q.warnings[0] ==
        "metadata: not said: field, vendor, scanner, view; the prompt says 'unknown'");
  const auto r = parse_metadata(
      "path=/d/Center001/UIH_30T_umr780/P001/cine_sax_Uniform10.mat,"
      "scanner=uMR Omega");
  CHECK(r.acquisition ==
        "Adult cardiac MRI reconstruction.Vendor: 3.0T, UIH, uMR Omega. Modality: cine, "
        "short-axis.");
  CHECK(r.sampling == "Undersampling: 10x uniform.");
  REQUIRE(r.warnings.size() == 1);
  CHECK(r.warnings[0].find("scanner 'uMR Omega' is not in the vocabulary") != std::string::npos);
}

TEST_CASE("sentences of users") {
  const std::string known =
      "Adult cardiac MRI reconstruction.Vendor: 3.0T, Siemens, Vida. Modality: cine, short-axis.";
  auto p = parse_metadata("  " + known + "\n Undersampling: 8x  uniform. ");
  CHECK(p.acquisition == known);
  CHECK(p.sampling == "Undersampling: 8x uniform.");
  CHECK(p.warnings.empty());
  p = parse_metadata(known);
  CHECK(p.sampling.empty());
  CHECK(p.warnings.empty());
  p = parse_metadata(
      "Adult cardiac MRI reconstruction.Vendor: 0.55T, Siemens, Nova. Modality: cine, short-axis.");
  CHECK(p.acquisition.find("Nova") != std::string::npos);
  CHECK(p.warnings.size() == 1);
  p = parse_metadata("A heart. Undersampling: some.");
  CHECK(p.acquisition == "A heart.");
  CHECK(p.warnings.size() == 2);
}

TEST_CASE("what cannot be read") {
  for (const char* text :
       {"", "  ", "vendor=Siemens, cine", "vendor=", "vendor=GE, vendor=UIH", "colour=red",
        "sampling=uniform", "acceleration=8", "sampling=uniform, acceleration=fast",
        "sampling=uniform, acceleration=0", "sampling=uniform, acceleration=-8", "path=lge.mat"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_metadata(text), value_error);
  }
}
