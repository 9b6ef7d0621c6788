// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_FASTMRI_HPP
#define CARDIOMM_IO_FASTMRI_HPP
/// \file
/// HDF5 files of the fastMRI layout: those of the fastMRI sets and the training files of CardioMM.
/// In both the readout is the axis before the last: `kspace` is (images, coils, readout, phase
/// encodes), images being slices, or frames x slices with the slice fastest; single-coil files lack
/// the coils. Here an image of k-space is (coil, y, x) with the readout last, so that the last two
/// axes are exchanged on the way in and out.

#include <cmath>
#include <optional>

#include "cardiomm/io/hdf5.hpp"
#include "cardiomm/io/hdf5_output.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// A file of the fastMRI layout.
///
///     const fastmri_file file("P001.h5");
///     std::vector<complex<float>> image(coils * ny * nx);
///     file.kspace(3, image.data());
class fastmri_file {
 public:
  /// Throws io_error where the file has no `kspace` of 3 or 4 axes that is complex.
  explicit fastmri_file(std::string path)
      : file_(std::move(path)), attributes_(file_.attributes()), kspace_(find_kspace()) {
    const extents& s = kspace_.shape();
    const std::string what = file_.path() + ":kspace: expected ";
    require<io_error>(is_complex_type(kspace_.type()), what, "complex values, found ",
                      name_of(kspace_.type()));
    require<io_error>(s.size() == 3 || s.size() == 4, what,
                      "(images, coils, readout, phase encodes) or without the coils, found ",
                      to_string(s));
    for (const index_t e : s)
      require<io_error>(e > 0, what, "extents of at least 1, found ", to_string(s));
    const std::size_t r = s.size();
    images_ = s[0];
    coils_ = r == 4 ? s[1] : 1;
    nx_ = s[r - 2];
    ny_ = s[r - 1];
    frames_ = images_;
    slices_ = 1;
    if (const auto shape = numbers("shape"); shape.size() >= 3) {
      // the loader's shape (nt, nz, nc, ny, nx), (nz, nc, ny, nx) or (nc, ny, nx)
      const double nz = shape.size() >= 4 ? shape[shape.size() - 4] : 1;
      const double nt = shape.size() >= 5 ? shape[shape.size() - 5] : 1;
      require<io_error>(nz * nt == static_cast<double>(images_), file_.path(),
                        ": attribute shape: expected ", images_, " images, found ", nt, " x ", nz);
      frames_ = static_cast<index_t>(nt);
      slices_ = static_cast<index_t>(nz);
    } else if (file_.has("ismrmrd_header")) {
      frames_ = 1;  // fastMRI's own files hold slices
      slices_ = images_;
    }
  }

  const hdf5_file& file() const { return file_; }
  index_t images() const { return images_; }
  /// frames() * slices() == images(); the slice is the fast one. A file that does not tell has
  /// frames.
  index_t frames() const { return frames_; }
  index_t slices() const { return slices_; }
  index_t coils() const { return coils_; }
  index_t ny() const { return ny_; }  ///< phase encodes
  index_t nx() const { return nx_; }  ///< readout
  /// k-space as it lies in the file, the readout before the last axis.
  const stored_array& stored_kspace() const { return kspace_; }

  /// k-space of an image as (coil, y, x).
  template <class T>
  void kspace(index_t image, T* out) const {
    std::vector<stored_array::range> part{{image, 1, 0}};
    if (kspace_.shape().size() == 4) part.push_back({0, coils_, ny_ * nx_});
    part.push_back({0, nx_, 1});
    part.push_back({0, ny_, nx_});
    kspace_.read(part, out);
  }
  /// The reference images of a file, and whether they are "rss" or "esc"; nothing where it has
  /// none.
  std::optional<std::string> reconstruction() const {
    for (const char* name : {"reconstruction_rss", "reconstruction_esc"})
      if (file_.has(name)) return name;
    return std::nullopt;
  }
  /// The size of a reference image as (y, x), which fastMRI crops.
  std::pair<index_t, index_t> reconstruction_size() const {
    const stored_array a = references();
    return {a.shape()[2], a.shape()[1]};
  }
  /// A reference image as (y, x).
  template <class T>
  void reconstruction(index_t image, T* out) const {
    const stored_array a = references();
    a.read({{image, 1, 0}, {0, a.shape()[1], 1}, {0, a.shape()[2], a.shape()[1]}}, out);
  }
  /// The sampled phase encodes of a test file (ny values); nothing where it has no mask.
  std::optional<std::vector<bool>> mask() const {
    if (!file_.has("mask")) return std::nullopt;
    const stored_array m = file_.at("mask");
    require<io_error>(m.size() == ny_, m.path(), ": expected ", ny_, " phase encodes, found shape ",
                      to_string(m.shape()));
    const auto v = m.load().values<double>();
    std::vector<bool> sampled(v.size());
    for (std::size_t i = 0; i < v.size(); ++i) sampled[i] = v[i] != 0;
    return sampled;
  }
  /// The ISMRMRD header (XML) of fastMRI's own files; empty where there is none.
  std::string header() const {
    return file_.has("ismrmrd_header") ? file_.text("ismrmrd_header") : std::string();
  }
  /// A text of the file's attributes ("vendor", "modality" ...), or what is given where it lacks
  /// it.
  std::string text(const std::string& key, const std::string& otherwise = "unknown") const {
    const auto a = attributes_.find(key);
    return a == attributes_.end() ? otherwise : a->second.text();
  }
  /// Numbers of an attribute ("max", "norm", "shape"), none where it is missing.
  std::vector<double> numbers(const std::string& key) const {
    const auto a = attributes_.find(key);
    return a == attributes_.end() ? std::vector<double>() : a->second.values();
  }

 private:
  stored_array find_kspace() const {
    require<io_error>(file_.has("kspace"), file_.path(),
                      ": expected a data set kspace (the fastMRI layout), found ", names());
    return file_.at("kspace");
  }
  std::string names() const {
    std::string text;
    for (const hdf5_object& o : file_.objects()) {
      if (text.size() > 80) return text + ", ...";
      text += (text.empty() ? "" : ", ") + detail::printable(o.name);
    }
    return text.empty() ? "an empty file" : text;
  }
  stored_array references() const {
    const auto name = reconstruction();
    require<io_error>(name.has_value(), file_.path(),
                      ": expected reconstruction_rss or reconstruction_esc, found ", names());
    stored_array a = file_.at(*name);
    require<io_error>(a.shape().size() == 3 && a.shape()[0] == images_, a.path(), ": expected ",
                      images_, " images (images, readout, phase encodes), found shape ",
                      to_string(a.shape()));
    return a;
  }

  hdf5_file file_;
  std::map<std::string, hdf5_attribute> attributes_;
  stored_array kspace_;
  index_t images_ = 0, frames_ = 1, slices_ = 1, coils_ = 1, ny_ = 0, nx_ = 0;
};

/// What a training file says about its scan; taken from the path of the original.
struct fastmri_scan {
  std::string center = "unknown", vendor = "unknown", field = "unknown", scanner = "unknown",
              modality = "unknown", view = "unknown", lifespan = "unknown", patient_id;
};

/// Writes a training file: `kspace` complex64 (nt * nz, nc, nx, ny), `reconstruction_rss` float32
/// (nt * nz, nx, ny) and the attributes of CardioMM's training. Images are added in order, the
/// slice fastest.
///
///     fastmri_output out("P001.h5", {nt, nz, nc, ny, nx}, scan);
///     for (...) out.add(kspace, rss);   // (coil, y, x) and (y, x)
///     out.commit();
class fastmri_output {
 public:
  /// `shape`: that of the k-space, (nt, nz, nc, ny, nx), (nz, nc, ny, nx) or (nc, ny, nx). Throws
  /// shape_error for other ranks.
  fastmri_output(std::string path, extents shape, fastmri_scan scan, int deflate = 0,
                 existing policy = existing::replace)
      : out_(std::move(path), policy), shape_(std::move(shape)), scan_(std::move(scan)) {
    const std::size_t r = shape_.size();
    require<shape_error>(r >= 3 && r <= 5, out_.path(),
                         ": expected (nt, nz, nc, ny, nx) or its last 4 or 3 axes, found ",
                         to_string(shape_));
    images_ = (r > 3 ? shape_[r - 4] : 1) * (r > 4 ? shape_[0] : 1);
    const index_t nc = shape_[r - 3], ny = shape_[r - 2], nx = shape_[r - 1];
    hdf5_layout k, i;
    if (deflate > 0) {
      k = {{1, 1, nx, ny}, deflate, "r", "i"};
      i = {{1, nx, ny}, deflate, "r", "i"};
    }
    out_.create("kspace", dtype::c64, {images_, nc, nx, ny}, k);
    out_.create("reconstruction_rss", dtype::f32, {images_, nx, ny}, i);
    turned_.resize(static_cast<std::size_t>(nc * ny * nx));
    image_.resize(static_cast<std::size_t>(ny * nx));
  }

  /// Adds the next image: k-space (coil, y, x), and the root of the sum of squares of its fully
  /// sampled coil images (y, x).
  void add(const complex<float>* kspace, const float* rss) {
    const std::size_t r = shape_.size();
    const index_t nc = shape_[r - 3], ny = shape_[r - 2], nx = shape_[r - 1];
    require<shape_error>(next_ < images_, out_.path(), ": expected ", images_,
                         " images, found more");
    permute(kspace, {nc, ny, nx}, {0, 2, 1}, turned_.data());
    permute(rss, {ny, nx}, {1, 0}, image_.data());
    for (const float v : image_) {
      max_ = std::max(max_, v);
      square_ += double(v) * double(v);
    }
    out_.write_rows("kspace", next_, 1, turned_.data());
    out_.write_rows("reconstruction_rss", next_, 1, image_.data());
    ++next_;
  }
  /// Writes the attributes and gives the file its name. Throws shape_error if images are missing.
  void commit() {
    require<shape_error>(next_ == images_, out_.path(), ": expected ", images_, " images, found ",
                         next_);
    const std::size_t r = shape_.size();
    const std::int64_t ny = shape_[r - 2], nx = shape_[r - 1];
    out_.attribute("", "max", max_);
    out_.attribute("", "norm", static_cast<float>(std::sqrt(square_)));
    const std::pair<const char*, const std::string*> texts[] = {
        {"center", &scan_.center},     {"vendor", &scan_.vendor},        {"field", &scan_.field},
        {"scanner", &scan_.scanner},   {"modality", &scan_.modality},    {"view", &scan_.view},
        {"lifespan", &scan_.lifespan}, {"patient_id", &scan_.patient_id}};
    for (const auto& [key, value] : texts) out_.attribute("", key, *value);
    out_.attribute("", "medcon", "unknown");
    out_.attribute("", "shape", std::vector<std::int64_t>(shape_.begin(), shape_.end()));
    out_.attribute("", "padding_left", std::int64_t(0));
    out_.attribute("", "padding_right", ny);
    out_.attribute("", "encoding_size", std::vector<std::int64_t>{nx, ny, 1});
    out_.attribute("", "recon_size", std::vector<std::int64_t>{nx, ny, 1});
    out_.commit();
  }

 private:
  hdf5_output out_;
  extents shape_;
  fastmri_scan scan_;
  index_t images_ = 0, next_ = 0;
  std::vector<complex<float>> turned_;
  std::vector<float> image_;
  float max_ = 0;
  double square_ = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
