// SPDX-License-Identifier: Apache-2.0
/// \file
/// Training files: one .h5 for each measurement, as the published preparation writes them.

#include "dataset_training.hpp"

#include <set>

#include "cardiomm/io/csv.hpp"
#include "cardiomm/io/hdf5_output.hpp"
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
  using value = complex<float>;
  const index_t coils = from.extent(coil), ny = images.ny, nx = images.nx;
  const index_t n = images.frames * images.slices;
  io::hdf5_output out(t.output(relative), t.policy);
  out.create("kspace", io::dtype::c64, {n, coils, nx, ny});
  out.create("reconstruction_rss", io::dtype::f32, {n, nx, ny});
  std::vector<value> data(static_cast<std::size_t>(images.slices * coils * ny * nx)),
      turned(static_cast<std::size_t>(coils * ny * nx));
  std::vector<float> plane(static_cast<std::size_t>(ny * nx));
  double most = 0, squares = 0;
  for (index_t f = 0; f < images.frames; ++f) {
    read_ordered(file, from, {frame, slice, coil, y, x}, data.data(), {{frame, f, 1}});
    for (index_t z = 0; z < images.slices; ++z) {
      const value* k = data.data() + z * coils * ny * nx;
      for (index_t c = 0; c < coils; ++c)
        for (index_t j = 0; j < ny; ++j)
          for (index_t i = 0; i < nx; ++i)
            turned[static_cast<std::size_t>((c * nx + i) * ny + j)] = k[(c * ny + j) * nx + i];
      const float* m = images.plane(f, z);
      for (index_t j = 0; j < ny; ++j)
        for (index_t i = 0; i < nx; ++i) {
          const float v = m[j * nx + i];
          plane[static_cast<std::size_t>(i * ny + j)] = v;
          most = std::max(most, double(v));
          squares += double(v) * v;
        }
      out.write_rows("kspace", f * images.slices + z, 1, turned.data());
      out.write_rows("reconstruction_rss", f * images.slices + z, 1, plane.data());
    }
  }
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
  out.attribute("", "max", most);
  out.attribute("", "norm", std::sqrt(squares));
  out.attribute("", "center", s.centre.empty() ? std::string("unknown") : s.centre);
  out.attribute("", "vendor", m.vendor);
  out.attribute("", "field", m.field);
  out.attribute("", "scanner", m.scanner);
  out.attribute("", "modality", m.modality);
  out.attribute("", "view", m.view);
  out.attribute("", "lifespan", m.lifespan);
  out.attribute("", "medcon", "unknown");
  out.attribute("", "patient_id", t.work.at("patient_id").get<std::string>());
  out.attribute("", "shape", std::vector<std::int64_t>(from.shape.begin(), from.shape.end()));
  out.attribute("", "padding_left", std::int64_t(0));
  out.attribute("", "padding_right", std::int64_t(ny));
  const std::vector<std::int64_t> size = {nx, ny, 1};
  out.attribute("", "encoding_size", size);
  out.attribute("", "recon_size", size);
  out.commit();
}

}  // namespace program
