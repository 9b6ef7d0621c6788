// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_HDF5_HPP
#define CARDIOMM_IO_HDF5_HPP
/// \file
/// Reading HDF5 files. The library works in a sandbox; a data set is offered as a `stored_array`
/// whose values are asked for in parts (or read straight from the file where they lie there
/// unpacked). Writing: hdf5_output.hpp.

#include <map>

#include "cardiomm/io/content.hpp"
#include "cardiomm/io/detail/hdf5_child.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

/// What lies in a file under a name: a data set, or a group.
struct hdf5_object {
  std::string name;           ///< "group/set", without a slash in front
  std::string kind;           ///< "complex64", "string", "reference", "group", "empty" ...
  std::optional<dtype> type;  ///< nothing where `at` cannot read it
  extents shape;
};

/// Text or numbers that belong to an object.
struct hdf5_attribute {
  std::vector<std::string> texts;
  array numbers;  ///< without values where it is text

  /// The text, or the number as text. Throws io_error unless there is exactly one.
  std::string text() const {
    if (texts.size() == 1) return texts[0];
    const auto v = values();
    require<io_error>(v.size() == 1, "attribute: expected one value, found ",
                      v.size() + texts.size());
    std::ostringstream out;
    out << v[0];
    return out.str();
  }
  /// The numbers as double; empty for text.
  std::vector<double> values() const {
    return is_complex_type(numbers.type) ? std::vector<double>() : numbers.values<double>();
  }
};

/// An HDF5 file, opened in a process of its own.
///
///     const hdf5_file file("scan.h5");
///     const stored_array kspace = file.at("kspace");
///     const std::string header = file.text("ismrmrd_header");
class hdf5_file {
 public:
  /// Throws io_error for what is no HDF5 file, a truncated one, or where this build lacks HDF5.
  explicit hdf5_file(std::string path, sandbox_limits limits = sandbox_limits::from_environment())
      : raw_(std::make_shared<input_file>(std::move(path))) {
    require<io_error>(is_hdf5(*raw_), raw_->path(), ": expected an HDF5 file, found ",
                      content_of(*raw_));
#if CARDIOMM_HAS_HDF5
    const std::string name = raw_->path();
    const std::uint64_t size = raw_->size();
    const auto memory = server_->memory = std::make_shared<detail::shared_memory>();
    child_ = server_->child = std::make_shared<sandbox>(
        name, "HDF5", [name, size, memory] { return detail::hdf5_child::open(name, size, memory); },
        limits);
    list();
#else
    (void)limits;
    throw io_error(raw_->path() +
                   ": reading it needs HDF5, which this build lacks; install libhdf5-dev and "
                   "configure again");
#endif
  }

  const std::string& path() const { return raw_->path(); }
  /// Data sets and groups, each group before what lies in it, else in alphabetical order. Links to
  /// other files are left out, as are MATLAB's hidden groups.
  const std::vector<hdf5_object>& objects() const { return objects_; }
  /// The data sets among them that `at` reads.
  std::vector<hdf5_object> arrays() const {
    std::vector<hdf5_object> found;
    for (const hdf5_object& o : objects_)
      if (o.type) found.push_back(o);
    return found;
  }
  /// The object of a name, or nothing.
  const hdf5_object* find(const std::string& name) const {
    const std::string bare = bare_name(name);
    for (const hdf5_object& o : objects_)
      if (o.name == bare) return &o;
    return nullptr;
  }
  bool has(const std::string& name) const { return find(name) != nullptr; }

  /// The values of a data set. Types: integers, floats (native, other byte order, half), h5py's
  /// booleans, enumerations as their integers, compounds of two numbers named as the parts of a
  /// complex number. `logical`: bytes are booleans, as MATLAB means them. Throws io_error for other
  /// types, values outside the file, damaged sizes.
  stored_array at(const std::string& name, bool logical = false) const {
    const std::string bare = bare_name(name), shown = path() + ":" + detail::printable(bare);
    detail::packet_reader in = question('o', bare);
    const std::uint64_t id = in.number(), type = in.number();
    stored_array::place where;
    require<io_error>(type <= static_cast<std::uint64_t>(dtype::c128), shown, ": damaged");
    where.type = static_cast<dtype>(type);
    if (logical && where.type == dtype::u8) where.type = dtype::boolean;
    where.shape = in.numbers<index_t>();
    const bool plain = in.number() != 0;
    where.offset = in.number();
    where.swapped = in.number() != 0;
    if (plain) return stored_array(std::make_shared<renamed>(raw_, shown), where);
    const std::uint64_t bytes =
        static_cast<std::uint64_t>(count_of(where.shape, size_of(where.type), shown)) *
        size_of(where.type);
    return stored_array(std::make_shared<detail::served_values>(server_, shown, id, bytes), where);
  }
  /// The one text of a string data set.
  std::string text(const std::string& name) const {
    return child_->ask("t" + detail::packet().put(bare_name(name)).take());
  }
  /// Attributes of an object, of the file's root for "".
  std::map<std::string, hdf5_attribute> attributes(const std::string& name = "") const {
    std::map<std::string, hdf5_attribute> all;
    detail::packet_reader in = question('a', bare_name(name));
    const std::size_t n = in.count(1);
    for (std::size_t i = 0; i < n; ++i) {
      hdf5_attribute a;
      const std::string key = in.text();
      const std::uint64_t type = in.number();
      if (type == 0) {
        a.texts = in.texts();
      } else {
        require<io_error>(type <= 1 + static_cast<std::uint64_t>(dtype::c128), path(), ": damaged");
        a.numbers.type = static_cast<dtype>(type - 1);
        a.numbers.shape = in.numbers<index_t>();
        const std::string bytes = in.text();
        a.numbers.bytes.resize(bytes.size() / size_of(a.numbers.type) * size_of(a.numbers.type));
        if (!a.numbers.bytes.empty())
          std::memcpy(a.numbers.bytes.data(), bytes.data(), a.numbers.bytes.size());
      }
      all.emplace(key, std::move(a));
    }
    return all;
  }
  /// Name of the object that an element of a data set of references points to.
  std::string reference(const std::string& name, std::uint64_t element) const {
    return child_->ask("f" + detail::packet().put(bare_name(name)).put(element).take());
  }

 private:
  /// Values that lie in the file unpacked.
  class renamed : public byte_source {
   public:
    renamed(std::shared_ptr<const input_file> file, std::string name)
        : file_(std::move(file)), name_(std::move(name)) {}
    const std::string& path() const override { return name_; }
    std::uint64_t size() const override { return file_->size(); }
    void read(std::uint64_t offset, void* out, std::size_t n) const override {
      file_->read(offset, out, n);
    }

   private:
    std::shared_ptr<const input_file> file_;
    std::string name_;
  };
  static std::string bare_name(const std::string& name) {
    return name.substr(std::min(name.find_first_not_of('/'), name.size()));
  }
  detail::packet_reader question(char what, const std::string& name) const {
    return {child_->ask(what + detail::packet().put(name).take()), path()};
  }
  void list() {
    detail::packet_reader in = question('l', "");
    const std::size_t n = in.count(1);
    for (std::size_t i = 0; i < n; ++i) {
      hdf5_object o;
      o.name = in.text();
      o.kind = in.text();
      const std::uint64_t type = in.number();
      if (type >= 1 && type <= 1 + static_cast<std::uint64_t>(dtype::c128))
        o.type = static_cast<dtype>(type - 1);
      o.shape = in.numbers<index_t>();
      objects_.push_back(std::move(o));
    }
  }

  std::shared_ptr<const input_file> raw_;
  std::shared_ptr<detail::value_server> server_ = std::make_shared<detail::value_server>();
  std::shared_ptr<const sandbox> child_;
  std::vector<hdf5_object> objects_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
