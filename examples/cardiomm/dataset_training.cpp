// SPDX-License-Identifier: Apache-2.0
/// \file
/// Training files: one .h5 for each measurement, as the published preparation writes them.

#include "dataset_training.hpp"

#include <set>

#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/fastmri.hpp"
#include "cardiomm/nn/text/metadata.hpp"

namespace program {

namespace fs = std::filesystem;

std::string patient_of(const io::dataset_scan& s, const std::string& root) {
  return folder_of(s, root, "");
}

std::vector<split_entry> split_patients(const std::vector<io::dataset_scan>& scans,
                                        const std::string& root) {
  std::map<std::string, std::map<std::string, std::string>> by_modality;  // path -> patient
  for (const auto& s : scans) {
    if (s.kspace.empty() || s.layout == io::dataset_layout::plain) continue;
    const bool numbered = s.patient.size() == 4 && (s.patient[0] == 'P' || s.patient[0] == 'p') &&
                          s.patient.find_first_not_of("0123456789", 1) == std::string::npos;
    if (!numbered) continue;
    const std::string modality = (s.coils.empty() ? "" : s.coils + "/") +
                                 fs::path(s.folder).parent_path().filename().string();
    by_modality[modality][fs::path(s.kspace).parent_path().string()] = patient_of(s, root);
  }
  std::vector<split_entry> all;
  for (const auto& [modality, patients] : by_modality) {
    const auto train = static_cast<std::size_t>(std::nearbyint(0.9 * double(patients.size())));
    std::size_t i = 0;
    for (const auto& entry : patients) {
      char number[32];
      std::snprintf(number, sizeof number, "P%04zu", i + 1);
      all.push_back({modality, i < train ? "train" : "val", number, entry.second});
      ++i;
    }
  }
  return all;
}

std::string split_text(const std::vector<split_entry>& all) {
  std::string text = io::csv_line({"Modality", "Part", "Number", "Patient"});
  for (const auto& e : all) text += io::csv_line({e.modality, e.part, e.number, e.patient});
  return text;
}

void write_training(dataset_task& t, const std::string& relative, const io::dataset_scan& s,
                    const opened& file, const source& from, const image_stack& images) {
  using enum axis;
  const index_t coils = from.extent(coil), ny = images.ny, nx = images.nx;
  cardiomm::nn::text::metadata m;
  try {
    m = cardiomm::nn::text::metadata_of_path(
        s.modality + "/" + s.set + "/" +
        (s.layout == io::dataset_layout::cmrxrecon2025
             ? s.inner
             : "Center/" + s.device.vendor + "_30T_" + s.device.scanner + "/" + s.patient) +
        "/" + s.name + ".mat");
  } catch (const cardiomm::error&) {
    m.view = s.view.empty() ? "unknown" : s.view;
  }
  const io::fastmri_scan scan = {s.centre.empty() ? "unknown" : s.centre,
                                 m.vendor,
                                 m.field,
                                 m.scanner,
                                 m.modality,
                                 m.view,
                                 m.lifespan,
                                 t.work.at("patient_id").get<std::string>()};
  extents shape = {coils, ny, nx};
  if (images.frames > 1 || has(from.order, slice)) shape.insert(shape.begin(), images.slices);
  if (images.frames > 1 || (has(from.order, slice) && has(from.order, frame)))
    shape.insert(shape.begin(), images.frames);
  io::fastmri_output out(t.output(relative), shape, scan, 0, t.policy);
  const index_t each = coils * ny * nx;
  std::vector<complex<float>> data(static_cast<std::size_t>(images.slices * each));
  for (index_t f = 0; f < images.frames; ++f) {
    read_ordered(file, from, {frame, slice, coil, y, x}, data.data(), {{frame, f, 1}});
    for (index_t z = 0; z < images.slices; ++z) out.add(data.data() + z * each, images.plane(f, z));
  }
  out.commit();
}

}  // namespace program
