// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_NIFTI_HPP
#define CARDIOMM_IO_NIFTI_HPP
/// \file
/// NIfTI images. Read: NIfTI-1 and NIfTI-2, .nii, .nii.gz and pairs .hdr/.img (each may end in
/// .gz), both byte orders, integers of 8 to 64 bits, float32/64, complex64/128. Written: NIfTI-1,
/// .nii and .nii.gz. Values, scaling and affine are those of nibabel's get_fdata() and affine.
/// Source: nifti1.h and nifti2.h of the NIfTI working group, "The quaternion representation".

#include <array>

#include "cardiomm/io/array.hpp"
#include "cardiomm/io/content.hpp"
#include "cardiomm/io/deflate.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// Where the voxels of an image lie.
struct nifti_geometry {
  /// Row-major 4 x 4: index (x, y, z, 1) to coordinates in the unit of the file, mostly mm.
  std::array<double, 16> affine{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  /// Distance of neighbours in x, y and z, in mm whatever the unit of the file.
  std::array<double, 3> spacing{1, 1, 1};
  double dt = 0;  ///< time from frame to frame in s; 0 where there is no time axis
  std::string description;

  /// Voxels of a size in mm on the axes of the coordinates, the first one at the origin.
  static nifti_geometry voxels(double dx, double dy, double dz, double seconds = 0) {
    nifti_geometry g;
    g.affine = {dx, 0, 0, 0, 0, dy, 0, 0, 0, 0, dz, 0, 0, 0, 0, 1};
    g.spacing = {dx, dy, dz};
    g.dt = seconds;
    return g;
  }
};

/// An opened image. Shapes are the reverse of the file's: (t, z, y, x), x contiguous, or fewer or
/// more axes as the file has them.
struct nifti_image : nifti_geometry {
  stored_array values;  ///< with slope and intercept applied: then float64 or complex128
  stored_array stored;  ///< as they lie in the file
  double slope = 1, intercept = 0;
};

namespace detail {

/// The values slope * v + intercept of an array, as bytes: float64, complex128 of complex ones.
class scaled_source : public byte_source {
 public:
  scaled_source(const stored_array& from, double slope, double intercept)
      : from_(from), slope_(slope), intercept_(intercept) {}
  const std::string& path() const override { return from_.path(); }
  dtype type() const { return is_complex_type(from_.type()) ? dtype::c128 : dtype::f64; }
  std::uint64_t size() const override { return std::uint64_t(from_.size()) * size_of(type()); }
  void read(std::uint64_t offset, void* out, std::size_t n) const override {
    require_inside(offset, n);
    if (type() == dtype::f64)
      pieces<double>(offset, static_cast<char*>(out), n);
    else
      pieces<complex<double>>(offset, static_cast<char*>(out), n);
  }

 private:
  template <class T>
  void pieces(std::uint64_t offset, char* out, std::size_t n) const {
    std::vector<T> part;
    while (n > 0) {
      const std::uint64_t first = offset / sizeof(T), skip = offset % sizeof(T);
      const std::uint64_t count = std::min<std::uint64_t>((skip + n + sizeof(T) - 1) / sizeof(T),
                                                          (std::uint64_t(1) << 19) / sizeof(T));
      part.resize(static_cast<std::size_t>(count));
      from_.read({{static_cast<index_t>(first), static_cast<index_t>(count), 1}}, part.data());
      // two passes: a fused multiply-add would differ from nibabel in the last digit
      if (slope_ != 1)
        for (T& v : part) v = v * slope_;
      if (intercept_ != 0)
        for (T& v : part) v = v + intercept_;
      const auto bytes = std::min(n, part.size() * sizeof(T) - static_cast<std::size_t>(skip));
      std::memcpy(out, reinterpret_cast<const char*>(part.data()) + skip, bytes);
      out += bytes;
      offset += bytes;
      n -= bytes;
    }
  }
  stored_array from_;  // one axis
  double slope_, intercept_;
};

struct nifti_type {
  int code;
  dtype type;
};
inline constexpr nifti_type nifti_types[] = {
    {2, dtype::u8},    {4, dtype::i16},    {8, dtype::i32},    {16, dtype::f32},
    {32, dtype::c64},  {64, dtype::f64},   {256, dtype::i8},   {512, dtype::u16},
    {768, dtype::u32}, {1024, dtype::i64}, {1280, dtype::u64}, {1792, dtype::c128}};

/// The header as numbers, of either version and byte order.
class nifti_header {
 public:
  static constexpr std::size_t most = 540;

  /// `have` bytes of the begin of a file, at most `most`.
  nifti_header(const unsigned char* bytes, std::size_t have, const byte_source& file)
      : bytes_(bytes), path_(file.path()) {
    require<io_error>(have >= 348, path_, ": expected a NIfTI header of 348 or 540 bytes, found ",
                      have, " bytes: ", content_of(file));
    const auto length = [&] { return integer<std::int32_t>(0); };
    if (length() != 348 && length() != 540) swapped = true;
    require<io_error>(length() == 348 || length() == 540, path_,
                      ": expected a NIfTI file, whose header is 348 or 540 bytes long, found ",
                      content_of(file));
    two_ = length() == 540;
    require<io_error>(!two_ || have >= 540, path_, ": expected a NIfTI header of 540 bytes, found ",
                      have);
    const std::string magic(reinterpret_cast<const char*>(bytes_) + (two_ ? 4 : 344), 4);
    const std::string one = two_ ? std::string("n+2\0", 4) : std::string("n+1\0", 4);
    const std::string two = two_ ? std::string("ni2\0", 4) : std::string("ni1\0", 4);
    require<io_error>(two_ || magic != std::string(4, '\0'), path_,
                      ": expected a NIfTI file, found an Analyze 7.5 header, which has no axes");
    require<io_error>(magic == one || magic == two, path_, ": magic: expected '", one.substr(0, 3),
                      "' or '", two.substr(0, 3), "', found something else");
    pair = magic == two;
    shape();
    type();
    place();
    geometry();
  }

  bool swapped = false, pair = false;
  stored_array::place values;
  double slope = 1, intercept = 0;
  nifti_geometry where;

 private:
  template <class T>
  T number(std::size_t at) const {
    unsigned char raw[sizeof(T)];
    std::memcpy(raw, bytes_ + at, sizeof(T));
    if (swapped) std::reverse(raw, raw + sizeof(T));
    T value;
    std::memcpy(&value, raw, sizeof(T));
    return value;
  }
  template <class T>
  std::int64_t integer(std::size_t at) const {
    return static_cast<std::int64_t>(number<T>(at));
  }
  /// A field that is float32 in NIfTI-1 and float64 in NIfTI-2: places there, and which of a list.
  double real(std::size_t one, std::size_t two, std::size_t i = 0) const {
    return two_ ? number<double>(two + 8 * i) : double(number<float>(one + 4 * i));
  }
  double finite(const char* name, std::size_t one, std::size_t two, std::size_t i = 0) const {
    const double v = real(one, two, i);
    require<io_error>(std::isfinite(v), path_, ": ", name, ": expected finite numbers, found ", v);
    return v;
  }
  double pixdim(std::size_t i) const { return finite("pixdim", 76, 104, i); }

  void shape() {
    const auto dim = [&](std::size_t i) {
      return two_ ? integer<std::int64_t>(16 + 8 * i) : integer<std::int16_t>(40 + 2 * i);
    };
    require<io_error>(dim(0) >= 1 && dim(0) <= 7, path_, ": dim: expected 1 to 7 axes, found ",
                      dim(0));
    axes_ = static_cast<std::size_t>(dim(0));
    for (std::size_t i = axes_; i > 0; --i) {
      require<io_error>(dim(i) >= 1, path_, ": dim[", i, "]: expected at least 1, found ", dim(i));
      values.shape.push_back(dim(i));
    }
  }
  void type() {
    const auto code = two_ ? integer<std::int16_t>(12) : integer<std::int16_t>(70);
    bool known = false;
    for (const nifti_type& t : nifti_types)
      if (t.code == code) {
        values.type = t.type;
        known = true;
      }
    const char* found = code == 128 || code == 2304    ? " (colours)"
                        : code == 1536 || code == 2048 ? " (128-bit floats)"
                        : code == 1                    ? " (single bits)"
                                                       : "";
    require<io_error>(known, path_,
                      ": datatype: expected (u)int8 to 64, float32, float64, complex64 or "
                      "complex128, found code ",
                      code, found);
    values.swapped = swapped;
    slope = real(112, 176);
    intercept = real(116, 184);
    if (slope == 0 || !std::isfinite(slope)) {
      slope = 1;
      intercept = 0;
    }
    require<io_error>(std::isfinite(intercept), path_,
                      ": scl_inter: expected a finite number beside a slope, found ", intercept);
  }
  void place() {
    const double least = pair ? 0 : two_ ? 544 : 352;
    const double offset = two_ ? double(integer<std::int64_t>(168)) : finite("vox_offset", 108, 0);
    require<io_error>(offset == 0 || (offset >= least && offset < 0x1p62), path_,
                      ": vox_offset: expected at least ", least, ", found ", offset);
    values.offset = static_cast<std::uint64_t>(offset == 0 ? least : offset);
  }

  void geometry() {
    const auto units = two_ ? integer<std::int32_t>(500) : integer<std::uint8_t>(123);
    const double mm = (units & 7) == 1 ? 1e3 : (units & 7) == 3 ? 1e-3 : 1;
    const auto clock = units & 0x38;  // s, ms, us; then frequencies; 0 where nobody told
    const double seconds = clock == 16 ? 1e-3 : clock == 24 ? 1e-6 : clock <= 8 ? 1 : 0;
    for (std::size_t i = 0; i < 3; ++i) {
      zoom_[i] = std::abs(pixdim(i + 1));
      if (zoom_[i] == 0) zoom_[i] = 1;
      where.spacing[i] = zoom_[i] * mm;
    }
    if (axes_ >= 4 && std::isfinite(real(76, 104, 4)) && real(76, 104, 4) > 0)
      where.dt = real(76, 104, 4) * seconds;
    const char* text = reinterpret_cast<const char*>(bytes_) + (two_ ? 240 : 148);
    where.description.assign(text, std::find(text, text + 80, '\0'));
    affine();
  }
  void affine() {
    const auto code = [&](std::size_t one, std::size_t two) {
      const auto c = two_ ? integer<std::int32_t>(two) : integer<std::int16_t>(one);
      return c >= 1 && c <= 5;
    };
    auto& a = where.affine;
    if (code(254, 348)) {
      for (std::size_t i = 0; i < 12; ++i) a[i] = finite("srow", 280, 400, i);
    } else if (code(252, 344)) {
      quaternion();
    } else {  // as SPM has it: x from right to left, the origin in the middle
      for (std::size_t i = 0; i < 3; ++i) {
        const bool there = i < axes_;
        const double z = (there ? zoom_[i] : 1) * (i == 0 ? -1 : 1);
        const double n = there ? double(values.shape[axes_ - 1 - i]) : 1;
        a[4 * i + i] = z;
        a[4 * i + 3] = -((n - 1) / 2) * z;
      }
    }
  }
  void quaternion() {
    double q[4] = {0, 0, 0, 0}, squares = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      q[i + 1] = finite("quatern", 256, 352, i);
      squares += q[i + 1] * q[i + 1];
    }
    // nibabel's limits: three times the precision of the fields
    const double w2 = 1 - squares, limit = two_ ? 3 * 0x1p-52 : 3 * 0x1p-23;
    require<io_error>(w2 >= -limit, path_,
                      ": quatern: expected the parts of a rotation, whose squares sum to at most ",
                      "1, found ", squares);
    q[0] = w2 >= limit ? std::sqrt(w2) : 0;
    const double n = q[0] * q[0] + squares, s = n < 0x1p-52 ? 0 : 2 / n;
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    const double r[9] = {1 - s * (y * y + z * z), s * (x * y - w * z),     s * (x * z + w * y),
                         s * (x * y + w * z),     1 - s * (x * x + z * z), s * (y * z - w * x),
                         s * (x * z - w * y),     s * (y * z + w * x),     1 - s * (x * x + y * y)};
    const double handed = real(76, 104) == -1 ? -1 : 1;  // qfac; anything else counts as 1
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j)
        where.affine[4 * i + j] = r[3 * i + j] * zoom_[j] * (j == 2 ? handed : 1);
      where.affine[4 * i + 3] = finite("qoffset", 268, 376, i);
    }
  }

  const unsigned char* bytes_;
  const std::string& path_;
  bool two_ = false;
  std::size_t axes_ = 0;
  double zoom_[3] = {1, 1, 1};
};

/// The begin of a file, unpacked.
inline std::size_t nifti_begin(const std::shared_ptr<const byte_source>& file, unsigned char* out) {
  if (is_gzip(*file)) return inflater(file).read(out, nifti_header::most);
  const auto n =
      static_cast<std::size_t>(std::min<std::uint64_t>(file->size(), nifti_header::most));
  file->read(0, out, n);
  return n;
}

/// The source of the values, which are unpacked into memory if it is a gzip file.
inline std::shared_ptr<const byte_source> nifti_unpacked(std::shared_ptr<const byte_source> file,
                                                         stored_array::place& where) {
  if (!is_gzip(*file)) return file;
  const auto item = size_of(where.type);
  const auto need = std::uint64_t(count_of(where.shape, item, file->path())) * item;
  require<io_error>(
      need / deflate_ratio <= file->size() && where.offset / deflate_ratio <= file->size(),
      file->path(), ": shape ", to_string(where.shape), " of ", name_of(where.type), ": expected ",
      need, " bytes of values, found ", file->size(), " packed bytes, which cannot hold them");
  inflater packed(file);
  packed.take(nullptr, where.offset);
  std::string bytes(static_cast<std::size_t>(need), '\0');
  packed.take(bytes.data(), need);
  packed.rest(1 << 20);  // what other programs append; also compares the checksum
  where.offset = 0;
  return std::make_shared<memory_source>(file->path(), std::move(bytes));
}

inline nifti_image nifti_open(const nifti_header& header,
                              const std::shared_ptr<const byte_source>& file) {
  stored_array::place where = header.values;
  const auto source = nifti_unpacked(file, where);
  const stored_array stored(source, where);
  if (header.slope == 1 && header.intercept == 0) return {header.where, stored, stored, 1, 0};
  where.shape = {stored.size()};
  const auto scaled =
      std::make_shared<scaled_source>(stored_array(source, where), header.slope, header.intercept);
  stored_array::place as_real;
  as_real.type = scaled->type();
  as_real.shape = stored.shape();
  return {header.where, stored_array(scaled, as_real), stored, header.slope, header.intercept};
}
}  // namespace detail

/// Opens the bytes of a .nii or .nii.gz file. Sizes are checked before anything is unpacked.
/// Throws io_error.
inline nifti_image open_nifti(const std::shared_ptr<const byte_source>& file) {
  unsigned char begin[detail::nifti_header::most] = {};
  const std::size_t have = detail::nifti_begin(file, begin);
  const detail::nifti_header header(begin, have, *file);
  require<io_error>(!header.pair, file->path(),
                    ": expected an image in one file, found the header of a pair .hdr and .img");
  return detail::nifti_open(header, file);
}

/// Opens the two files of a pair. Throws io_error.
inline nifti_image open_nifti(const std::shared_ptr<const byte_source>& header_file,
                              const std::shared_ptr<const byte_source>& values) {
  unsigned char begin[detail::nifti_header::most] = {};
  const std::size_t have = detail::nifti_begin(header_file, begin);
  const detail::nifti_header header(begin, have, *header_file);
  require<io_error>(header.pair, header_file->path(),
                    ": expected the header of a pair .hdr and .img, found an image in one file");
  return detail::nifti_open(header, values);
}

/// Opens NAME.nii, NAME.nii.gz, or the pair that NAME.hdr or NAME.img belongs to. Throws io_error.
inline nifti_image open_nifti(const std::string& path) {
  const auto ends = [&](const std::string& end) {
    return path.size() > end.size() && path.compare(path.size() - end.size(), end.size(), end) == 0;
  };
  for (const char* end : {".hdr", ".img", ".hdr.gz", ".img.gz"}) {
    if (!ends(end)) continue;
    const std::string base = path.substr(0, path.size() - std::strlen(end));
    const auto either = [&](const std::string& name) {
      const bool packed =
          ::access(name.c_str(), R_OK) != 0 && ::access((name + ".gz").c_str(), R_OK) == 0;
      return std::make_shared<const input_file>(packed ? name + ".gz" : name);
    };
    return open_nifti(either(base + ".hdr"), either(base + ".img"));
  }
  return open_nifti(std::make_shared<const input_file>(path));
}

/// A NIfTI-1 file that is written in pieces, packed if its name ends in .gz. It appears under its
/// name with `commit`.
///
///     nifti_output out("cine.nii.gz", dtype::f32, {25, 10, 208, 256}, geometry);
///     out.write(values, bytes);  // in the order of the shape, (t, z, y, x)
///     out.commit();
class nifti_output {
 public:
  /// Throws io_error for types and shapes that NIfTI-1 has not: float16, more than 7 axes, more
  /// than 32767 along one of them.
  nifti_output(const std::string& path, dtype type, const extents& shape,
               const nifti_geometry& where, existing policy = existing::replace)
      : file_(path, policy) {
    const bool packed = path.size() > 3 && path.compare(path.size() - 3, 3, ".gz") == 0;
    const std::string header = make_header(path, type, shape, where);
    need_ = std::uint64_t(count_of(shape, size_of(type), path)) * size_of(type);
    if (packed)
      pack_ = std::make_unique<deflater>(
          packing::gzip, [this](const void* p, std::size_t n) { file_.write(p, n); }, 3);
    put(header.data(), header.size());
  }
  nifti_output(const nifti_output&) = delete;
  nifti_output& operator=(const nifti_output&) = delete;

  void write(const void* values, std::size_t bytes) {
    require<io_error>(bytes <= need_, file_.path(), ": expected ", need_,
                      " more bytes of values, found ", bytes);
    need_ -= bytes;
    put(values, bytes);
  }
  /// Ends the packed bytes; the file can then be committed, alone or with others.
  atomic_file& complete() {
    require<io_error>(need_ == 0, file_.path(), ": expected ", need_,
                      " more bytes of values, found none");
    if (pack_) pack_->finish();
    pack_.reset();
    return file_;
  }
  void commit() { complete().commit(); }

 private:
  void put(const void* data, std::size_t n) {
    if (pack_)
      pack_->write(data, n);
    else
      file_.write(data, n);
  }
  static std::string make_header(const std::string& path, dtype type, const extents& shape,
                                 const nifti_geometry& where) {
    static_assert(std::endian::native == std::endian::little, "values are written as they lie");
    int code = type == dtype::boolean ? 2 : 0;
    for (const detail::nifti_type& t : detail::nifti_types)
      if (t.type == type) code = t.code;
    require<io_error>(code != 0, path, ": a NIfTI file holds no ", name_of(type));
    require<io_error>(shape.size() <= 7, path, ": a NIfTI file holds at most 7 axes, found ",
                      to_string(shape));
    std::string h(352, '\0');
    const auto set = [&](std::size_t at, auto value) {
      std::memcpy(h.data() + at, &value, sizeof(value));
    };
    set(0, std::int32_t(348));
    h[38] = 'r';
    const std::size_t axes = std::max<std::size_t>(shape.size(), 1);
    set(40, static_cast<std::int16_t>(axes));
    set(76, 1.0f);
    for (std::size_t i = 1; i < 8; ++i) {
      const index_t n = i <= shape.size() ? shape[shape.size() - i] : 1;
      require<io_error>(n >= 1 && n <= 32767, path,
                        ": a NIfTI-1 file holds 1 to 32767 values along an axis, found ",
                        to_string(shape));
      set(40 + 2 * i, static_cast<std::int16_t>(n));
      const double zoom = i <= 3 ? where.spacing[i - 1] : i == 4 ? where.dt : 1;
      set(76 + 4 * i, static_cast<float>(zoom));
    }
    set(70, static_cast<std::int16_t>(code));
    set(72, static_cast<std::int16_t>(8 * size_of(type)));
    set(108, 352.0f);
    set(112, 1.0f);
    h[123] = 2 | 8;  // mm and s
    h.replace(148, std::min<std::size_t>(where.description.size(), 79), where.description, 0, 79);
    set(254, std::int16_t(2));  // sform: aligned coordinates, as nibabel marks them
    for (std::size_t i = 0; i < 12; ++i) set(280 + 4 * i, static_cast<float>(where.affine[i]));
    h.replace(344, 3, "n+1");
    return h;
  }

  atomic_file file_;
  std::unique_ptr<deflater> pack_;
  std::uint64_t need_ = 0;
};

/// Writes an array, (t, z, y, x) or with fewer axes; half precision as float32.
inline void write_nifti(const std::string& path, const array& a, const nifti_geometry& where,
                        existing policy = existing::replace) {
  if (a.type == dtype::f16) {
    const auto values = a.values<float>();
    nifti_output out(path, dtype::f32, a.shape, where, policy);
    out.write(values.data(), values.size() * sizeof(float));
    return out.commit();
  }
  nifti_output out(path, a.type, a.shape, where, policy);
  out.write(a.bytes.data(), a.bytes.size());
  out.commit();
}

/// Writes a tensor of any space.
template <TensorView V>
void write_nifti(const std::string& path, const V& values, const nifti_geometry& where,
                 existing policy = existing::replace) {
  write_nifti(path, array::from(values), where, policy);
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
