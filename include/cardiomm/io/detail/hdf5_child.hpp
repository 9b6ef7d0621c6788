// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_DETAIL_HDF5_CHILD_HPP
#define CARDIOMM_IO_DETAIL_HDF5_CHILD_HPP
/// \file
/// The side of the HDF5 reader that works in a sandbox: it calls the library and answers with
/// packets. No other file is touched: external links and external or virtual storage are refused.

#include "cardiomm/io/detail/hdf5_types.hpp"
#include "cardiomm/io/detail/shared_memory.hpp"

#if CARDIOMM_HAS_HDF5

namespace cardiomm::inline CARDIOMM_ABI::io::detail {

/// Answers requests about one file. The first letter of a request says what is wanted.
class hdf5_child {
 public:
  static sandbox::handler open(const std::string& path, std::uint64_t file_bytes,
                               std::shared_ptr<const shared_memory> memory) {
    auto child = std::make_shared<hdf5_child>(path, file_bytes, std::move(memory));
    return [child](const std::string& request) { return child->answer(request); };
  }

  hdf5_child(const std::string& path, std::uint64_t file_bytes,
             std::shared_ptr<const shared_memory> memory)
      : path_(path), file_bytes_(file_bytes), memory_(std::move(memory)) {
    (void)H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    (void)H5Lunregister(H5L_TYPE_EXTERNAL);
    (void)::setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);  // read-only places
    file_ = h5_handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    if (file_) return;
    const std::string reason = h5_reason();
    throw io_error(path + (reason.rfind("truncated file", 0) == 0
                               ? ": HDF5: the file is truncated, it has " +
                                     std::to_string(file_bytes) + " bytes" + stored_eof(reason)
                               : ": HDF5: cannot be opened: " + reason));
  }

 private:
  struct opened {
    h5_handle set;
    std::vector<hsize_t> extents;
    dtype type = dtype::f32;
    h5_handle memory;
  };

  std::string answer(const std::string& request) {
    packet_reader in(request.substr(1), path_);
    switch (request.at(0)) {
      case 'l':
        return list();
      case 'a':
        return attributes(in.text());
      case 'o':
        return open_array(in.text());
      case 't':
        return text(in.text());
      case 'f': {
        const std::string name = in.text();
        return reference(name, in.number());
      }
      default: {
        const std::uint64_t id = in.number(), offset = in.number(), n = in.number();
        const opened& o = opened_.at(id);
        serve_values(
            *memory_, size_of(o.type), offset, n,
            [&](std::uint64_t first, std::uint64_t last, char* out) { read(o, first, last, out); });
        return "";
      }
    }
  }

  static std::string stored_eof(const std::string& reason) {
    const auto at = reason.find("stored_eof = ");
    return at == std::string::npos ? "" : " of " + reason.substr(at + 13);
  }
  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    throw io_error(path_ + (name.empty() ? "" : ":" + printable(name)) + ": " + what);
  }

  // ---- the list -----------------------------------------------------------------------------
  static constexpr std::size_t most_objects = 100000;
  static constexpr int deepest = 32;
  struct walk {
    hdf5_child* self;
    std::string prefix;
  };
  static herr_t visit_link(hid_t group, const char* name, const H5L_info_t* info, void* data) {
    const auto& w = *static_cast<walk*>(data);
    if (info->type == H5L_TYPE_EXTERNAL) return 0;
    try {
      w.self->visit(group, name, w.prefix + name);
      return 0;
    } catch (const error& e) {
      w.self->trouble_ = e.what();
      return -1;
    }
  }
  void put(const std::string& name, const char* kind) {
    list_.put(name).put(std::string(kind)).put(std::uint64_t(0)).put(std::vector<hsize_t>());
  }
  void visit(hid_t group, const char* link, const std::string& name) {
    if (name == "#refs#" || name == "#subsystem#") return;  // MATLAB's own
    h5_handle object(H5Oopen(group, link, H5P_DEFAULT), H5Oclose);
    require<io_error>(++count_ <= most_objects, path_, ": HDF5: more than ", most_objects,
                      " objects: the file is damaged");
    if (!object) {
      const bool there = H5Oexists_by_name(group, link, H5P_DEFAULT) > 0;
      (void)H5Eclear2(H5E_DEFAULT);
      if (there)
        put(name, "unreadable");
      else
        --count_;  // a link to nothing
      return;
    }
    const H5I_type_t kind = H5Iget_type(object.get());
    if (kind == H5I_DATASET) {
      h5_handle type(H5Dget_type(object.get()), H5Tclose);
      h5_handle space(H5Dget_space(object.get()), H5Sclose);
      if (!type || !space) fail(name, "HDF5: " + h5_reason());
      const auto extents = h5_extents(space.get());
      const h5_conversion c = h5_convert(type.get());
      list_.put(name).put(std::string(extents ? c.name : "empty"));
      list_.put(std::uint64_t(c.type && extents ? 1 + static_cast<int>(*c.type) : 0));
      list_.put(extents ? *extents : std::vector<hsize_t>());
    } else if (kind == H5I_GROUP) {
      put(name, "group");
      walk_group(object.get(), name + "/");
    } else
      --count_;
  }
  void walk_group(hid_t group, const std::string& prefix) {
    hobj_ref_t here = 0;
    if (H5Rcreate(&here, group, ".", H5R_OBJECT, -1) < 0) fail(prefix, "HDF5: " + h5_reason());
    if (std::find(above_.begin(), above_.end(), here) != above_.end()) return;  // a cycle
    require<io_error>(static_cast<int>(above_.size()) < deepest, path_,
                      ": HDF5: groups lie deeper than ", deepest, " levels");
    above_.push_back(here);
    walk w{this, prefix};
    hsize_t at = 0;
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, visit_link, &w) < 0) {
      if (!trouble_.empty()) throw io_error(trouble_);
      fail(prefix, "HDF5: the group cannot be read: " + h5_reason());
    }
    above_.pop_back();
  }
  std::string list() {
    list_ = {};
    count_ = 0;
    above_.clear();
    h5_handle root(H5Gopen2(file_.get(), "/", H5P_DEFAULT), H5Gclose);
    if (!root) fail("/", "HDF5: " + h5_reason());
    walk_group(root.get(), "");
    packet all;
    all.put(std::uint64_t(count_));
    return all.take() + list_.take();
  }

  // ---- attributes and texts --------------------------------------------------------------------
  std::string attributes(const std::string& name) {
    h5_handle object(H5Oopen(file_.get(), name.empty() ? "/" : name.c_str(), H5P_DEFAULT),
                     H5Oclose);
    if (!object) fail(name, "no such object in the file");
    list_ = {};
    count_ = 0;
    const auto visit_one = [](hid_t, const char* n, const H5A_info_t*, void* self) -> herr_t {
      static_cast<hdf5_child*>(self)->names_.push_back(n);
      return 0;
    };
    names_.clear();
    hsize_t at = 0;
    if (H5Aiterate2(object.get(), H5_INDEX_NAME, H5_ITER_INC, &at, visit_one, this) < 0)
      fail(name, "HDF5: the attributes cannot be read: " + h5_reason());
    for (const std::string& a : names_) attribute(object.get(), a);
    packet all;
    all.put(std::uint64_t(count_));
    return all.take() + list_.take();
  }
  /// Attributes that are neither text nor numbers are left out.
  void attribute(hid_t object, const std::string& name) {
    h5_handle a(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
    if (!a) fail(name, "HDF5: the attribute cannot be read: " + h5_reason());
    h5_handle type(H5Aget_type(a.get()), H5Tclose), space(H5Aget_space(a.get()), H5Sclose);
    const auto extents = h5_extents(space.get());
    if (!type || !extents) return;
    std::size_t n = 1;
    for (const hsize_t e : *extents) n = e < (1 << 20) ? n * static_cast<std::size_t>(e) : 1 << 24;
    if (n > (1 << 20)) return;
    if (H5Tget_class(type.get()) == H5T_STRING) {
      const auto texts = h5_texts(type.get(), n, [&](hid_t memory, void* out) {
        return n == 0 ? 0 : H5Aread(a.get(), memory, out);
      });
      list_.put(name).put(std::uint64_t(0)).put(texts);
      ++count_;
      return;
    }
    const h5_conversion c = h5_convert(type.get());
    if (!c.type) return;
    std::string bytes(n * size_of(*c.type), '\0');
    if (n > 0 && H5Aread(a.get(), c.memory.get(), bytes.data()) < 0)
      fail(name, "HDF5: the attribute cannot be read: " + h5_reason());
    list_.put(name).put(std::uint64_t(1 + static_cast<int>(*c.type))).put(*extents).put(bytes);
    ++count_;
  }
  h5_handle open_set(const std::string& name) const {
    h5_handle object(H5Oopen(file_.get(), name.c_str(), H5P_DEFAULT), H5Oclose);
    if (!object) {
      const std::string reason = h5_reason();
      H5L_info_t link;
      const bool there = H5Lget_info(file_.get(), name.c_str(), &link, H5P_DEFAULT) >= 0;
      (void)H5Eclear2(H5E_DEFAULT);
      if (there && link.type == H5L_TYPE_EXTERNAL)
        fail(name, "it is a link to another file, which is not followed");
      if (there && link.type == H5L_TYPE_HARD) fail(name, "HDF5: cannot be opened: " + reason);
      fail(name, "no such data set in the file");
    }
    if (H5Iget_type(object.get()) != H5I_DATASET) fail(name, "expected a data set, found a group");
    return object;
  }
  std::string text(const std::string& name) const {
    const h5_handle set = open_set(name);
    h5_handle type(H5Dget_type(set.get()), H5Tclose), space(H5Dget_space(set.get()), H5Sclose);
    const auto extents = h5_extents(space.get());
    hsize_t n = extents ? 1 : 0;
    if (extents)
      for (const hsize_t e : *extents) n = e == 1 ? n : 0;
    if (!type || H5Tget_class(type.get()) != H5T_STRING || n != 1)
      fail(name, "expected one text, found " + (type ? h5_convert(type.get()).name : "nothing"));
    refuse_other_files(set.get(), name);
    try {
      return h5_texts(type.get(), 1,
                      [&](hid_t memory, void* out) {
                        return H5Dread(set.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
                      })
          .at(0);
    } catch (const io_error& e) {
      fail(name, std::string("HDF5: ") + e.what());
    }
  }
  std::string reference(const std::string& name, std::uint64_t index) const {
    const h5_handle set = open_set(name);
    h5_handle type(H5Dget_type(set.get()), H5Tclose), space(H5Dget_space(set.get()), H5Sclose);
    if (!type || H5Tequal(type.get(), H5T_STD_REF_OBJ) <= 0)
      fail(name, "expected references to objects");
    const hssize_t n = H5Sget_simple_extent_npoints(space.get());
    if (n < 0 || index >= static_cast<std::uint64_t>(n) || n > (1 << 24))
      fail(name, "expected an element of 1 to " + std::to_string(n) + ", found " +
                     std::to_string(index + 1));
    refuse_other_files(set.get(), name);
    std::vector<hobj_ref_t> all(static_cast<std::size_t>(n));
    char target[1024] = "";
    if (H5Dread(set.get(), H5T_STD_REF_OBJ, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()) < 0 ||
        H5Rget_name(set.get(), H5R_OBJECT, &all[index], target, sizeof target) <= 0)
      fail(name, "HDF5: the reference cannot be followed: " + h5_reason());
    return target[0] == '/' ? target + 1 : target;
  }

  // ---- values ---------------------------------------------------------------------------------
  void refuse_other_files(hid_t set, const std::string& name) const {
    h5_handle layout(H5Dget_create_plist(set), H5Pclose);
    if (!layout) fail(name, "HDF5: " + h5_reason());
    if (H5Pget_layout(layout.get()) == H5D_VIRTUAL)
      fail(name, "its values lie in other files (a virtual data set), which are not read");
    if (H5Pget_external_count(layout.get()) > 0)
      fail(name, "its values lie in other files (external storage), which are not read");
    const int filters = H5Pget_nfilters(layout.get());
    for (int i = 0; i < filters; ++i) {
      unsigned flags = 0, config = 0;
      std::size_t n = 0;
      char filter[64] = "";
      const H5Z_filter_t id = H5Pget_filter2(layout.get(), static_cast<unsigned>(i), &flags, &n,
                                             nullptr, sizeof filter, filter, &config);
      if (id >= 0 && H5Zfilter_avail(id) > 0) continue;
      filter[sizeof filter - 1] = '\0';
      fail(name, "it is compressed by filter " + std::to_string(id) +
                     (filter[0] ? " (" + printable(filter) + ")" : "") +
                     ", which this HDF5 lacks; expected gzip, shuffle or no filter");
    }
  }
  /// Opens with a cache that holds the chunks of one index of the first axis.
  h5_handle open_cached(const std::string& name, const opened& o) const {
    h5_handle set = open_set(name);
    h5_handle layout(H5Dget_create_plist(set.get()), H5Pclose);
    if (H5Pget_layout(layout.get()) != H5D_CHUNKED || o.extents.empty()) return set;
    std::vector<hsize_t> chunk(o.extents.size(), 1);
    if (H5Pget_chunk(layout.get(), static_cast<int>(chunk.size()), chunk.data()) < 0) return set;
    double row = static_cast<double>(size_of(o.type)) * static_cast<double>(chunk[0]);
    for (std::size_t i = 1; i < chunk.size(); ++i)
      row *= static_cast<double>((o.extents[i] + chunk[i] - 1) / std::max<hsize_t>(chunk[i], 1) *
                                 chunk[i]);
    constexpr double least = 1 << 20, most = 1 << 30;
    const auto bytes = static_cast<std::size_t>(std::clamp(2 * row, least, most));
    h5_handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
    (void)H5Pset_chunk_cache(access.get(), 100003, bytes, 1.0);
    set = {};
    return h5_handle(H5Dopen2(file_.get(), name.c_str(), access.get()), H5Dclose);
  }
  std::string open_array(const std::string& name) {
    opened o;
    o.set = open_set(name);
    h5_handle type(H5Dget_type(o.set.get()), H5Tclose);
    h5_handle space(H5Dget_space(o.set.get()), H5Sclose);
    if (!type || !space) fail(name, "HDF5: " + h5_reason());
    const auto extents = h5_extents(space.get());
    if (!extents) fail(name, "expected an array, found a data set without values");
    h5_conversion c = h5_convert(type.get());
    if (!c.type) fail(name, "expected numbers, found " + c.name);
    refuse_other_files(o.set.get(), name);
    o.extents = *extents;
    o.type = *c.type;
    o.memory = std::move(c.memory);
    io::extents shape;
    for (const hsize_t e : o.extents) {
      if (e > (hsize_t(1) << 62)) fail(name, "an extent of " + std::to_string(e) + " is damaged");
      shape.push_back(static_cast<index_t>(e));
    }
    const auto n = static_cast<std::uint64_t>(count_of(shape, size_of(o.type), path_ + ":" + name));
    // What no compression can hide in a file of this size was never written.
    const std::uint64_t most = (std::uint64_t(64) << 20) + 2000 * file_bytes_;
    if (n * size_of(o.type) > most)
      fail(name, "shape " + to_string(shape) + " of " + name_of(o.type) + " promises " +
                     std::to_string(n * size_of(o.type)) + " bytes, but the whole file has " +
                     std::to_string(file_bytes_) +
                     ": the values were never written, or it is damaged");
    packet p;
    const auto [at, swapped] = plain_place(o, type.get(), n);
    p.put(std::uint64_t(opened_.size())).put(std::uint64_t(static_cast<int>(o.type)));
    p.put(o.extents).put(std::uint64_t(at ? 1 : 0)).put(at.value_or(0));
    p.put(std::uint64_t(swapped));
    if (!at) {
      o.set = open_cached(name, o);
      if (!o.set) fail(name, "HDF5: " + h5_reason());
    }
    opened_.push_back(std::move(o));
    return p.take();
  }
  /// Where values lie in the file just as they lie in memory, up to the order of bytes.
  std::pair<std::optional<std::uint64_t>, bool> plain_place(const opened& o, hid_t type,
                                                            std::uint64_t n) const {
    h5_handle layout(H5Dget_create_plist(o.set.get()), H5Pclose);
    if (n == 0 || H5Pget_layout(layout.get()) != H5D_CONTIGUOUS) return {};
    bool swapped = false;
    if (H5Tequal(type, o.memory.get()) <= 0) {
      if (is_complex_type(o.type) || o.type == dtype::boolean) return {};
      h5_handle other(H5Tcopy(o.memory.get()), H5Tclose);
      (void)H5Tset_order(other.get(), H5T_ORDER_BE);
      if (H5Tequal(type, other.get()) <= 0) return {};
      swapped = true;
    }
    const haddr_t at = H5Dget_offset(o.set.get());
    if (at == HADDR_UNDEF) return {};
    return {std::uint64_t(at), swapped};
  }

  void read(const opened& o, std::uint64_t first, std::uint64_t last, char* out) const {
    if (o.extents.empty()) {
      if (H5Dread(o.set.get(), o.memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
        throw io_error(path_ + ": HDF5: values cannot be read: " + h5_reason());
      return;
    }
    std::vector<hsize_t> inner(o.extents.size(), 1), start(inner.size(), 0);
    for (std::size_t i = inner.size(); i-- > 1;) inner[i - 1] = inner[i] * o.extents[i];
    read_range(o, inner, 0, start, first, last, out);
  }
  /// Values first to last, counted from the index `start` of the axes above, as few blocks.
  void read_range(const opened& o, const std::vector<hsize_t>& inner, std::size_t axis,
                  std::vector<hsize_t>& start, hsize_t first, hsize_t last, char*& out) const {
    const hsize_t row = inner[axis];
    while (first < last) {
      start[axis] = first / row;
      const hsize_t whole = first % row ? 0 : (last - first) / row;
      if (whole > 0) {
        block(o, axis, start, whole, whole * row, out);
        first += whole * row;
        continue;
      }
      const hsize_t base = first / row * row, end = std::min(last, base + row);
      read_range(o, inner, axis + 1, start, first - base, end - base, out);
      first = end;
    }
    start[axis] = 0;
  }
  void block(const opened& o, std::size_t axis, const std::vector<hsize_t>& start, hsize_t rows,
             hsize_t n, char*& out) const {
    std::vector<hsize_t> from(start), count(o.extents);
    for (std::size_t i = 0; i < axis; ++i) count[i] = 1;
    count[axis] = rows;
    for (std::size_t i = axis + 1; i < from.size(); ++i) from[i] = 0;
    h5_handle file(H5Dget_space(o.set.get()), H5Sclose);
    // of the same shape: else HDF5 looks at each value by itself
    h5_handle memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                     H5Sclose);
    if (!file || !memory ||
        H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, from.data(), nullptr, count.data(),
                            nullptr) < 0 ||
        H5Dread(o.set.get(), o.memory.get(), memory.get(), file.get(), H5P_DEFAULT, out) < 0)
      throw io_error(path_ + ": HDF5: values cannot be read: " + h5_reason());
    out += static_cast<std::size_t>(n) * size_of(o.type);
  }

  std::string path_;
  std::uint64_t file_bytes_;
  std::shared_ptr<const shared_memory> memory_;
  h5_handle file_;
  std::vector<opened> opened_;
  packet list_;
  std::vector<std::string> names_;
  std::vector<hobj_ref_t> above_;
  std::string trouble_;
  std::size_t count_ = 0;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io::detail

#endif
#endif
