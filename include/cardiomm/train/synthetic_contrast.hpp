// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_SYNTHETIC_CONTRAST_HPP
#define CARDIOMM_TRAIN_SYNTHETIC_CONTRAST_HPP
/// \file
/// Sequence, field strength, vendor and scanner of a synthetic subject, drawn so that they agree,
/// and the signals of its tissues by the formulas of mri/signal.hpp.

#include <array>

#include "cardiomm/mri/signal.hpp"
#include "cardiomm/nn/text/metadata.hpp"
#include "cardiomm/train/synthetic_random.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train::synthetic {

/// How tissues look.
struct contrast {
  static constexpr std::size_t tissues = static_cast<std::size_t>(mri::tissue::count);
  std::array<complex<float>, tissues> signal{};
  nn::text::metadata acquisition;
  bool balanced = false;  ///< bSSFP: may show bands
  double tr = 3, flip = 0.8, field = 1.5;
  double flow_phase = 0;  ///< largest phase of flowing blood, radians
  mri::relaxation_times typical{1000, 50, 1};

  complex<float> of(mri::tissue t) const { return signal[static_cast<std::size_t>(t)]; }
};

namespace detail {

struct machine {
  const char *vendor, *field, *scanner;
  double tesla;
};
/// Scanners of the public training data with the field that each has.
inline constexpr machine machines[] = {
    {"Siemens", "3.0T", "Vida", 3},      {"Siemens", "1.5T", "Aera", 1.5},
    {"Siemens", "1.5T", "Avanto", 1.5},  {"Siemens", "1.5T", "Sola", 1.5},
    {"Siemens", "3.0T", "Prisma", 3},    {"Siemens", "3.0T", "CIMA.X", 3},
    {"Siemens", "3.0T", "Skyra", 3},     {"Siemens", "0.55T", "Freemax", 0.55},
    {"UIH", "1.5T", "umr670", 1.5},      {"UIH", "1.5T", "umr680", 1.5},
    {"UIH", "3.0T", "umr780", 3},        {"UIH", "3.0T", "umr790", 3},
    {"UIH", "3.0T", "umr880", 3},        {"UIH", "5.0T", "Jupiter", 5},
    {"GE", "1.5T", "voyager", 1.5},      {"Philips", "3.0T", "Ingenia", 3},
    {"Philips", "3.0T", "IngeniaCX", 3},
};

enum class sequence { cine, spoiled, t1_spin_echo, t2_spin_echo, late_gadolinium, mapping, black };

}  // namespace detail

/// Draws sequence, times and scanner. `cardiac` chooses among the modalities of the heart.
inline contrast draw_contrast(draws& d, bool cardiac) {
  using detail::sequence;
  using mri::tissue;
  contrast c;
  const auto& m = detail::machines[d.below(std::size(detail::machines))];
  c.field = m.tesla;
  c.acquisition.vendor = m.vendor;
  c.acquisition.field = m.field;
  c.acquisition.scanner = m.scanner;
  if (d.chance(0.06)) c.acquisition.lifespan = "Pediatric";
  const double w = d.unit();
  sequence s;
  if (cardiac)
    s = w < .50   ? sequence::cine
        : w < .58 ? sequence::spoiled
        : w < .65 ? sequence::t1_spin_echo
        : w < .74 ? sequence::t2_spin_echo
        : w < .84 ? sequence::late_gadolinium
        : w < .93 ? sequence::mapping
                  : sequence::black;
  else
    s = w < .2   ? sequence::cine
        : w < .4 ? sequence::spoiled
        : w < .6 ? sequence::t1_spin_echo
        : w < .9 ? sequence::t2_spin_echo
                 : sequence::mapping;
  const double pi = 3.14159265358979323846;
  const double fat_hz = 147 * c.field;  // 3.45 ppm of 42.58 MHz / T
  const double dose = s == sequence::late_gadolinium ? d.uniform(.1, .3)
                      : d.chance(0.15)               ? d.uniform(.05, .4)
                                                     : 0;
  std::array<mri::relaxation_times, contrast::tissues> r;
  for (std::size_t t = 0; t < contrast::tissues; ++t) {
    const auto what = static_cast<tissue>(t);
    r[t] = mri::tissue_times(what, c.field);
    r[t].t1 *= d.spread(.10);
    r[t].t2 *= d.spread(.12);
    r[t].density *= d.spread(.06);
    const double taken =
        what == tissue::blood || what == tissue::venous_blood ? 1.0
        : what == tissue::fat || what == tissue::bone         ? 0.1
        : what == tissue::white_matter || what == tissue::grey_matter || what == tissue::fluid
            ? 0.02
            : 0.45;
    if (dose > 0) r[t].t1 = mri::enhanced_t1(r[t].t1, taken * dose);
  }
  c.typical = r[static_cast<std::size_t>(tissue::muscle)];
  const auto put = [&](std::size_t t, double magnitude, double phase) {
    c.signal[t] = complex<float>(static_cast<float>(magnitude * std::cos(phase)),
                                 static_cast<float>(magnitude * std::sin(phase)));
  };
  constexpr auto fat = static_cast<std::size_t>(tissue::fat);
  constexpr auto blood = static_cast<std::size_t>(tissue::blood);
  constexpr auto venous = static_cast<std::size_t>(tissue::venous_blood);
  switch (s) {
    case sequence::cine: {
      c.balanced = true;
      c.tr = d.uniform(2.6, 4.2);
      c.flip = d.uniform(30, c.field > 2 ? 60 : 80) * pi / 180;
      c.acquisition.modality = "cine";
      for (std::size_t t = 0; t < contrast::tissues; ++t) {
        const auto z = mri::balanced_steady_state(r[t], c.tr, c.flip,
                                                  t == fat ? 2 * pi * fat_hz * c.tr / 1000 : 0);
        c.signal[t] = complex<float>(static_cast<float>(z.real()), static_cast<float>(z.imag()));
      }
      const float inflow = static_cast<float>(d.uniform(1.0, 1.5));
      c.signal[blood] *= inflow;
      c.signal[venous] *= inflow;
      break;
    }
    case sequence::spoiled: {
      const double tr = d.uniform(2.5, 12), te = d.uniform(1.2, tr * .6);
      const double flip = d.uniform(6, 25) * pi / 180;
      const bool velocity = cardiac && d.chance(.5);
      c.acquisition.modality = velocity ? "phase contrast" : "perfusion";
      if (velocity) c.flow_phase = d.uniform(.3, pi);
      const double wait = velocity || !cardiac ? 0 : d.uniform(80, 250);
      for (std::size_t t = 0; t < contrast::tissues; ++t) {
        double v = mri::spoiled_gradient_echo(r[t], tr, te, flip, r[t].t2 / (1 + r[t].t2 / 60));
        if (wait > 0)
          v = mri::saturation_recovery(r[t], wait) * std::sin(flip) * std::exp(-te / r[t].t2);
        put(t, v, t == fat ? 2 * pi * fat_hz * te / 1000 : 0);
      }
      if (velocity) {
        c.signal[blood] *= static_cast<float>(d.uniform(1.3, 2.5));
        c.signal[venous] *= static_cast<float>(d.uniform(1.2, 2.2));
      }
      break;
    }
    case sequence::t1_spin_echo:
    case sequence::t2_spin_echo:
    case sequence::black: {
      const bool heavy = s == sequence::t2_spin_echo;
      const double te = heavy ? d.uniform(40, 110) : d.uniform(5, 25);
      const double tr = heavy ? d.uniform(1800, 5000) : d.uniform(400, 900);
      c.acquisition.modality = heavy                         ? "T2 weighted"
                               : s == sequence::t1_spin_echo ? "T1 weighted"
                                                             : "blackblood";
      for (std::size_t t = 0; t < contrast::tissues; ++t)
        put(t, std::fabs(mri::spin_echo(r[t], tr, te)), 0);
      if (cardiac || s == sequence::black) {  // double inversion, or outflow
        const float left =
            static_cast<float>(s == sequence::black ? d.uniform(0, .1) : d.uniform(0, .5));
        c.signal[blood] *= left;
        c.signal[venous] *= left;
      }
      if (d.chance(.25)) c.signal[fat] *= static_cast<float>(d.uniform(.02, .3));  // saturated
      break;
    }
    case sequence::late_gadolinium:
    case sequence::mapping: {
      const double tr = d.uniform(1500, 4000);
      const auto null = static_cast<std::size_t>(cardiac ? tissue::myocardium : tissue::fluid);
      const bool late = s == sequence::late_gadolinium;
      const double ti =
          late ? mri::null_time(r[null].t1, tr) * d.uniform(.9, 1.15) : d.log_uniform(100, 2500);
      const bool t2 = !late && d.chance(.4);
      const double te = d.uniform(0, 60);
      c.acquisition.modality = late       ? "late Gadolinium enhancement"
                               : t2       ? "T2 mapping"
                               : dose > 0 ? "T1 mapping post"
                                          : "T1 mapping";
      c.tr = d.uniform(2.4, 3.2);
      c.flip = d.uniform(20, 60) * pi / 180;
      for (std::size_t t = 0; t < contrast::tissues; ++t) {
        const double m =
            t2 ? r[t].density * std::exp(-te / r[t].t2) : mri::inversion_recovery(r[t], tr, ti);
        put(t, m * std::sin(c.flip) * std::exp(-c.tr / 2 / r[t].t2),
            t == fat ? 2 * pi * fat_hz * c.tr / 2000 : 0);
      }
      break;
    }
  }
  if (!cardiac) c.acquisition.modality = c.balanced ? "cine" : c.acquisition.modality;
  double mean = 0;  // of what bodies are mostly made of
  const tissue most[] = {tissue::fat, tissue::muscle, tissue::blood, tissue::liver,
                         tissue::grey_matter};
  for (const tissue t : most) mean += std::hypot(c.of(t).real(), c.of(t).imag()) / std::size(most);
  const float scale = static_cast<float>(0.4 / std::max(mean, 1e-6));
  for (auto& z : c.signal) z *= scale;
  return c;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::train::synthetic

#endif
