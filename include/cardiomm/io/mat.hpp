// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_MAT_HPP
#define CARDIOMM_IO_MAT_HPP
/// \file
/// Reading MATLAB files: version 7.3 (HDF5) and 4 to 7 (matio), both in a sandbox. MATLAB's first
/// axis is contiguous, ours is last: an array [nx, ny, nc, nz, nt] is (nt, nz, nc, ny, nx) here,
/// and lies in memory as in the file. Writing: mat_output.hpp.

#include "cardiomm/io/detail/mat_child.hpp"
#include "cardiomm/io/hdf5.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// A variable of a MATLAB file, or a field of a structure in it.
struct mat_variable {
  std::string name;           ///< "kspace", "test.input", "scans(2).data"
  std::string class_name;     ///< MATLAB's: "single", "logical", "struct", "cell", "char" ...
  std::optional<dtype> type;  ///< nothing where `at` cannot read it
  extents shape;              ///< MATLAB's size backwards
};

/// A MATLAB file of any version.
///
///     const mat_file file("cine_sax.mat");
///     const stored_array kspace = file.first();
class mat_file {
 public:
  /// Throws io_error for what is no MATLAB file, a truncated one, or where this build lacks the
  /// library that reads its version.
  explicit mat_file(std::string path, sandbox_limits limits = sandbox_limits::from_environment())
      : raw_(std::make_shared<input_file>(std::move(path))) {
    if (is_hdf5(*raw_)) {
      hdf5_ = std::make_shared<hdf5_file>(raw_->path(), limits);
      list_hdf5();
      return;
    }
    if (detail::is_mat5(*raw_))
      detail::check_mat5(*raw_);
    else
      require<io_error>(raw_->size() > 0 && detail::is_mat4(*raw_), raw_->path(),
                        ": expected a MATLAB file (version 4 to 7.3), found ", content_of(*raw_));
#if CARDIOMM_HAS_MATIO
    const std::string name = raw_->path();
    const auto memory = server_->memory = std::make_shared<detail::shared_memory>();
    child_ = server_->child = std::make_shared<sandbox>(
        name, "matio", [name, memory] { return detail::mat_child::open(name, memory); }, limits);
    list_matio();
#else
    throw io_error(raw_->path() +
                   ": reading it needs matio, which this build lacks; install libmatio-dev and "
                   "configure again, or save with -v7.3");
#endif
  }

  const std::string& path() const { return raw_->path(); }
  /// All variables and fields of structures, in the order of the file (7.3: alphabetical).
  const std::vector<mat_variable>& variables() const { return variables_; }
  /// Names of those that `at` reads.
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const mat_variable& v : variables_)
      if (v.type) found.push_back(v.name);
    return found;
  }
  const mat_variable* find(const std::string& name) const {
    for (const mat_variable& v : variables_)
      if (v.name == name) return &v;
    return nullptr;
  }

  /// The values of a variable, or of a field: "test.input", "scans(2).data". Throws io_error for a
  /// name that the file lacks, for text, cells, sparse matrices and other things that are no array
  /// of numbers, and for sizes that the file cannot hold.
  stored_array at(const std::string& name) const {
    const std::string shown = path() + ":" + detail::printable(name);
    for (std::size_t i = 0; i < variables_.size(); ++i)
      if (variables_[i].name == name) return open(i, shown);
    if (hdf5_)
      if (const std::string inside = element(name); !inside.empty()) return hdf5_->at(inside);
    throw io_error(shown + ": no such variable in the file; it has " + content());
  }
  /// The first variable that is an array of numbers, whatever its name.
  stored_array first() const {
    for (std::size_t i = 0; i < variables_.size(); ++i)
      if (variables_[i].type && variables_[i].name.find('.') == std::string::npos)
        return open(i, path() + ":" + detail::printable(variables_[i].name));
    const auto fields = names();
    throw io_error(path() + ": expected a variable that is an array of numbers, found " +
                   content() +
                   (fields.empty() ? "" : "; name one, for example " + path() + ":" + fields[0]));
  }

 private:
  /// "kspace (double), info (struct)", a few of them.
  std::string content() const {
    std::string text;
    int n = 0;
    for (const mat_variable& v : variables_) {
      if (v.name.find('.') != std::string::npos && !text.empty() && n > 4) continue;
      if (++n > 8) return text + " ...";
      text += (text.empty() ? "" : ", ") + detail::printable(v.name) + " (" + v.class_name + ")";
    }
    return text.empty() ? "no variables" : text;
  }
  stored_array open(std::size_t i, const std::string& shown) const {
    const mat_variable& v = variables_[i];
    require<io_error>(v.type.has_value(), shown, ": expected an array of numbers, found ",
                      v.class_name);
    if (hdf5_) {
      if (places_[i].empty())  // MATLAB stores the size of an empty array in the place of values
        return stored_array(std::make_shared<memory_source>(shown, ""),
                            {*v.type, v.shape, 0, false, false});
      return hdf5_->at(places_[i], *v.type == dtype::boolean);
    }
    const auto bytes =
        static_cast<std::uint64_t>(count_of(v.shape, size_of(*v.type), shown)) * size_of(*v.type);
    // what no compression can hide in a file of this size is damage
    require<io_error>(bytes <= (std::uint64_t(64) << 20) + 2000 * raw_->size(), shown, ": shape ",
                      to_string(v.shape), " of ", name_of(*v.type), " promises ", bytes,
                      " bytes, but the whole file has ", raw_->size(), ": it is damaged");
    return stored_array(std::make_shared<detail::served_values>(server_, shown, i, bytes),
                        {*v.type, v.shape, 0, false, false});
  }

  // ---- version 7.3 ------------------------------------------------------------------------------
  void list_hdf5() {
    std::string hidden;  // what lies in a sparse matrix
    for (const hdf5_object& o : hdf5_->objects()) {
      if (!hidden.empty() && o.name.rfind(hidden, 0) == 0) continue;
      const auto attributes = hdf5_->attributes(o.name);
      const auto flag = [&](const char* key) { return attributes.count(key) > 0; };
      mat_variable v{o.name, "", o.type, o.shape};
      std::replace(v.name.begin(), v.name.end(), '/', '.');
      std::string place = o.name;
      if (const auto a = attributes.find("MATLAB_class"); a != attributes.end())
        v.class_name = a->second.texts.empty() ? "unknown" : detail::printable(a->second.texts[0]);
      else
        v.class_name = o.kind == "group"       ? "struct"
                       : o.kind == "reference" ? "struct array"
                       : o.type                ? class_of(*o.type)
                                               : o.kind;
      if (flag("MATLAB_sparse")) {
        v.class_name = "sparse";
        v.type.reset();
        hidden = o.name + "/";
      } else if (o.kind == "group") {
        v.shape = {1, 1};
      } else if (v.class_name == "logical" && v.type == dtype::u8) {
        v.type = dtype::boolean;
      } else if (!is_number(v.class_name)) {
        v.type.reset();
      }
      if (v.type && flag("MATLAB_empty") && o.shape.size() == 1 && o.shape[0] <= 64) {
        const auto size = hdf5_->at(o.name).load().values<double>();
        v.shape.assign(size.rbegin(), size.rend());
        if (const auto t = type_of(v.class_name)) v.type = t;
        if (std::find(v.shape.begin(), v.shape.end(), 0) != v.shape.end()) place.clear();
      }
      variables_.push_back(std::move(v));
      places_.push_back(std::move(place));
    }
  }
  static constexpr const char* class_names[] = {"logical", "int8",   "int16",  "int32", "int64",
                                                "uint8",   "uint16", "uint32", "uint64"};
  static std::string class_of(dtype t) {
    if (static_cast<int>(t) <= static_cast<int>(dtype::u64))
      return class_names[static_cast<int>(t)];
    return t == dtype::f64 || t == dtype::c128 ? "double" : "single";
  }
  static std::optional<dtype> type_of(const std::string& class_name) {
    for (int t = 0; t <= static_cast<int>(dtype::u64); ++t)
      if (class_name == class_names[t]) return static_cast<dtype>(t);
    if (class_name == "double") return dtype::f64;
    if (class_name == "single") return dtype::f32;
    return std::nullopt;
  }
  static bool is_number(const std::string& class_name) { return type_of(class_name).has_value(); }
  /// Where a field of one element of an array of structures lies: "scans(2).data"; else nothing.
  std::string element(const std::string& name) const {
    std::string place;
    std::uint64_t index = 0;
    for (std::size_t at = 0; at <= name.size();) {
      const std::size_t end = std::min(name.find('.', at), name.size());
      std::string part = name.substr(at, end - at);
      std::uint64_t here = 0;
      if (const auto open = part.find('('); open != std::string::npos && part.back() == ')') {
        here = std::strtoull(part.c_str() + open + 1, nullptr, 10);
        part.resize(open);
        if (here == 0) return "";
      }
      place += (place.empty() ? "" : "/") + part;
      if (index > 0) place = hdf5_->reference(place, index - 1);
      index = here;
      at = end + 1;
    }
    return index == 0 ? place : hdf5_->reference(place, index - 1);
  }

  // ---- versions 4 to 7 --------------------------------------------------------------------------
  void list_matio() {
    detail::packet_reader in(child_->ask("l"), path());
    const std::size_t n = in.count(1);
    for (std::size_t i = 0; i < n; ++i) {
      mat_variable v;
      v.name = in.text();
      v.class_name = in.text();
      const std::uint64_t type = in.number();
      if (type >= 1 && type <= 1 + static_cast<std::uint64_t>(dtype::c128))
        v.type = static_cast<dtype>(type - 1);
      v.shape = in.numbers<index_t>();
      variables_.push_back(std::move(v));
    }
  }

  std::shared_ptr<const input_file> raw_;
  std::shared_ptr<const hdf5_file> hdf5_;
  std::shared_ptr<detail::value_server> server_ = std::make_shared<detail::value_server>();
  std::shared_ptr<const sandbox> child_;
  std::vector<mat_variable> variables_;
  std::vector<std::string> places_;  // in the HDF5 file; empty: an array without values
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
