// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_OUTPUT_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_OUTPUT_HPP
/// \file
/// Writing results with the axes of the input: whole, or plane by plane from several processes.

#include "arrays.hpp"

namespace program {

/// The format of an output by its name. Throws io_error for other names.
format output_format(const std::string& path);

/// What an output tells besides its values; not all formats have room for it.
struct output_details {
  geometry voxel;
  std::string variable;    ///< of MATLAB and HDF5 files; empty: the published name of the role
  bool published = false;  ///< NIfTI: divided by the 99.5th percentile of each slice
};

/// Writes a whole array to a file in a format that is made in one go (.npz, .mat, .h5, .nii,
/// .nii.gz; by the name); the axes are in canonical order.
void encode(const std::string& path, const axes& order, const extents& shape, io::dtype type,
            const std::byte* values, const output_details& details);

/// An array on its way to a file. It is opened before the work starts, so that an unwritable place
/// is found early, and appears when it is committed.
class array_output {
 public:
  array_output(const std::string& path, io::existing policy) : path_(path) {
    const format kind = examine(path);
    if (kind == format::cfl)
      cfl_ = std::make_unique<io::cfl_output>(path, policy);
    else
      npy_ = std::make_unique<io::atomic_file>(path, policy);
    whole_ = kind != format::cfl && kind != format::npy;
  }
  /// Part of the output of another process, where `values_file()` is `temporary`.
  array_output(const std::string& path, const std::string& temporary) : path_(path) {
    const format kind = examine(path);
    const bool npy = kind == format::npy;
    require<io_error>(npy || kind == format::cfl, path,
                      ": expected .npy or .cfl, which several processes can write, found ",
                      name_of(kind));
    part_ = std::make_unique<io::atomic_file>(npy ? path : io::cfl_base(path) + ".cfl", temporary);
  }
  /// Throws what the constructor would throw, and creates nothing.
  static void check(const std::string& path, io::existing policy) {
    if (examine(path) != format::cfl) return io::atomic_file::check(path, policy);
    for (const char* end : {".cfl", ".hdr"})
      io::atomic_file::check(io::cfl_base(path) + end, policy);
  }
  bool is_cfl() const { return cfl_ != nullptr; }
  /// Geometry and names; before the values are complete.
  void describe(const output_details& details) { details_ = details; }
  const std::string& path() const { return path_; }

  /// Writes values whose axes are `order`, slowest first and in canonical order. BART's files are
  /// complex and get their dimensions by name.
  template <class T>
  void write(const axes& order, const extents& shape, const T* values, bool phase_plane = false) {
    shape_ = shape;
    order_ = order;
    if (npy_) {
      type_ = io::dtype_of<T>();
      if (whole_) {
        const auto* p = reinterpret_cast<const std::byte*>(values);
        const index_t n = io::count_of(shape, sizeof(T), path_);
        values_.assign(p, p + static_cast<std::size_t>(n) * sizeof(T));
      } else
        io::put_npy(*npy_, type_, shape, values);
      return;
    }
    type_ = io::dtype::c64;
    const auto n = static_cast<std::size_t>(io::count_of(shape, sizeof(T), path_));
    io::cfl_shape dims;
    dims.fill(1);
    std::vector<std::pair<int, int>> by_dimension;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const int d = cfl_dimension(order[i], phase_plane);
      dims[static_cast<std::size_t>(d)] = shape[i];
      by_dimension.emplace_back(-d, static_cast<int>(i));
    }
    std::sort(by_dimension.begin(), by_dimension.end());
    std::vector<int> permutation;
    for (const auto& entry : by_dimension) permutation.push_back(entry.second);
    std::vector<complex<float>> raw(n), sorted;
    io::convert(io::dtype_of<T>(), reinterpret_cast<const std::byte*>(values),
                static_cast<index_t>(n), raw.data(), path_.c_str());
    if (!std::is_sorted(permutation.begin(), permutation.end())) {
      sorted.resize(n);
      io::permute(raw.data(), shape, permutation, sorted.data());
      raw.swap(sorted);
    }
    cfl_->write(dims, raw.data());
  }
  /// Starts an array that is written plane by plane, by several processes perhaps: the axes `all`
  /// with these extents, without the singletons that `kept` does not name. The last two axes are y
  /// and x.
  void begin(const axes& all, const extents& sizes, const axes& kept, io::dtype type,
             bool phase_plane) {
    axes order;
    extents shape;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (has(kept, all[i]) || sizes[i] != 1) {
        order.push_back(all[i]);
        shape.push_back(sizes[i]);
      }
    shape_ = shape;
    order_ = order;
    const bool npy = output_format(path_) != format::cfl;
    type_ = npy ? type : io::dtype::c64;
    const std::string head = npy && !whole_ ? io::npy_header(type_, shape) : std::string();
    if (whole_)
      values_.resize(static_cast<std::size_t>(io::count_of(shape, io::size_of(type_), path_)) *
                     io::size_of(type_));
    start_ = head.size();
    io::cfl_shape dims;
    dims.fill(1);
    for (std::size_t i = 0; i < order.size(); ++i)
      dims[static_cast<std::size_t>(cfl_dimension(order[i], phase_plane))] = shape[i];
    pitch_.assign(all.size(), 1);
    for (std::size_t i = 0; i < all.size(); ++i)
      if (npy)
        for (std::size_t inner = i + 1; inner < all.size(); ++inner) pitch_[i] *= sizes[inner];
      else
        for (int d = 0; d < cfl_dimension(all[i], phase_plane); ++d)
          pitch_[i] *= dims[static_cast<std::size_t>(d)];
    plane_ = sizes[all.size() - 2] * sizes[all.size() - 1];
    if (npy_ && !whole_) npy_->write(head);
    if (cfl_) cfl_->write_header(dims);
  }
  /// Writes the plane at a place of the leading axes.
  template <class T>
  void put_plane(const extents& at, const T* values) {
    std::uint64_t offset = start_;
    for (std::size_t i = 0; i < at.size(); ++i)
      offset += static_cast<std::uint64_t>(at[i] * pitch_[i]) * io::size_of(type_);
    if (type_ == io::dtype::f32)
      put_as<float>(offset, values);
    else
      put_as<complex<float>>(offset, values);
  }
  /// Writes a tensor, dropping the singleton axes of `all` that `kept` does not name.
  template <cardiomm::TensorView V>
  void write(const axes& all, const axes& kept, const V& values, bool phase_plane = false) {
    const auto host = cardiomm::to_host(values);
    extents shape;
    axes order;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (has(kept, all[i]) || host.extent(static_cast<int>(i)) != 1) {
        order.push_back(all[i]);
        shape.push_back(static_cast<index_t>(host.extent(static_cast<int>(i))));
      }
    write(order, shape, host.data(), phase_plane);
  }
  std::vector<io::atomic_file*> files() {
    if (part_) return {part_.get()};
    if (npy_) return {npy_.get()};
    const auto pair = cfl_->files();
    return {pair.begin(), pair.end()};
  }
  void commit() {
    complete();
    io::atomic_file::commit(files());
  }
  /// Brings what was written to the disk.
  void finish() {
    complete();
    for (io::atomic_file* f : files()) f->finish();
  }
  /// The temporary files, that of the values first.
  std::vector<std::string> temporaries() {
    std::vector<std::string> names;
    for (const io::atomic_file* f : files()) names.push_back(f->temporary());
    return names;
  }
  /// "X.npy (frame 25, y 208, x 256) complex64"
  std::string describe() const {
    return path_ + " " + to_string(order_, shape_) + " " + io::name_of(type_);
  }
  const extents& shape() const { return shape_; }
  io::dtype type() const { return type_; }

 private:
  static format examine(const std::string& path) {
    const format kind = output_format(path);
    std::error_code none;
    require<io_error>(extension_of(path) != "" || !std::filesystem::exists(path, none) ||
                          std::filesystem::is_regular_file(path, none),
                      path, ": expected a BART base name, found a directory or device");
    return kind;
  }
  /// Formats that are made in one go: now.
  void complete() {
    if (!whole_ || values_.empty()) return;
    // the writers of these formats name files themselves, by their endings
    const std::string name = std::filesystem::path(path_).filename().string();
    const std::string made = npy_->temporary() + name.substr(name.find('.'));
    encode(made, order_, shape_, type_, values_.data(), details_);
    const int failed = std::rename(made.c_str(), npy_->temporary().c_str());
    require<io_error>(failed == 0, path_, ": cannot be written: ", io::detail::reason(errno));
    values_ = {};
  }
  void put_bytes(std::uint64_t offset, const void* values, std::size_t bytes) {
    if (whole_) {
      std::memcpy(values_.data() + offset, values, bytes);
      return;
    }
    io::atomic_file& to = part_ ? *part_ : npy_ ? *npy_ : cfl_->data();
    to.write_at(offset, values, bytes);
  }
  template <class To, class T>
  void put_as(std::uint64_t offset, const T* values) {
    const std::size_t bytes = static_cast<std::size_t>(plane_) * sizeof(To);
    if constexpr (std::is_same_v<To, T>)
      return put_bytes(offset, values, bytes);
    else if constexpr (cardiomm::is_complex<To> || !cardiomm::is_complex<T>) {
      std::vector<To> converted(static_cast<std::size_t>(plane_));
      io::convert(io::dtype_of<T>(), reinterpret_cast<const std::byte*>(values), plane_,
                  converted.data(), path_.c_str());
      put_bytes(offset, converted.data(), bytes);
    }
  }

  std::string path_;
  std::unique_ptr<io::atomic_file> npy_, part_;  // npy_ is any format of one file
  bool whole_ = false;                           // made in one go of `values_`
  std::vector<std::byte> values_;
  output_details details_;
  std::unique_ptr<io::cfl_output> cfl_;
  axes order_;
  extents shape_, pitch_;
  std::uint64_t start_ = 0;
  index_t plane_ = 0;
  io::dtype type_ = io::dtype::f32;
};

}  // namespace program

#endif
