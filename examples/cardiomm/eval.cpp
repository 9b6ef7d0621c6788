// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm eval`: PSNR, SSIM and NMSE of images against a reference.

#include "cardiomm/mri/metrics.hpp"

#include "common.hpp"
#include "magnitude.hpp"

namespace program {
namespace {

struct eval_command {
  std::string reference, image;
  int convention = 2025;
  axes_option given;
};

void run(const eval_command& c, const common_options& common) {
  const auto how = cardiomm::mri::normalisation_of_year(c.convention);
  const auto reference = load_magnitude<double>(c.reference, c.given);
  const auto image = load_magnitude<double>(c.image, c.given);
  require<shape_error>(cardiomm::shape_of(reference.values) == cardiomm::shape_of(image.values),
                       c.image, ": expected the shape ", reference.from.describe(), " of ",
                       c.reference, ", found ", image.from.describe());
  const auto q = cardiomm::mri::compare_stack(reference.values, image.values, how);
  json images = json::array();
  for (const auto& i : q.images)
    images.push_back({{"frame", i.frame},
                      {"slice", i.slice},
                      {"psnr", i.value.psnr},
                      {"ssim", i.value.ssim},
                      {"nmse", i.value.nmse}});
  if (common.as_json) {
    std::cout << dump({{"psnr", q.mean.psnr},
                       {"ssim", q.mean.ssim},
                       {"nmse", q.mean.nmse},
                       {"convention", c.convention},
                       {"count", q.images.size()},
                       {"empty_references", q.empty_references},
                       {"images", images}})
              << "\n";
    return;
  }
  std::printf("PSNR %.4f dB  SSIM %.6f  NMSE %.6g  (%zu images, convention %d", q.mean.psnr,
              q.mean.ssim, q.mean.nmse, q.images.size(), c.convention);
  if (q.empty_references > 0)
    std::printf(", %lld all-zero references left out", static_cast<long long>(q.empty_references));
  std::printf(")\n");
}

}  // namespace

action add_eval(CLI::App& app, common_options& common) {
  auto c = std::make_shared<eval_command>();
  auto& command = add_command(
      app, "eval", "PSNR, SSIM and NMSE of images against a reference",
      "  cardiomm eval --reference image.npy --image sense.npy --convention 2025 --json\n"
      "Each 2-D image is normalised by its own 99.5th percentile (2025), mean and deviation\n"
      "(2024) or maximum (2023), and so is its reference; the figures are means over the images.",
      common);
  command.add_option("--reference", c->reference, "Reference, (frame, slice, y, x) or fewer axes")
      ->required();
  command.add_option("--image", c->image, "Image to score; complex values count by magnitude")
      ->required();
  command.add_option("--convention", c->convention, "Challenge year: 2023, 2024 or 2025")
      ->capture_default_str();
  add_axes(command, c->given);
  return [c](const common_options& options) { run(*c, options); };
}

}  // namespace program
