// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_MRD_IMAGE_HPP
#define CARDIOMM_IO_MRD_IMAGE_HPP
/// \file
/// Images of ISMRM raw data (MRD): header with geometry and counters, attributes in XML ("meta"),
/// pixels. Written to HDF5 groups that other MRD programs read.

#include <cstring>

#include "cardiomm/core/mrd.hpp"
#include "cardiomm/io/array.hpp"

#if CARDIOMM_HAS_ISMRMRD && CARDIOMM_HAS_HDF5
#include <hdf5.h>
#include <ismrmrd/dataset.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::io {

/// What the pixels of an image are.
enum class mrd_image_type : std::uint16_t {
  magnitude = 1,
  phase = 2,
  real = 3,
  imag = 4,
  complex = 5
};

/// Head of an image.
struct mrd_image_head {
  std::uint16_t version = 1, data_type = 0;  ///< data_type: as MRD numbers them, see dtype_of_mrd
  std::uint64_t flags = 0;
  std::uint32_t measurement_uid = 0;
  std::array<std::uint16_t, 3> matrix_size = {1, 1, 1};  ///< x, y, z
  std::array<float, 3> field_of_view{};                  ///< mm
  std::uint16_t channels = 1;
  std::array<float, 3> position{}, read_dir{}, phase_dir{}, slice_dir{}, table_position{};
  std::uint16_t average = 0, slice = 0, contrast = 0, phase = 0, repetition = 0, set = 0;
  std::uint32_t acquisition_time_stamp = 0;
  std::array<std::uint32_t, 3> physiology_time_stamp{};
  std::uint16_t image_type = 1, image_index = 0, image_series_index = 0;
  std::array<std::int32_t, 8> user_int{};
  std::array<float, 8> user_float{};
};

/// An image (channel, z, y, x) of one of MRD's types.
struct mrd_image {
  mrd_image_head head;
  std::string attributes;  ///< XML, see mrd_meta
  std::vector<std::byte> pixels;
};

/// The dtype of MRD's number of a type: 1 to 8 are uint16, int16, uint32, int32, float32, float64,
/// complex64, complex128. Throws io_error for other numbers.
inline dtype dtype_of_mrd(unsigned number, const std::string& what) {
  constexpr dtype types[] = {dtype::u16, dtype::i16, dtype::u32, dtype::i32,
                             dtype::f32, dtype::f64, dtype::c64, dtype::c128};
  require<io_error>(number >= 1 && number <= 8, what, ": pixel type: expected 1 to 8, found ",
                    number);
  return types[number - 1];
}
inline std::uint16_t mrd_number_of(dtype t) {
  for (unsigned n = 1; n <= 8; ++n)
    if (dtype_of_mrd(n, "image") == t) return static_cast<std::uint16_t>(n);
  throw value_error(std::string("MRD image: expected a type that MRD has, found ") + name_of(t));
}

/// Bytes of the pixels. Throws io_error where they exceed 2^40.
inline std::uint64_t pixel_bytes(const mrd_image_head& h, const std::string& what) {
  const std::uint64_t pixels =
                          std::uint64_t(h.matrix_size[0]) * h.matrix_size[1] * h.matrix_size[2],
                      each = size_of(dtype_of_mrd(h.data_type, what)) * h.channels;
  require<io_error>(each == 0 || pixels <= (std::uint64_t(1) << 40) / each, what,
                    ": expected an image of a possible ", "size, found ", h.matrix_size[0], " x ",
                    h.matrix_size[1], " x ", h.matrix_size[2], " of ", h.channels, " channels");
  return pixels * each;
}

/// An image (y, x) of float or complex<float> values; geometry is the caller's to fill in.
template <class T>
mrd_image make_mrd_image(const T* values, index_t ny, index_t nx) {
  require(ny > 0 && nx > 0 && ny < 65536 && nx < 65536,
          "MRD image: expected extents from 1 to 65535, found ", ny, " x ", nx);
  mrd_image m;
  m.head.data_type = mrd_number_of(dtype_of<T>());
  m.head.matrix_size = {static_cast<std::uint16_t>(nx), static_cast<std::uint16_t>(ny), 1};
  m.head.image_type = static_cast<std::uint16_t>(is_complex<T> ? mrd_image_type::complex
                                                               : mrd_image_type::magnitude);
  m.pixels.resize(static_cast<std::size_t>(ny * nx) * sizeof(T));
  std::memcpy(m.pixels.data(), values, m.pixels.size());
  return m;
}

/// Attributes as MRD has them: <ismrmrdMeta><meta><name>..</name><value>..</value></meta>...
inline std::string mrd_meta(const std::vector<mrd_parameter>& values) {
  const auto escaped = [](const std::string& text) {
    std::string out;
    for (const char c : text)
      out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
    return out;
  };
  std::string xml = "<?xml version=\"1.0\"?>\n<ismrmrdMeta>\n";
  for (const auto& v : values)
    xml += "  <meta>\n    <name>" + escaped(v.name) + "</name>\n    <value>" + escaped(v.value) +
           "</value>\n  </meta>\n";
  return xml + "</ismrmrdMeta>\n";
}

/// Writes images of one size and type to GROUP/VARIABLE of a new HDF5 file, with the measurement's
/// XML header if there is one. Throws io_error where the file cannot be written, or the build lacks
/// the library.
inline void write_mrd_images(const std::string& path, const std::vector<mrd_image>& images,
                             const std::string& xml = "", const std::string& group = "dataset",
                             const std::string& variable = "image_0",
                             existing policy = existing::replace) {
#if CARDIOMM_HAS_ISMRMRD && CARDIOMM_HAS_HDF5
  require(!images.empty(), "MRD images: expected at least one, found none");
  for (const mrd_image& m : images) {
    require<shape_error>(m.head.matrix_size == images[0].head.matrix_size &&
                             m.head.channels == images[0].head.channels &&
                             m.head.data_type == images[0].head.data_type,
                         path, ": expected images of one size and type, found others");
    require<shape_error>(m.pixels.size() == pixel_bytes(m.head, path), path, ": expected ",
                         pixel_bytes(m.head, path), " bytes of pixels, found ", m.pixels.size());
  }
  atomic_file out(path, policy);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const hid_t file = H5Fcreate(out.temporary().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  require<io_error>(file >= 0, path, ": cannot be written by HDF5");
  H5Fclose(file);
  try {
    ISMRMRD::Dataset set(out.temporary().c_str(), group.c_str(), true);
    if (!xml.empty()) set.writeHeader(xml);
    for (const mrd_image& m : images) {
      ISMRMRD::ISMRMRD_Image to;
      ISMRMRD::ismrmrd_init_image(&to);
      auto& h = to.head;
      const mrd_image_head& f = m.head;
      h.version = f.version;
      h.data_type = f.data_type;
      h.flags = f.flags;
      h.measurement_uid = f.measurement_uid;
      h.channels = f.channels;
      for (std::size_t d = 0; d < 3; ++d) {
        h.matrix_size[d] = f.matrix_size[d];
        h.field_of_view[d] = f.field_of_view[d];
        h.position[d] = f.position[d];
        h.read_dir[d] = f.read_dir[d];
        h.phase_dir[d] = f.phase_dir[d];
        h.slice_dir[d] = f.slice_dir[d];
        h.patient_table_position[d] = f.table_position[d];
        h.physiology_time_stamp[d] = f.physiology_time_stamp[d];
      }
      h.average = f.average;
      h.slice = f.slice;
      h.contrast = f.contrast;
      h.phase = f.phase;
      h.repetition = f.repetition;
      h.set = f.set;
      h.acquisition_time_stamp = f.acquisition_time_stamp;
      h.image_type = f.image_type;
      h.image_index = f.image_index;
      h.image_series_index = f.image_series_index;
      for (std::size_t d = 0; d < 8; ++d) {
        h.user_int[d] = f.user_int[d];
        h.user_float[d] = f.user_float[d];
      }
      h.attribute_string_len = static_cast<std::uint32_t>(m.attributes.size());
      bool good = ISMRMRD::ismrmrd_make_consistent_image(&to) == ISMRMRD::ISMRMRD_NOERROR;
      if (good) {
        std::memcpy(to.attribute_string, m.attributes.c_str(), m.attributes.size() + 1);
        std::memcpy(to.data, m.pixels.data(), m.pixels.size());
        set.appendImage(variable, &to);
      }
      ISMRMRD::ismrmrd_cleanup_image(&to);
      require<io_error>(good, path, ": ISMRMRD refuses the image");
    }
  } catch (const error&) {
    throw;
  } catch (const std::exception& e) {
    throw io_error(path + ": cannot be written by ISMRMRD: " + e.what());
  }
  out.commit();
#else
  (void)images, (void)xml, (void)group, (void)variable, (void)policy;
  throw io_error(path +
                 ": writing ISMRM images needs HDF5 and ISMRMRD, which this build lacks; install "
                 "them and build again");
#endif
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
