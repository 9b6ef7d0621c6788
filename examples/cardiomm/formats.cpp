// SPDX-License-Identifier: Apache-2.0
/// \file
/// Opening arrays of every format that the program reads.

#include "formats.hpp"
#include "cardiomm/io/dataset_names.hpp"
#include "cardiomm/io/hdf5.hpp"
#include "cardiomm/io/mat.hpp"
#include "cardiomm/io/nifti.hpp"
#include "cardiomm/io/npz.hpp"
#include "cardiomm/io/safetensors.hpp"
#include "cardiomm/io/scan_parameters.hpp"
#include "raw.hpp"

namespace program {
namespace {

using member_list = std::vector<member_info>;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}
bool exists(const std::string& path) {
  std::error_code none;
  return std::filesystem::exists(path, none);
}

/// Names that arrays of a role have in published files, the likeliest first.
std::vector<std::string> usual_names(role r) {
  switch (r) {
    case role::kspace:
      return {"kspace", "kspace_full", "kus", "kspace_sub", "underkspace", "rawdata"};
    case role::mask:
      return {"mask"};
    case role::maps:
      return {"maps", "sens", "sensitivity", "coil_maps"};
    case role::noise:
      return {"noise"};
    default:
      return {"image", "reconimage", "gtsosimage", "zfsosimage", "reconstruction_rss"};
  }
}

/// The member that was asked for, or that of the role's name, or the first.
std::string choose(const std::string& path, const std::string& asked, const member_list& all,
                   role r) {
  if (!asked.empty()) return asked;
  std::vector<std::string> found;
  for (const auto& m : all)
    if (m.type) found.push_back(m.name);
  require<io_error>(!found.empty(), path, ": expected an array, found ",
                    all.empty() ? std::string("an empty file")
                                : "only " + all[0].name + " (" + all[0].kind + ")");
  for (const auto& name : usual_names(r))
    for (const auto& f : found)
      if (f == name) return f;
  return found.front();
}

opened from_nifti(const std::string& path) {
  using enum axis;
  const auto image = io::open_nifti(path);
  opened o{image.values, format::nifti, {}, false, {}, {}};
  o.voxel = {image.spacing[2], image.spacing[1], image.spacing[0], image.dt};
  const std::size_t n = image.values.shape().size();
  if (n <= 4) {
    const axes all = {frame, slice, y, x};
    // one axis is a line of x; the published volumes have x, y, z, t
    o.order.assign(all.end() - static_cast<std::ptrdiff_t>(n), all.end());
    if (n == 1) o.order = {};
  }
  return o;
}

/// The training layout and fastMRI's: k-space (slice, coil, x, y), images (slice, x, y).
axes fastmri_axes(const std::string& name, std::size_t rank) {
  using enum axis;
  if (name == "kspace" && rank == 4) return {slice, coil, x, y};
  if (name.rfind("reconstruction_", 0) == 0 && rank == 3) return {slice, x, y};
  return {};
}
bool is_fastmri(const io::hdf5_file& file) {
  const auto* k = file.find("kspace");
  return k && k->shape.size() == 4 &&
         (file.has("ismrmrd_header") || file.has("reconstruction_rss") ||
          file.has("reconstruction_esc"));
}

member_list members(const io::hdf5_file& file) {
  member_list all;
  for (const auto& o : file.objects())
    if (o.kind != "group") all.push_back({o.name, o.kind, o.type, o.shape});
  return all;
}
opened from_hdf5(const file_name& name, role r) {
  const io::hdf5_file file(name.path);
  const std::string member = choose(name.path, name.member, members(file), r);
  opened o{file.at(member), format::hdf5, {}, false, member, {}};
  if (is_fastmri(file)) {
    o.kind = format::fastmri;
    o.order = fastmri_axes(member, o.values.shape().size());
  }
  return o;
}

/// The voxel that the table of scan parameters beside a file tells, by the published rules.
geometry voxel_beside(const std::string& path, const extents& shape) {
  std::string data = path;
  const std::string stem = io::stem_of(std::filesystem::path(path).filename().string());
  for (const char* word : {"mask", "kus"})
    if (const auto sampled = io::sampling_of_name(stem, word))
      data = io::detail::directory_of(path) + sampled->data + ".mat";
  const auto table = io::scan_parameters_beside(data);
  if (!table || shape.size() < 2) return {};
  std::string vendor, center;
  for (const auto& part : std::filesystem::path(path)) {
    const std::string folder = part.string();
    if (folder.rfind("Center", 0) == 0) center = folder;
    if (const auto scanner = io::scanner_of_folder(folder)) vendor = scanner->vendor;
  }
  const auto g = io::spacing_of(io::read_scan_parameters(*table), shape[shape.size() - 1],
                                shape[shape.size() - 2], vendor, center);
  return {g.spacing[2], g.spacing[1], g.spacing[0], g.dt};
}

member_list members(const io::mat_file& file) {
  member_list all;
  for (const auto& v : file.variables()) {
    const std::string kind = v.type ? io::name_of(*v.type) : v.class_name;
    all.push_back({v.name, kind, v.type, v.shape});
  }
  return all;
}
opened from_mat(const file_name& name, role r) {
  const io::mat_file file(name.path);
  using enum axis;
  const std::string member = choose(name.path, name.member, members(file), r);
  opened o{file.at(member), format::mat, {}, false, member, {}};
  // CMRxRecon 2023: "kspace_single_full" and the like have no coil axis
  const std::size_t rank = o.values.shape().size();
  const axes all = {frame, slice, y, x};
  if (r == role::kspace && member.find("single") != std::string::npos && rank >= 2 && rank <= 4)
    o.order.assign(all.end() - static_cast<std::ptrdiff_t>(rank), all.end());
  o.voxel = voxel_beside(name.path, o.values.shape());
  return o;
}

/// Raw data: sorted k-space, the mask of what was measured, the noise scan, the trajectory.
opened from_raw(const file_name& name, role r) {
  using enum axis;
  const raw_scan raw = open_raw(name.path);
  const std::string member = !name.member.empty() ? name.member
                             : r == role::noise   ? "noise"
                             : r == role::mask    ? "mask"
                                                  : "kspace";
  const auto some = [&](bool there, const io::stored_array& a, const axes& order) {
    require<io_error>(there, name.path, ": expected ", member, " in the raw data, found none");
    return opened{a, format::mrd, order, false, member, raw.voxel};
  };
  if (member == "kspace") return some(true, raw.kspace(), {frame, slice, coil, y, x});
  if (member == "mask") return some(raw.data.mask.size() > 0, raw.mask(), {});
  if (member == "noise") return some(raw.data.noise.size() > 0, raw.noise(), {});
  require<io_error>(member == "trajectory", name.path,
                    ": expected kspace, mask, noise or trajectory, found '", member, "'");
  return some(raw.radial(), raw.trajectory(), {});
}
member_list members(const raw_scan& raw) {
  member_list all;
  const auto add = [&](const char* name, const io::stored_array& a) {
    all.push_back({name, io::name_of(a.type()), a.type(), a.shape()});
  };
  add("kspace", raw.kspace());
  if (raw.data.mask.size() > 0) add("mask", raw.mask());
  if (raw.data.noise.size() > 0) add("noise", raw.noise());
  if (raw.radial()) add("trajectory", raw.trajectory());
  return all;
}

member_list members(const io::safetensors_file& file) {
  member_list all;
  for (const auto& n : file.names()) {
    const auto& a = file.at(n);
    all.push_back({n, io::name_of(a.type()), a.type(), a.shape()});
  }
  return all;
}
/// Packed members are unpacked to be looked at, so names only are enough to choose by.
member_list members(const io::npz_file& file, bool look) {
  member_list all;
  for (const auto& n : file.names()) {
    member_info m{n, "array", io::dtype::f32, {}};
    if (look) try {
        const auto a = file.at(n);
        m = {n, io::name_of(a.type()), a.type(), a.shape()};
      } catch (const cardiomm::error&) {
        m = {n, "no array of numbers", std::nullopt, {}};
      }
    all.push_back(m);
  }
  return all;
}
opened from_npz(const file_name& name, role r) {
  const io::npz_file file(name.path);
  const std::string member = choose(name.path, name.member, members(file, false), r);
  return {file.at(member), format::npz, {}, false, member, {}};
}
opened from_safetensors(const file_name& name, role r) {
  const io::safetensors_file file(name.path);
  const std::string member = choose(name.path, name.member, members(file), r);
  return {file.at(member), format::safetensors, {}, false, member, {}};
}

opened from_cfl(const std::string& path) {
  const auto file = io::open_cfl(path);
  const auto named = name_cfl(file.dims, path);
  // the same values, seen with the axes that have names only
  const auto data = std::make_shared<const io::input_file>(io::cfl_base(path) + ".cfl");
  io::stored_array::place where;
  where.type = io::dtype::c64;
  where.shape = named.shape;
  return {io::stored_array(data, where), format::cfl, named.order, named.phase_plane, {}, {}};
}

}  // namespace

std::string name_of(format f) {
  constexpr const char* names[] = {"npy",     "npz",         "cfl",   "MATLAB", "HDF5",
                                   "fastMRI", "safetensors", "NIfTI", "MRD"};
  return names[static_cast<std::size_t>(f)];
}

format input_format(const std::string& given) {
  const std::string path = split_member(given).path, end = extension_of(path);
  if (end == ".npy") return format::npy;
  if (end == ".npz") return format::npz;
  if (end == ".mat") return format::mat;
  if (end == ".safetensors") return format::safetensors;
  if (end == ".nii" || end == ".img" || ends_with(path, ".nii.gz") || ends_with(path, ".img.gz") ||
      ends_with(path, ".hdr.gz"))
    return format::nifti;
  if (end == ".hdr" && !exists(io::cfl_base(path) + ".cfl") &&
      (exists(io::cfl_base(path) + ".img") || exists(io::cfl_base(path) + ".img.gz")))
    return format::nifti;
  if (end == ".cfl" || end == ".hdr") return format::cfl;
  if (end == ".h5" || end == ".hdf5" || end == ".mrd" || end == ".ismrmrd")
    return is_raw(path) ? format::mrd : format::hdf5;
  if (exists(path + ".hdr")) return format::cfl;
  require<io_error>(exists(path), path, ": cannot be opened: No such file or directory");
  throw io_error(path +
                 ": expected a name that ends in .npy, .npz, .cfl, .hdr, .mat, .h5, .nii, .nii.gz, "
                 ".mrd or .safetensors, or a BART base name, found '" +
                 end + "'");
}

opened open_array(const std::string& path, role r) {
  const file_name name = split_member(path);
  const format kind = input_format(path);
  const bool single = kind == format::npy || kind == format::cfl || kind == format::nifti;
  require<io_error>(!single || name.member.empty(), name.path,
                    ": expected one array, found ':", name.member, "' after the name");
  switch (kind) {
    case format::npy:
      return {io::open_npy(path), format::npy, {}, false, {}, {}};
    case format::cfl:
      return from_cfl(path);
    case format::nifti:
      return from_nifti(path);
    case format::safetensors:
      return from_safetensors(name, r);
    case format::mat:
      return from_mat(name, r);
    case format::npz:
      return from_npz(name, r);
    case format::mrd:
      return from_raw(name, r);
    default:
      return from_hdf5(name, r);
  }
}

std::vector<member_info> members_of(const std::string& path) {
  switch (input_format(path)) {
    case format::safetensors:
      return members(io::safetensors_file(path));
    case format::hdf5:
      return members(io::hdf5_file(path));
    case format::mat:
      return members(io::mat_file(path));
    case format::npz:
      return members(io::npz_file(path), true);
    case format::mrd:
      return members(open_raw(path));
    default: {
      const opened o = open_array(path);
      return {{o.member, io::name_of(o.values.type()), o.values.type(), o.values.shape()}};
    }
  }
}

std::vector<std::pair<std::string, std::string>> facts_of(const std::string& path) {
  std::vector<std::pair<std::string, std::string>> facts;
  if (input_format(path) == format::nifti) {
    const auto image = io::open_nifti(path);
    const auto number = [](double v) {
      char text[32];
      std::snprintf(text, sizeof text, "%.6g", v);
      return std::string(text);
    };
    facts.emplace_back("spacing (x, y, z) in mm", number(image.spacing[0]) + ", " +
                                                      number(image.spacing[1]) + ", " +
                                                      number(image.spacing[2]));
    if (image.dt > 0) facts.emplace_back("time from frame to frame in s", number(image.dt));
    if (image.slope != 1 || image.intercept != 0)
      facts.emplace_back("scaling", number(image.slope) + " v + " + number(image.intercept));
  }
  if (input_format(path) == format::mrd) {
    const auto about = open_raw(path).describe();
    for (const auto& [key, value] : about.items())
      facts.emplace_back(key, value.is_string() ? value.template get<std::string>() : value.dump());
  }
  return facts;
}

}  // namespace program
