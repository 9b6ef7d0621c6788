// SPDX-License-Identifier: Apache-2.0
/// \file
/// `cardiomm dicom`: images as a DICOM series.

#include "cardiomm/io/dicom.hpp"

#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/nifti.hpp"
#include "common.hpp"
#include "magnitude.hpp"

namespace program {
namespace {

struct dicom_command {
  std::string image, out, spacing;
  double frame_time = 0;
  io::dicom_series series;
  axes_option given;
};

void run(dicom_command c, const common_options& common) {
  const opened file = open_array(c.image);
  const auto image = load_magnitude<float>(c.image, c.given);
  const auto s = cardiomm::shape_of(image.values);
  geometry voxel = file.voxel;
  if (!c.spacing.empty()) {
    std::vector<double> sizes;
    for (std::size_t at = 0; at <= c.spacing.size();) {
      const std::size_t end = std::min(c.spacing.find(',', at), c.spacing.size());
      const auto v = io::to_number(c.spacing.substr(at, end - at));
      require<value_error>(v && std::isfinite(*v) && *v > 0,
                           "--spacing: expected three numbers DZ,DY,DX above 0, found '", c.spacing,
                           "'");
      sizes.push_back(*v);
      at = end + 1;
    }
    require<value_error>(sizes.size() == 3,
                         "--spacing: expected three numbers DZ,DY,DX above 0, found '", c.spacing,
                         "'");
    voxel = {sizes[0], sizes[1], sizes[2], voxel.dt};
  }
  require<value_error>(voxel.known(), c.image,
                       ": expected the size of a voxel, found none; give --spacing DZ,DY,DX in mm");
  if (voxel.dz <= 0) voxel.dz = 1;
  c.series.frame_time = c.frame_time > 0 ? c.frame_time : 1000 * voxel.dt;
  if (s[0] == 1 && c.frame_time <= 0) c.series.frame_time = 0;
  const double thickness = c.series.where.thickness;
  if (file.kind == format::nifti && c.spacing.empty())
    c.series.where = naming(c.image + ": ", [&] {
      return io::dicom_geometry::of_affine(io::open_nifti(c.image).affine);
    });
  else
    c.series.where = io::dicom_geometry::axial(voxel.dz, voxel.dy, voxel.dx, s[1], s[2], s[3]);
  c.series.where.thickness = thickness;
  progress p(common);
  p.stage("writing " + c.out);
  const auto files = io::write_dicom(c.out, image.values, c.series, common.policy());
  p.clear();
  if (common.as_json) {
    std::cout << dump({{"folder", c.out},
                       {"files", files.size()},
                       {"frames", s[0]},
                       {"slices", s[1]},
                       {"rows", s[2]},
                       {"columns", s[3]},
                       {"spacing_mm", {voxel.dz, voxel.dy, voxel.dx}},
                       {"frame_time_ms", c.series.frame_time}})
              << "\n";
    return;
  }
  std::printf("%s: %zu files of %lld x %lld, %lld slices, %lld frames\n", c.out.c_str(),
              files.size(), static_cast<long long>(s[2]), static_cast<long long>(s[3]),
              static_cast<long long>(s[1]), static_cast<long long>(s[0]));
}

}  // namespace

action add_dicom(CLI::App& app, common_options& common) {
  auto c = std::make_shared<dicom_command>();
  auto& command =
      add_command(app, "dicom", "Images as a DICOM series (MR Image Storage)",
                  "  cardiomm dicom image.nii.gz --out series/ --patient-id P001\n"
                  "  cardiomm dicom cine.npy --out series/ --spacing 8,1.4,1.4 --frame-time 40 \\\n"
                  "      --series-description \"CardioMM R 8\"\n"
                  "A file for each slice and frame, 16 bits with slope and intercept. Position and "
                  "spacing are\n"
                  "those of NIfTI files; other images lie axially around the origin.",
                  common);
  command.add_option("image", c->image, "Image; complex values are written as magnitude")
      ->required();
  command.add_option("--out", c->out, "Folder, which appears when it is complete")->required();
  command.add_option("--spacing", c->spacing, "Size of a voxel in mm: DZ,DY,DX");
  command.add_option("--frame-time", c->frame_time, "Time from frame to frame in ms");
  auto& s = c->series;
  command.add_option("--patient-id", s.patient_id, "Patient ID")->capture_default_str();
  command.add_option("--patient-name", s.patient_name, "Patient's name, FAMILY^GIVEN")
      ->capture_default_str();
  command.add_option("--study-description", s.study_description, "Study description");
  command.add_option("--study-date", s.study_date, "Study date, YYYYMMDD");
  command.add_option("--series-description", s.series_description, "Series description")
      ->capture_default_str();
  command.add_option("--series-number", s.series_number, "Series number")->capture_default_str();
  command.add_option("--thickness", s.where.thickness,
                     "Slice thickness in mm, if slices have gaps");
  command.add_option("--uid-root", s.uid_root,
                     "Root of the unique identifiers; else they are made of UUIDs (2.25)");
  add_axes(command, c->given);
  return [c](const common_options& options) { run(*c, options); };
}

}  // namespace program
