// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_DICOM_HPP
#define CARDIOMM_IO_DICOM_HPP
/// \file
/// Images as a DICOM series, written by DCMTK: classic MR Image Storage, a file for each slice and
/// frame, 16 bits with rescale slope and intercept. The folder appears whole or not at all, and the
/// same images and texts give the same files, unique identifiers included. The text values are
/// UTF-8. Nothing is read: images from scanners come through their converters.

#include <array>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "cardiomm/core/tensor.hpp"
#include "cardiomm/io/file.hpp"

#if CARDIOMM_HAS_DCMTK
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/oflog/oflog.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Where slices lie in the patient, in mm towards left, posterior and head (LPS).
struct dicom_geometry {
  std::array<double, 3> row = {1, 0, 0};     ///< direction of growing x
  std::array<double, 3> column = {0, 1, 0};  ///< direction of growing y
  std::array<double, 3> step = {0, 0, 1};    ///< from a slice to the next
  std::array<double, 3> origin = {0, 0, 0};  ///< centre of the first voxel
  double dx = 1, dy = 1;                     ///< distance of neighbours in a slice
  double thickness = 0;                      ///< of a slice; 0: the length of `step`

  /// Axial slices of voxels of this size, the middle of the volume at the origin.
  static dicom_geometry axial(double dz, double dy, double dx, index_t nz, index_t ny, index_t nx) {
    dicom_geometry g;
    g.dx = dx;
    g.dy = dy;
    g.step = {0, 0, dz};
    g.origin = {-0.5 * dx * double(nx - 1), -0.5 * dy * double(ny - 1), -0.5 * dz * double(nz - 1)};
    return g;
  }
  /// Of an affine as NIfTI has it: row-major 4 x 4, index (x, y, z, 1) to mm towards right,
  /// anterior and head. Throws value_error for one without volume.
  static dicom_geometry of_affine(const std::array<double, 16>& m) {
    dicom_geometry g;
    const double sign[] = {-1, -1, 1};
    std::array<double, 3> x{}, y{};
    for (std::size_t i = 0; i < 3; ++i) {
      x[i] = sign[i] * m[4 * i];
      y[i] = sign[i] * m[4 * i + 1];
      g.step[i] = sign[i] * m[4 * i + 2];
      g.origin[i] = sign[i] * m[4 * i + 3];
    }
    g.dx = length(x);
    g.dy = length(y);
    require(
        std::isfinite(g.dx) && std::isfinite(g.dy) && g.dx > 0 && g.dy > 0 && length(g.step) > 0,
        "DICOM: expected an affine with a volume, found voxels of ", g.dx, " x ", g.dy, " x ",
        length(g.step), " mm");
    for (std::size_t i = 0; i < 3; ++i) {
      g.row[i] = x[i] / g.dx;
      g.column[i] = y[i] / g.dy;
    }
    return g;
  }
  static double length(const std::array<double, 3>& v) {
    return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  }
};

/// What a series says about itself.
struct dicom_series {
  dicom_geometry where;
  double frame_time = 0;  ///< ms from frame to frame; 0: not known
  std::string patient_id = "ANONYMOUS", patient_name = "Anonymous";
  std::string study_description, series_description = "cardiomm", study_date, study_time;
  int series_number = 1;
  /// Root of the unique identifiers; empty: those made of UUIDs (2.25).
  std::string uid_root;
};

namespace detail {

/// 128 bits of FNV-1a: names, not secrets.
class dicom_hash {
 public:
  dicom_hash& add(const void* data, std::size_t n) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < n; ++i) h_ = (h_ ^ p[i]) * prime();
    return *this;
  }
  dicom_hash& add(const std::string& text) {
    return add(text.c_str(), text.size() + 1);  // with the end, so that "a", "bc" is not "ab", "c"
  }
  /// As a unique identifier of at most 64 characters.
  std::string uid(const std::string& root) const {
    wide v = h_;
    if (root.empty()) {  // the bits by which a UUID tells its kind: 8, own content
      v = (v & ~(wide(0xf) << 76)) | (wide(8) << 76);
      v = (v & ~(wide(3) << 62)) | (wide(2) << 62);
    }
    std::string digits;
    for (; v > 0; v /= 10) digits.insert(digits.begin(), static_cast<char>('0' + int(v % 10)));
    const std::string begin = root.empty() ? "2.25." : root + ".";
    digits = digits.substr(0, 64 - begin.size());
    return begin + (digits.empty() ? "1" : digits);
  }

 private:
  __extension__ using wide = unsigned __int128;
  static constexpr wide prime() { return (wide(1) << 88) | 0x13b; }
  wide h_ = (wide(0x6c62272e07bb0142u) << 64) | 0x62b821756295c58du;
};

/// A decimal string: at most 16 characters, ten digits or more wherever they fit.
inline std::string decimal_string(double v) {
  char text[40];
  for (int digits = 16; digits > 0; --digits)
    if (std::snprintf(text, sizeof(text), "%.*g", digits, v + 0.0) <= 16) break;  // no -0
  return text;
}
inline std::string decimal_strings(std::initializer_list<double> all) {
  std::string text;
  for (const double v : all) text += (text.empty() ? "" : "\\") + decimal_string(v);
  return text;
}

/// How values become 16 bits: value = slope * stored + intercept, with the numbers as written.
struct dicom_scale {
  double slope = 1, intercept = 0;
  template <class T>
  static dicom_scale of(const T* values, index_t n) {
    double low = values[0], high = values[0];
    bool whole = true;
    for (index_t i = 0; i < n; ++i) {
      const double v = values[i];
      require(std::isfinite(v), "DICOM: expected finite values, found ", v);
      low = std::min(low, v);
      high = std::max(high, v);
      whole = whole && v == std::floor(v);
    }
    dicom_scale s;
    if (low > 0) low = 0;
    if (whole && high - low <= 65535) {
      s.intercept = low;
      return s;
    }
    s.intercept = std::stod(decimal_string(low));
    s.slope = std::stod(decimal_string((high - s.intercept) / 65535));
    return s;
  }
  std::uint16_t operator()(double v) const {
    return static_cast<std::uint16_t>(
        std::min(65535.0, std::max(0.0, std::nearbyint((v - intercept) / slope))));
  }
};

inline void require_dicom_text(const char* what, const std::string& text) {
  std::size_t characters = 0;
  for (const char c : text) {
    require(static_cast<unsigned char>(c) >= ' ' && c != 127 && c != '\\', "DICOM: ", what,
            ": expected text without control characters and \\, found '", text, "'");
    characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }
  require(characters <= 64, "DICOM: ", what, ": expected at most 64 characters, found ",
          characters);
}

inline void require_dicom_root(const std::string& root) {
  bool good = root.size() <= 40;
  for (std::size_t i = 0; i < root.size() && good; ++i) {
    const bool starts = i == 0 || root[i - 1] == '.';
    const bool ends = i + 1 == root.size() || root[i + 1] == '.';
    good = root[i] == '.'
               ? !starts && i + 1 < root.size()
               : root[i] >= '0' && root[i] <= '9' && !(starts && !ends && root[i] == '0');
  }
  require(good,
          "DICOM: root of identifiers: expected numbers with dots, at most 40 characters, "
          "found '",
          root, "'");
}

/// A folder that is filled aside and appears under its name as a whole.
class whole_folder {
 public:
  /// Throws io_error if `path` is something else than a folder of .dcm files, or exists and is not
  /// to be replaced.
  whole_folder(const std::string& path, existing policy) : name_(path) {
    namespace fs = std::filesystem;
    require<io_error>(!path.empty(), "DICOM: expected the name of a folder, found an empty one");
    target_ = fs::path(path).lexically_normal();
    if (!target_.has_filename()) target_ = target_.parent_path();
    std::error_code code;
    if (fs::exists(fs::symlink_status(target_, code))) {
      require<io_error>(fs::is_directory(target_, code), path,
                        ": cannot be written: expected a folder, found a file");
      bool empty = true;
      for (const auto& entry : fs::directory_iterator(target_, code)) {
        empty = false;
        require<io_error>(entry.path().extension() == ".dcm", path,
                          ": expected a new folder or one of .dcm files only, found ",
                          entry.path().filename().string(), " in it");
      }
      require<io_error>(!code, path, ": cannot be listed: ", code.message());
      require<io_error>(empty || policy == existing::replace, path,
                        ": exists already and is not to be replaced");
    }
    part_ = target_.parent_path() /
            ("." + target_.filename().string() + "." + std::to_string(::getpid()) + ".part");
    const bool made = fs::create_directory(part_, code);
    require<io_error>(made && !code, path, ": cannot be written: ",
                      code ? code.message() : std::string("a temporary folder is in the way"));
  }
  ~whole_folder() {
    std::error_code none;
    if (!part_.empty()) std::filesystem::remove_all(part_, none);
  }
  whole_folder(const whole_folder&) = delete;
  whole_folder& operator=(const whole_folder&) = delete;
  std::string operator/(const std::string& file) const { return (part_ / file).string(); }
  void commit() {
    namespace fs = std::filesystem;
    std::error_code code;
    fs::path old;
    if (fs::exists(target_, code) && !fs::is_empty(target_, code)) {
      old = part_.string() + ".old";
      fs::rename(target_, old, code);
      require<io_error>(!code, name_, ": cannot be replaced: ", code.message());
    }
    fs::rename(part_, target_, code);
    if (code && !old.empty()) {
      std::error_code none;
      fs::rename(old, target_, none);
    }
    require<io_error>(!code, name_, ": cannot be written: ", code.message());
    part_.clear();
    if (!old.empty()) fs::remove_all(old, code);
  }

 private:
  std::string name_;
  std::filesystem::path target_, part_;
};

#if CARDIOMM_HAS_DCMTK
/// A data set that is filled element by element; the kinds of values are given here, not looked up,
/// so that nothing depends on the dictionary file of the library.
class dicom_object {
 public:
  void text(const DcmTagKey& key, DcmEVR kind, const std::string& value) {
    check(file_.getDataset()->putAndInsertString(DcmTag(key, kind), value.c_str()));
  }
  void number(const DcmTagKey& key, unsigned value) {
    check(file_.getDataset()->putAndInsertUint16(DcmTag(key, EVR_US), static_cast<Uint16>(value)));
  }
  void pixels(const std::vector<std::uint16_t>& values) {
    check(file_.getDataset()->putAndInsertUint16Array(DcmTag(DCM_PixelData, EVR_OW), values.data(),
                                                      static_cast<unsigned long>(values.size())));
  }
  void save(const std::string& path) {
    check(
        file_.saveFile(path.c_str(), EXS_LittleEndianExplicit, EET_ExplicitLength, EGL_withoutGL));
  }

 private:
  static void check(const OFCondition& c) {
    require<io_error>(c.good(), "DICOM: cannot be written: ", c.text());
  }
  DcmFileFormat file_;
};
#endif

}  // namespace detail

/// Writes images (frame, slice, y, x), real values, to a folder of .dcm files, one for each slice
/// and frame: IM_<slice>_<frame>.dcm. All have the same slope and intercept; whole numbers that fit
/// 16 bits stay what they are, other values are off by at most half a step of 1/65535 of the range.
/// Returns the names of the files.
///
/// A folder that exists is replaced if it holds nothing but .dcm files. Throws value_error for
/// values that are not finite and texts that DICOM cannot hold, io_error for what cannot be
/// written or a build without DCMTK.
template <TensorView V>
std::vector<std::string> write_dicom(const std::string& folder, const V& images,
                                     const dicom_series& series,
                                     existing policy = existing::replace) {
  static_assert(rank_of<V> == 4 && !is_complex<element_of<V>>, "real images (frame, slice, y, x)");
#if CARDIOMM_HAS_DCMTK
  const auto host = to_host(images);
  const auto s = shape_of(host);
  require<shape_error>(s.size() > 0 && s[2] <= 65535 && s[3] <= 65535,
                       "DICOM: expected images of 1 to 65535 pixels a side, found ", s);
  const auto texts = {std::pair{"patient id", series.patient_id},
                      {"patient name", series.patient_name},
                      {"study description", series.study_description},
                      {"series description", series.series_description},
                      {"study date", series.study_date},
                      {"study time", series.study_time}};
  for (const auto& [what, text] : texts) detail::require_dicom_text(what, text);
  detail::require_dicom_root(series.uid_root);
  require(std::isfinite(series.frame_time) && series.frame_time >= 0,
          "DICOM: expected a frame time of at least 0 ms, found ", series.frame_time);
  const dicom_geometry& g = series.where;
  const double gap = dicom_geometry::length(g.step);
  require(g.dx > 0 && g.dy > 0 && gap > 0 && std::isfinite(g.dx * g.dy * gap),
          "DICOM: expected a spacing above 0 along every axis, found ", gap, ", ", g.dy, ", ",
          g.dx);
  static const bool silent = [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    return true;
  }();
  (void)silent;
  const auto scale = detail::dicom_scale::of(host.data(), s.size());
  detail::dicom_hash names;
  names.add(series.patient_id).add(series.study_description).add(series.study_date);
  const std::string study = detail::dicom_hash(names).add("study").uid(series.uid_root);
  const std::string frame_of_reference =
      detail::dicom_hash(names).add("frame of reference").uid(series.uid_root);
  names.add(series.series_description).add(std::to_string(series.series_number));
  names.add(detail::decimal_strings({double(s[0]), double(s[1]), double(s[2]), double(s[3])}));
  names.add(detail::decimal_strings({g.origin[0], g.origin[1], g.origin[2], g.dx, g.dy, gap}));
  names.add(host.data(), static_cast<std::size_t>(s.size()) * sizeof(element_of<V>));
  const std::string series_uid = detail::dicom_hash(names).add("series").uid(series.uid_root);
  // the slices' normal, for the location that viewers sort by
  const std::array<double, 3> normal = {g.row[1] * g.column[2] - g.row[2] * g.column[1],
                                        g.row[2] * g.column[0] - g.row[0] * g.column[2],
                                        g.row[0] * g.column[1] - g.row[1] * g.column[0]};
  double low = host.data()[0], high = low;
  for (index_t i = 0; i < s.size(); ++i) {
    low = std::min(low, double(host.data()[i]));
    high = std::max(high, double(host.data()[i]));
  }
  const auto numbered = [](index_t i, index_t n) {
    std::string text = std::to_string(i + 1);
    return std::string(std::to_string(n).size() - text.size(), '0') + text;
  };
  detail::whole_folder out(folder, policy);
  std::vector<std::string> files;
  std::vector<std::uint16_t> stored(static_cast<std::size_t>(s[2] * s[3]));
  for (index_t z = 0; z < s[1]; ++z)
    for (index_t f = 0; f < s[0]; ++f) {
      const auto* values = host.data() + (f * s[1] + z) * s[2] * s[3];
      for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = scale(double(values[i]));
      std::array<double, 3> at{};
      double location = 0;
      for (std::size_t d = 0; d < 3; ++d) {
        at[d] = g.origin[d] + double(z) * g.step[d];
        location += at[d] * normal[d];
      }
      const std::string number = std::to_string(z * s[0] + f + 1);
      detail::dicom_object o;
      o.text(DCM_SpecificCharacterSet, EVR_CS, "ISO_IR 192");
      o.text(DCM_ImageType, EVR_CS, "DERIVED\\PRIMARY\\OTHER");
      o.text(DCM_SOPClassUID, EVR_UI, UID_MRImageStorage);
      o.text(DCM_SOPInstanceUID, EVR_UI,
             detail::dicom_hash(names).add(number).uid(series.uid_root));
      o.text(DCM_StudyDate, EVR_DA, series.study_date);
      o.text(DCM_StudyTime, EVR_TM, series.study_time);
      o.text(DCM_AccessionNumber, EVR_SH, "");
      o.text(DCM_Modality, EVR_CS, "MR");
      o.text(DCM_Manufacturer, EVR_LO, "cardiomm");
      o.text(DCM_ReferringPhysicianName, EVR_PN, "");
      if (!series.study_description.empty())
        o.text(DCM_StudyDescription, EVR_LO, series.study_description);
      if (!series.series_description.empty())
        o.text(DCM_SeriesDescription, EVR_LO, series.series_description);
      o.text(DCM_PatientName, EVR_PN, series.patient_name);
      o.text(DCM_PatientID, EVR_LO, series.patient_id);
      o.text(DCM_PatientBirthDate, EVR_DA, "");
      o.text(DCM_PatientSex, EVR_CS, "");
      o.text(DCM_BodyPartExamined, EVR_CS, "HEART");
      o.text(DCM_ScanningSequence, EVR_CS, "RM");
      o.text(DCM_SequenceVariant, EVR_CS, "NONE");
      o.text(DCM_ScanOptions, EVR_CS, series.frame_time > 0 ? "CG" : "");  // times need a gate
      o.text(DCM_MRAcquisitionType, EVR_CS, "2D");
      o.text(DCM_SliceThickness, EVR_DS,
             detail::decimal_string(g.thickness > 0 ? g.thickness : gap));
      o.text(DCM_RepetitionTime, EVR_DS, "");
      o.text(DCM_EchoTime, EVR_DS, "");
      o.text(DCM_SpacingBetweenSlices, EVR_DS, detail::decimal_string(gap));
      o.text(DCM_EchoTrainLength, EVR_IS, "");
      o.text(DCM_SoftwareVersions, EVR_LO, "cardiomm " CARDIOMM_VERSION_STRING);
      if (series.frame_time > 0) {
        const double beat = series.frame_time * double(s[0]);
        o.text(DCM_TriggerTime, EVR_DS, detail::decimal_string(double(f) * series.frame_time));
        if (s[0] > 1) {
          o.text(DCM_NominalInterval, EVR_IS, std::to_string(std::llround(beat)));
          o.text(DCM_HeartRate, EVR_IS, std::to_string(std::llround(60000 / beat)));
        }
      }
      if (s[0] > 1) o.text(DCM_CardiacNumberOfImages, EVR_IS, std::to_string(s[0]));
      o.text(DCM_PatientPosition, EVR_CS, "");
      o.text(DCM_StudyInstanceUID, EVR_UI, study);
      o.text(DCM_SeriesInstanceUID, EVR_UI, series_uid);
      o.text(DCM_StudyID, EVR_SH, "");
      o.text(DCM_SeriesNumber, EVR_IS, std::to_string(series.series_number));
      o.text(DCM_InstanceNumber, EVR_IS, number);
      o.text(DCM_ImagePositionPatient, EVR_DS, detail::decimal_strings({at[0], at[1], at[2]}));
      o.text(DCM_ImageOrientationPatient, EVR_DS,
             detail::decimal_strings(
                 {g.row[0], g.row[1], g.row[2], g.column[0], g.column[1], g.column[2]}));
      o.text(DCM_FrameOfReferenceUID, EVR_UI, frame_of_reference);
      o.text(DCM_PositionReferenceIndicator, EVR_LO, "");
      if (s[0] > 1) {
        o.text(DCM_TemporalPositionIdentifier, EVR_IS, std::to_string(f + 1));
        o.text(DCM_NumberOfTemporalPositions, EVR_IS, std::to_string(s[0]));
      }
      o.text(DCM_SliceLocation, EVR_DS, detail::decimal_string(location));
      o.number(DCM_SamplesPerPixel, 1);
      o.text(DCM_PhotometricInterpretation, EVR_CS, "MONOCHROME2");
      o.number(DCM_Rows, static_cast<unsigned>(s[2]));
      o.number(DCM_Columns, static_cast<unsigned>(s[3]));
      o.text(DCM_PixelSpacing, EVR_DS, detail::decimal_strings({g.dy, g.dx}));
      o.number(DCM_BitsAllocated, 16);
      o.number(DCM_BitsStored, 16);
      o.number(DCM_HighBit, 15);
      o.number(DCM_PixelRepresentation, 0);
      o.text(DCM_WindowCenter, EVR_DS, detail::decimal_string((low + high) / 2));
      o.text(DCM_WindowWidth, EVR_DS, detail::decimal_string(high > low ? high - low : 1));
      if (high > low && high - low < 1) o.text(DCM_VOILUTFunction, EVR_CS, "LINEAR_EXACT");
      o.text(DCM_RescaleIntercept, EVR_DS, detail::decimal_string(scale.intercept));
      o.text(DCM_RescaleSlope, EVR_DS, detail::decimal_string(scale.slope));
      o.text(DCM_RescaleType, EVR_LO, "US");
      o.pixels(stored);
      files.push_back("IM_" + numbered(z, s[1]) + "_" + numbered(f, s[0]) + ".dcm");
      o.save(out / files.back());
    }
  out.commit();
  return files;
#else
  (void)images;
  (void)series;
  (void)policy;
  throw io_error(folder +
                 ": writing DICOM needs DCMTK, which this build lacks; install it (libdcmtk-dev) "
                 "and build again");
#endif
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
