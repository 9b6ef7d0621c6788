// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_ANALYSIS_OVERLAP_HPP
#define CARDIOMM_ANALYSIS_OVERLAP_HPP
/// \file
/// How far two segmentations agree voxel by voxel: Dice, Jaccard and their kin. Surfaces are
/// compared by `surface_distance.hpp`. All of it runs on the host.

#include <cstdint>
#include <limits>

#include "cardiomm/core/tensor.hpp"

namespace cardiomm::inline CARDIOMM_ABI::analysis {

/// Counts of voxels of a segmentation against a reference, and the scores made of them. A score
/// whose denominator is zero is NaN: Dice of two empty masks is undefined, that of an empty
/// segmentation of something that is there is 0.
struct overlap {
  index_t both = 0;            ///< in both (true positive)
  index_t only_segmented = 0;  ///< false positive
  index_t only_reference = 0;  ///< false negative
  index_t neither = 0;         ///< true negative

  index_t segmented() const { return both + only_segmented; }
  index_t reference() const { return both + only_reference; }

  /// 2 |A and B| / (|A| + |B|), also known as the F1 score
  double dice() const { return ratio(2 * both, segmented() + reference()); }
  /// |A and B| / |A or B|
  double jaccard() const { return ratio(both, both + only_segmented + only_reference); }
  /// Part of the reference that was found (recall).
  double sensitivity() const { return ratio(both, reference()); }
  /// Part of the background that was left alone.
  double specificity() const { return ratio(neither, neither + only_segmented); }
  /// Part of the segmentation that is right.
  double precision() const { return ratio(both, segmented()); }
  /// (|A| - |B|) / |B|, B the reference: positive where too much was segmented.
  double relative_volume_difference() const {
    return ratio(segmented() - reference(), reference());
  }

 private:
  static double ratio(index_t a, index_t b) {
    return b == 0 ? std::numeric_limits<double>::quiet_NaN()
                  : static_cast<double>(a) / static_cast<double>(b);
  }
};

namespace detail {
template <TensorView V>
constexpr bool host_readable =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, typename V::memory_space>::accessible;

template <TensorView A, TensorView B>
void require_same_grid(const char* what, const A& segmentation, const B& reference) {
  static_assert(rank_of<A> == rank_of<B>, "masks of the same rank");
  static_assert(host_readable<A> && host_readable<B>, "masks in host memory; see to_host");
  require<shape_error>(shape_of(segmentation) == shape_of(reference), what, ": expected the shape ",
                       shape_of(reference), " of the reference, found ", shape_of(segmentation));
}
}  // namespace detail

/// Counts of two masks of any rank; every value but 0 is inside. Throws shape_error if their shapes
/// differ.
template <TensorView A, TensorView B>
overlap compare_masks(const A& segmentation, const B& reference) {
  detail::require_same_grid("overlap", segmentation, reference);
  const auto *a = segmentation.data(), *end = a + segmentation.size();
  const auto* b = reference.data();
  index_t both = 0, in_a = 0, in_b = 0;
  for (; a != end; ++a, ++b) {
    const bool p = *a != 0, q = *b != 0;
    both += p && q;
    in_a += p;
    in_b += q;
  }
  const auto all = static_cast<index_t>(segmentation.size());
  return {both, in_a - both, in_b - both, all - in_a - in_b + both};
}

/// The mask, 0 and 1, of one label.
template <TensorView V>
auto mask_of_label(const V& labels, element_of<V> label) {
  static_assert(detail::host_readable<V>, "labels in host memory; see to_host");
  const auto mask = make_tensor<std::uint8_t>(host_space{}, shape_of(labels));
  const auto* in = labels.data();
  std::uint8_t* out = mask.data();
  for (std::size_t i = 0; i < mask.size(); ++i) out[i] = in[i] == label;
  return mask;
}

}  // namespace cardiomm::inline CARDIOMM_ABI::analysis

#endif
