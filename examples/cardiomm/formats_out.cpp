// SPDX-License-Identifier: Apache-2.0
/// \file
/// Writing arrays in formats whose files are made in one go.

#include "cardiomm/io/mat_output.hpp"
#include "cardiomm/io/npz.hpp"
#include "cardiomm/io/scan_parameters.hpp"
#include "output.hpp"

namespace program {
namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

index_t extent_of(const axes& order, const extents& shape, axis a) {
  for (std::size_t i = 0; i < order.size(); ++i)
    if (order[i] == a) return shape[i];
  return 1;
}

/// Magnitudes as float32.
std::vector<float> magnitudes(index_t n, io::dtype type, const std::byte* values) {
  std::vector<float> out(static_cast<std::size_t>(n));
  if (io::is_complex_type(type)) {
    std::vector<complex<float>> raw(out.size());
    io::convert(type, values, n, raw.data());
    for (std::size_t i = 0; i < raw.size(); ++i) out[i] = std::hypot(raw[i].real(), raw[i].imag());
  } else {
    io::convert(type, values, n, out.data());
    for (float& v : out) v = std::abs(v);
  }
  return out;
}

void encode_nifti(const std::string& path, const axes& order, const extents& shape, io::dtype type,
                  const std::byte* values, const output_details& d) {
  using enum axis;
  for (const axis a : order)
    require<shape_error>(
        a == frame || a == slice || a == y || a == x || extent_of(order, shape, a) == 1, path,
        ": a NIfTI file holds images (frame, slice, y, x), found ", to_string(order, shape));
  const extents s = {extent_of(order, shape, frame), extent_of(order, shape, slice),
                     extent_of(order, shape, y), extent_of(order, shape, x)};
  const auto known = [](double v) { return v > 0 ? v : 1; };
  const auto where = io::nifti_geometry::voxels(known(d.voxel.dx), known(d.voxel.dy),
                                                known(d.voxel.dz), known(d.voxel.dt));
  if (d.published) {
    auto scaled = magnitudes(s[0] * s[1] * s[2] * s[3], type, values);
    io::scale_exported_slices(scaled.data(), s[0], s[1], s[2] * s[3]);
    io::nifti_output out(path, io::dtype::f32, s, where);
    out.write(scaled.data(), scaled.size() * sizeof(float));
    return out.commit();
  }
  io::nifti_output out(path, type, s, where);
  out.write(values,
            static_cast<std::size_t>(io::count_of(s, io::size_of(type), path)) * io::size_of(type));
  out.commit();
}

/// The name of the array: what was asked for, or the published one.
std::string variable_of(const axes& order, const output_details& d) {
  if (!d.variable.empty()) return d.variable;
  return has(order, axis::set) ? "maps" : has(order, axis::coil) ? "kspace_full" : "reconimage";
}

io::array array_of(const extents& shape, io::dtype type, const std::byte* values,
                   const std::string& path) {
  io::array a;
  a.type = type;
  a.shape = shape;
  const auto n = static_cast<std::size_t>(io::count_of(shape, io::size_of(type), path));
  a.bytes.assign(values, values + n * io::size_of(type));
  return a;
}

void encode_hdf5(const std::string& path, const axes& order, const extents& shape, io::dtype type,
                 const std::byte* values, const output_details& d) {
  io::hdf5_output out(path);
  out.write(variable_of(order, d), array_of(shape, type, values, path));
  out.attribute(variable_of(order, d), "axes", to_string(order));
  if (d.voxel.known())
    out.attribute("", "spacing_mm", std::vector<double>{d.voxel.dz, d.voxel.dy, d.voxel.dx});
  out.commit();
}

/// MATLAB's arrays have all axes up to the last that is not 1; published images always have four,
/// and are magnitudes.
void encode_mat(const std::string& path, const axes& order, const extents& shape, io::dtype type,
                const std::byte* values, const output_details& d) {
  using enum axis;
  const auto n = [&](axis a) { return extent_of(order, shape, a); };
  const std::string name = variable_of(order, d);
  io::array a = array_of(shape, type, values, path);
  if (has(order, coil) || has(order, set)) {
    a.shape = {n(coil), n(y), n(x)};
    if (n(slice) > 1 || n(frame) > 1 || n(set) > 1) a.shape.insert(a.shape.begin(), n(slice));
    if (n(frame) > 1 || n(set) > 1) a.shape.insert(a.shape.begin(), n(frame));
    if (n(set) > 1) a.shape.insert(a.shape.begin(), n(set));
  } else if (name == "reconimage") {
    a.shape = {n(frame), n(slice), n(y), n(x)};
    if (d.published) {
      const auto m = magnitudes(a.size(), type, values);
      a.type = io::dtype::f32;
      a.bytes.resize(m.size() * sizeof(float));
      std::memcpy(a.bytes.data(), m.data(), a.bytes.size());
    }
  }
  // version 5 counts bytes in 32 bits
  const bool large = a.bytes.size() > (std::size_t(1) << 31) - 4096;
  io::mat_output out(path, io::existing::replace,
                     large ? io::mat_version::v73 : io::mat_version::v5);
  out.add(name, a);
  out.commit();
}

}  // namespace

format output_format(const std::string& path) {
  require<io_error>(!path.empty(), "--out: expected a file name, found an empty one");
  const std::string end = extension_of(path);
  if (end == ".npy") return format::npy;
  if (end == ".nii" || ends_with(path, ".nii.gz")) return format::nifti;
  if (end == ".h5" || end == ".hdf5") return format::hdf5;
  if (end == ".mat") return format::mat;
  if (end == ".npz") return format::npz;
  if (end == ".cfl" || end == ".hdr" || end.empty()) return format::cfl;
  throw io_error(path +
                 ": expected a name that ends in .npy, .npz, .cfl, .hdr, .mat, .h5, .nii or "
                 ".nii.gz, or a BART base name, found '" +
                 end + "'");
}

void encode(const std::string& path, const axes& order, const extents& shape, io::dtype type,
            const std::byte* values, const output_details& details) {
  switch (output_format(path)) {
    case format::npz: {
      io::npz_output out(path);
      out.add(variable_of(order, details), type, shape, values);
      return out.commit();
    }
    case format::mat:
      return encode_mat(path, order, shape, type, values, details);
    case format::hdf5:
      return encode_hdf5(path, order, shape, type, values, details);
    default:
      return encode_nifti(path, order, shape, type, values, details);
  }
}

}  // namespace program
