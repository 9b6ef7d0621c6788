// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_DETAIL_MRD_CHILD_HPP
#define CARDIOMM_IO_DETAIL_MRD_CHILD_HPP
/// \file
/// The child's part of io/ismrmrd.hpp: reads the compound tables of a raw file with HDF5. Fields
/// are found by name, so that files of other writers, with other paddings, are read too.

#include <cstddef>
#include <sstream>

#include "cardiomm/io/mrd_header.hpp"

#if CARDIOMM_HAS_ISMRMRD && CARDIOMM_HAS_HDF5
#include <hdf5.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::io::detail {

template <class A>
void members(A& a, mrd_counters& c) {
  a(c.kspace_encode_step_1, c.kspace_encode_step_2, c.average, c.slice, c.contrast, c.phase,
    c.repetition, c.set, c.segment, c.user);
}
template <class A>
void members(A& a, mrd_head& h) {
  a(h.version, h.flags, h.measurement_uid, h.scan_counter, h.acquisition_time_stamp,
    h.physiology_time_stamp, h.number_of_samples, h.available_channels, h.active_channels,
    h.channel_mask, h.discard_pre, h.discard_post, h.center_sample, h.encoding_space_ref,
    h.trajectory_dimensions, h.sample_time_us, h.position, h.read_dir, h.phase_dir, h.slice_dir,
    h.table_position, h.idx, h.user_int, h.user_float);
}
template <class A>
void members(A& a, mrd_waveform_head& w) {
  a(w.version, w.flags, w.measurement_uid, w.scan_counter, w.time_stamp, w.number_of_samples,
    w.channels, w.sample_time_us, w.waveform_id);
}

#if CARDIOMM_HAS_ISMRMRD && CARDIOMM_HAS_HDF5

/// An HDF5 identifier that closes itself.
class mrd_id {
 public:
  mrd_id() = default;
  mrd_id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~mrd_id() {
    if (id_ >= 0) close_(id_);
  }
  mrd_id(mrd_id&& other) noexcept
      : id_(std::exchange(other.id_, hid_t(-1))), close_(other.close_) {}
  mrd_id& operator=(mrd_id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  hid_t get() const { return id_; }
  bool good() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

/// Builds a compound type of memory, member by member.
class mrd_type {
 public:
  explicit mrd_type(std::size_t size) : id_(H5Tcreate(H5T_COMPOUND, size), H5Tclose) {}
  mrd_type& add(const char* name, std::size_t offset, hid_t type) {
    H5Tinsert(id_.get(), name, offset, type);
    return *this;
  }
  mrd_type& add(const char* name, std::size_t offset, hid_t type, hsize_t n) {
    const mrd_id array(H5Tarray_create2(type, 1, &n), H5Tclose);
    return add(name, offset, array.get());
  }
  mrd_type& add_many(const char* name, std::size_t offset, hid_t type) {
    const mrd_id many(H5Tvlen_create(type), H5Tclose);
    return add(name, offset, many.get());
  }
  hid_t get() const { return id_.get(); }

 private:
  mrd_id id_;
};

inline mrd_type counters_type() {
  mrd_type t(sizeof(mrd_counters));
  const hid_t u16 = H5T_NATIVE_UINT16;
  t.add("kspace_encode_step_1", offsetof(mrd_counters, kspace_encode_step_1), u16)
      .add("kspace_encode_step_2", offsetof(mrd_counters, kspace_encode_step_2), u16)
      .add("average", offsetof(mrd_counters, average), u16)
      .add("slice", offsetof(mrd_counters, slice), u16)
      .add("contrast", offsetof(mrd_counters, contrast), u16)
      .add("phase", offsetof(mrd_counters, phase), u16)
      .add("repetition", offsetof(mrd_counters, repetition), u16)
      .add("set", offsetof(mrd_counters, set), u16)
      .add("segment", offsetof(mrd_counters, segment), u16)
      .add("user", offsetof(mrd_counters, user), u16, 8);
  return t;
}
inline mrd_type head_type() {
  mrd_type t(sizeof(mrd_head));
  const hid_t u16 = H5T_NATIVE_UINT16, u32 = H5T_NATIVE_UINT32, u64 = H5T_NATIVE_UINT64,
              f32 = H5T_NATIVE_FLOAT;
  const mrd_type idx = counters_type();
  t.add("version", offsetof(mrd_head, version), u16)
      .add("flags", offsetof(mrd_head, flags), u64)
      .add("measurement_uid", offsetof(mrd_head, measurement_uid), u32)
      .add("scan_counter", offsetof(mrd_head, scan_counter), u32)
      .add("acquisition_time_stamp", offsetof(mrd_head, acquisition_time_stamp), u32)
      .add("physiology_time_stamp", offsetof(mrd_head, physiology_time_stamp), u32, 3)
      .add("number_of_samples", offsetof(mrd_head, number_of_samples), u16)
      .add("available_channels", offsetof(mrd_head, available_channels), u16)
      .add("active_channels", offsetof(mrd_head, active_channels), u16)
      .add("channel_mask", offsetof(mrd_head, channel_mask), u64, 16)
      .add("discard_pre", offsetof(mrd_head, discard_pre), u16)
      .add("discard_post", offsetof(mrd_head, discard_post), u16)
      .add("center_sample", offsetof(mrd_head, center_sample), u16)
      .add("encoding_space_ref", offsetof(mrd_head, encoding_space_ref), u16)
      .add("trajectory_dimensions", offsetof(mrd_head, trajectory_dimensions), u16)
      .add("sample_time_us", offsetof(mrd_head, sample_time_us), f32)
      .add("position", offsetof(mrd_head, position), f32, 3)
      .add("read_dir", offsetof(mrd_head, read_dir), f32, 3)
      .add("phase_dir", offsetof(mrd_head, phase_dir), f32, 3)
      .add("slice_dir", offsetof(mrd_head, slice_dir), f32, 3)
      .add("patient_table_position", offsetof(mrd_head, table_position), f32, 3)
      .add("idx", offsetof(mrd_head, idx), idx.get())
      .add("user_int", offsetof(mrd_head, user_int), H5T_NATIVE_INT32, 8)
      .add("user_float", offsetof(mrd_head, user_float), f32, 8);
  return t;
}

/// A raw file, opened.
class mrd_hdf5 {
 public:
  mrd_hdf5(const std::string& path, const std::string& group) : path_(path) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    require<io_error>(H5Fis_hdf5(path.c_str()) > 0, path,
                      ": expected an HDF5 file of ISMRM raw data, found other contents");
    file_ = mrd_id(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    require<io_error>(file_.good(), path, ": cannot be opened by HDF5: the file is damaged");
    group_ = group.empty() ? find_group() : group;
    require<io_error>(!group_.empty() && is_raw(group_), path,
                      ": expected a group with xml and data, as ISMRM raw data have, found ",
                      group.empty() ? "none" : "no such in " + group);
    data_ = mrd_id(H5Dopen2(file_.get(), (group_ + "/data").c_str(), H5P_DEFAULT), H5Dclose);
    require<io_error>(data_.good(), path, ": ", group_, "/data: cannot be opened");
    const mrd_id type(H5Dget_type(data_.get()), H5Tclose);
    require<io_error>(type.good() && H5Tget_class(type.get()) == H5T_COMPOUND &&
                          H5Tget_member_index(type.get(), "head") >= 0 &&
                          H5Tget_member_index(type.get(), "data") >= 0,
                      path, ": ", group_,
                      "/data: expected records of head, traj and data, found other values");
    count_ = length_of(data_, group_ + "/data");
    has_trajectory_ = H5Tget_member_index(type.get(), "traj") >= 0;
    if (has(group_ + "/waveforms")) {
      waves_ =
          mrd_id(H5Dopen2(file_.get(), (group_ + "/waveforms").c_str(), H5P_DEFAULT), H5Dclose);
      const mrd_id w(waves_.good() ? H5Dget_type(waves_.get()) : hid_t(-1), H5Tclose);
      require<io_error>(w.good() && H5Tget_class(w.get()) == H5T_COMPOUND, path, ": ", group_,
                        "/waveforms: expected records of head and data, found other values");
      wave_count_ = length_of(waves_, group_ + "/waveforms");
    }
    xml_ = read_xml();
  }

  /// Answers "about", "heads A N", "lines A N" and "waves A N".
  std::string answer(const std::string& request) {
    std::istringstream words(request);
    std::string what;
    std::uint64_t first = 0, n = 0;
    words >> what >> first >> n;
    packer out;
    if (what == "about") {
      std::string header = pack_mrd_header(xml_, path_);
      out(count_, wave_count_, group_, xml_, header);
    } else if (what == "waves")
      read_waves(first, n, out);
    else
      read_lines(first, n, what == "heads", out);
    return std::move(out.bytes);
  }

 private:
  struct line {
    mrd_head head;
    hvl_t traj, data;
  };
  struct wave {
    mrd_waveform_head head;
    hvl_t data;
  };

  bool has(const std::string& name) const {
    return H5Lexists(file_.get(), name.c_str(), H5P_DEFAULT) > 0 &&
           H5Oexists_by_name(file_.get(), name.c_str(), H5P_DEFAULT) > 0;
  }
  bool is_raw(const std::string& group) const {
    return has(group) && has(group + "/data") && has(group + "/xml");
  }
  /// The first group of the file that has raw data, "dataset" before others.
  std::string find_group() const {
    if (is_raw("dataset")) return "dataset";
    H5G_info_t info{};
    if (H5Gget_info(file_.get(), &info) < 0) return {};
    for (hsize_t i = 0; i < std::min<hsize_t>(info.nlinks, 1000); ++i) {
      char name[512];
      const ssize_t n = H5Lget_name_by_idx(file_.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, name,
                                           sizeof name, H5P_DEFAULT);
      if (n > 0 && n < ssize_t(sizeof name) && is_raw(name)) return name;
    }
    return {};
  }
  /// Records of a table; their number has to be possible in a file of this size.
  std::uint64_t length_of(const mrd_id& table, const std::string& name) const {
    const mrd_id space(H5Dget_space(table.get()), H5Sclose);
    const auto n = space.good() ? H5Sget_simple_extent_npoints(space.get()) : -1;
    hsize_t bytes = 0;
    H5Fget_filesize(file_.get(), &bytes);
    require<io_error>(
        n >= 0 && static_cast<hsize_t>(n) <= bytes && H5Sget_simple_extent_ndims(space.get()) <= 2,
        path_, ": ", name, ": expected a list of records that fits ", bytes, " bytes, found ", n,
        " records");
    return static_cast<std::uint64_t>(n);
  }
  std::string read_xml() const {
    const std::string name = group_ + "/xml";
    const mrd_id set(H5Dopen2(file_.get(), name.c_str(), H5P_DEFAULT), H5Dclose);
    const mrd_id type(set.good() ? H5Dget_type(set.get()) : hid_t(-1), H5Tclose);
    const mrd_id space(set.good() ? H5Dget_space(set.get()) : hid_t(-1), H5Sclose);
    require<io_error>(type.good() && space.good() && H5Tget_class(type.get()) == H5T_STRING &&
                          H5Sget_simple_extent_npoints(space.get()) == 1,
                      path_, ": ", name, ": expected one text, found other values");
    if (H5Tis_variable_str(type.get()) > 0) {
      char* text = nullptr;
      const mrd_id memory(H5Tcopy(H5T_C_S1), H5Tclose);
      H5Tset_size(memory.get(), H5T_VARIABLE);
      H5Tset_cset(memory.get(), H5Tget_cset(type.get()));
      require<io_error>(
          H5Dread(set.get(), memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &text) >= 0 &&
              text != nullptr,
          path_, ": ", name, ": cannot be read");
      std::string xml(text);
      H5free_memory(text);
      return xml;
    }
    const std::size_t n = H5Tget_size(type.get());
    require<io_error>(n > 0 && n < (std::size_t(1) << 28), path_, ": ", name, ": expected a text, ",
                      "found ", n, " bytes");
    std::string xml(n + 1, '\0');
    require<io_error>(
        H5Dread(set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, xml.data()) >= 0, path_, ": ",
        name, ": cannot be read");
    xml.resize(std::strlen(xml.c_str()));
    return xml;
  }
  /// Reads records of a table to `to`, whose type in memory is given.
  void read(const mrd_id& table, hid_t type, std::uint64_t first, std::uint64_t n, void* to,
            const char* what) const {
    const mrd_id file_space(H5Dget_space(table.get()), H5Sclose);
    hsize_t extent[2] = {1, 1}, start[2] = {0, 0}, count[2] = {1, 1};
    H5Sget_simple_extent_dims(file_space.get(), extent, nullptr);
    const bool column = H5Sget_simple_extent_ndims(file_space.get()) == 2 && extent[0] == 1;
    start[column ? 1 : 0] = first;
    count[column ? 1 : 0] = n;
    const hsize_t flat = n;
    const mrd_id memory(H5Screate_simple(1, &flat, nullptr), H5Sclose);
    const bool good =
        H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start, nullptr, count, nullptr) >=
            0 &&
        H5Dread(table.get(), type, memory.get(), file_space.get(), H5P_DEFAULT, to) >= 0;
    require<io_error>(good, path_, ": ", what, " ", first, " to ", first + n - 1,
                      ": cannot be read: the file is damaged");
  }
  void read_lines(std::uint64_t first, std::uint64_t n, bool heads_only, packer& out) const {
    require<io_error>(first <= count_ && n <= count_ - first, path_, ": expected lines below ",
                      count_, ", found ", first, " + ", n);
    if (n == 0) return;
    const mrd_type head = head_type();
    mrd_type type(sizeof(line));
    type.add("head", offsetof(line, head), head.get());
    if (!heads_only) {
      type.add_many("data", offsetof(line, data), H5T_NATIVE_FLOAT);
      if (has_trajectory_) type.add_many("traj", offsetof(line, traj), H5T_NATIVE_FLOAT);
    }
    std::vector<line> lines(static_cast<std::size_t>(n), line{{}, {0, nullptr}, {0, nullptr}});
    read(data_, type.get(), first, n, lines.data(), "lines");
    for (std::uint64_t i = 0; i < n; ++i) {
      line& l = lines[static_cast<std::size_t>(i)];
      out(l.head);
      if (heads_only) continue;
      const std::uint64_t samples = l.head.number_of_samples,
                          need = 2 * samples * l.head.active_channels,
                          steps = samples * l.head.trajectory_dimensions;
      require<io_error>(l.data.len == need, path_, ": line ", first + i, ": expected ",
                        l.head.active_channels, " channels of ", samples,
                        " complex samples, found ", 0.5 * double(l.data.len), " samples");
      require<io_error>(l.traj.len == steps, path_, ": line ", first + i, ": trajectory: expected ",
                        l.head.trajectory_dimensions, " numbers for ", samples, " samples, found ",
                        l.traj.len);
      out.raw(l.traj.p, steps * sizeof(float));
      out.raw(l.data.p, need * sizeof(float));
    }
    if (!heads_only) reclaim(type.get(), n, lines.data());
  }
  void read_waves(std::uint64_t first, std::uint64_t n, packer& out) const {
    require<io_error>(first <= wave_count_ && n <= wave_count_ - first, path_,
                      ": expected waveforms below ", wave_count_, ", found ", first, " + ", n);
    if (n == 0) return;
    using h = mrd_waveform_head;
    const hid_t u16 = H5T_NATIVE_UINT16, u32 = H5T_NATIVE_UINT32;
    mrd_type head(sizeof(h)), type(sizeof(wave));
    head.add("version", offsetof(h, version), u16)
        .add("flags", offsetof(h, flags), H5T_NATIVE_UINT64)
        .add("measurement_uid", offsetof(h, measurement_uid), u32)
        .add("scan_counter", offsetof(h, scan_counter), u32)
        .add("time_stamp", offsetof(h, time_stamp), u32)
        .add("number_of_samples", offsetof(h, number_of_samples), u16)
        .add("channels", offsetof(h, channels), u16)
        .add("sample_time_us", offsetof(h, sample_time_us), H5T_NATIVE_FLOAT)
        .add("waveform_id", offsetof(h, waveform_id), u16);
    type.add("head", offsetof(wave, head), head.get());
    type.add_many("data", offsetof(wave, data), u32);
    std::vector<wave> waves(static_cast<std::size_t>(n), wave{{}, {0, nullptr}});
    read(waves_, type.get(), first, n, waves.data(), "waveforms");
    for (std::uint64_t i = 0; i < n; ++i) {
      wave& w = waves[static_cast<std::size_t>(i)];
      const std::uint64_t need = std::uint64_t(w.head.number_of_samples) * w.head.channels;
      require<io_error>(w.data.len == need, path_, ": waveform ", first + i, ": expected ",
                        w.head.channels, " channels of ", w.head.number_of_samples,
                        " samples, found ", w.data.len, " numbers");
      out(w.head);
      out.raw(w.data.p, need * sizeof(std::uint32_t));
    }
    reclaim(type.get(), n, waves.data());
  }
  static void reclaim(hid_t type, hsize_t n, void* records) {
    const mrd_id memory(H5Screate_simple(1, &n, nullptr), H5Sclose);
    H5Dvlen_reclaim(type, memory.get(), H5P_DEFAULT, records);
  }

  std::string path_, group_, xml_;
  mrd_id file_, data_, waves_;
  std::uint64_t count_ = 0, wave_count_ = 0;
  bool has_trajectory_ = false;
};
#endif

}  // namespace cardiomm::inline CARDIOMM_ABI::io::detail

#endif
