// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_TRAIN_MASKED_HPP
#define CARDIOMM_TRAIN_MASKED_HPP
/// \file
/// Undersampled samples from fully sampled frames.

#include <memory>

#include "cardiomm/train/augment.hpp"
#include "cardiomm/train/mask_mixture.hpp"

namespace cardiomm::inline CARDIOMM_ABI::train {

/// The frame seen through a mask: k-space is zero (never -0) where nothing was sampled, all
/// neighbours have the same mask. Groups: those of the frame, `vendor`, `field`, `scanner`,
/// `modality`, `view` and `lifespan` of the acquisition, `acceleration` and `family` of the mask.
inline sample undersampled(const full_frame& f, const drawn_mask& m, train::groups known = {}) {
  const shape<4> s = shape_of(f.kspace);
  require<shape_error>(shape_of(m.mask) == shape{s[2], s[3]},
                       "undersampled: mask: expected (y, x) = ", shape{s[2], s[3]}, ", found ",
                       shape_of(m.mask));
  sample out;
  out.kspace = make_tensor<complex<float>>(host_space{}, s, "cardiomm::train::kspace");
  const index_t image = s[2] * s[3];
  for (index_t p = 0; p < s[0] * s[1]; ++p) {
    const complex<float>* const from = f.kspace.data() + p * image;
    complex<float>* const to = out.kspace.data() + p * image;
    for (index_t i = 0; i < image; ++i)
      to[i] = m.mask.data()[i] ? complex<float>(from[i].real() + 0.f, from[i].imag() + 0.f)
                               : complex<float>(0, 0);
  }
  out.mask = m.mask;
  out.target = f.target;
  out.data_range = f.data_range;
  out.acs = m.acs;
  out.acquisition = f.acquisition;
  out.sampling.acceleration = m.acceleration;
  out.sampling.family = m.family == "gaussian" ? "random" : m.family;
  out.subject = f.subject;
  out.name = f.name;
  out.groups = std::move(known);
  const std::pair<const char*, const std::string*> said[] = {
      {"vendor", &f.acquisition.vendor},   {"field", &f.acquisition.field},
      {"scanner", &f.acquisition.scanner}, {"modality", &f.acquisition.modality},
      {"view", &f.acquisition.view},       {"lifespan", &f.acquisition.lifespan}};
  for (const auto& [key, value] : said) out.groups.emplace(key, *value);
  out.groups["acceleration"] = std::to_string(m.acceleration);
  out.groups["family"] = m.family;
  return out;
}

/// Frames of a source, changed and masked anew in every epoch. For validation ask for epoch 0
/// always, and leave the augmentation out: then every frame keeps its mask.
///
///     const train::masked training(frames, train::mask_mixture({}, seed), change);
class masked : public source<sample> {
 public:
  masked(std::shared_ptr<const source<full_frame>> frames, mask_mixture masks = mask_mixture(),
         augmentation change = {})
      : frames_(std::move(frames)), masks_(std::move(masks)), change_(std::move(change)) {
    require(frames_ != nullptr, "masked: expected a source of frames, found none");
  }

  index_t size() const override { return frames_->size(); }
  sample get(std::uint64_t epoch, index_t i) const override {
    const full_frame f = change_(frames_->get(epoch, i), epoch, i);
    const auto ny = static_cast<index_t>(f.kspace.extent(2));
    const auto nx = static_cast<index_t>(f.kspace.extent(3));
    return undersampled(f, masks_.draw(epoch, i, ny, nx), groups_of(i));
  }
  /// Those of the frame; acceleration and family (of the mask) are known when the sample is there.
  /// What frames call family, of anatomies, is `anatomy` here.
  train::groups groups_of(index_t i) const override {
    train::groups known = frames_->groups_of(i);
    if (const auto family = known.find("family"); family != known.end()) {
      known["anatomy"] = family->second;
      known.erase(family);
    }
    known.erase("acceleration");
    return known;
  }
  std::string description() const override {
    const std::string changes = change_.description();
    return frames_->description() + "; " + (changes.empty() ? "" : changes + "; ") +
           masks_.description();
  }

 private:
  std::shared_ptr<const source<full_frame>> frames_;
  mask_mixture masks_;
  augmentation change_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::train

#endif
