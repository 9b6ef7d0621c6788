// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_NPZ_HPP
#define CARDIOMM_IO_NPZ_HPP
/// \file
/// NumPy's .npz files: zip archives of .npy files. Read: stored and deflated members, zip64,
/// data descriptors; the central directory says where members lie and how long they are. Source:
/// APPNOTE.TXT 6.3 of PKWARE, sections 4.3 and 4.5.3.

#include <map>

#include "cardiomm/io/content.hpp"
#include "cardiomm/io/deflate.hpp"
#include "cardiomm/io/npy.hpp"
#if CARDIOMM_HAS_ZLIB
#include <zlib.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::io {

/// A part of another source.
class source_part : public byte_source {
 public:
  /// Throws io_error if the part reaches beyond the end.
  source_part(std::shared_ptr<const byte_source> whole, std::uint64_t offset, std::uint64_t size,
              std::string path)
      : whole_(std::move(whole)), path_(std::move(path)), offset_(offset), size_(size) {
    require<io_error>(offset <= whole_->size() && size <= whole_->size() - offset, path_,
                      ": expected ", size, " bytes at offset ", offset, ", found ", whole_->size());
  }
  const std::string& path() const override { return path_; }
  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t offset, void* out, std::size_t n) const override {
    require_inside(offset, n);
    whole_->read(offset_ + offset, out, n);
  }

 private:
  std::shared_ptr<const byte_source> whole_;
  std::string path_;
  std::uint64_t offset_, size_;
};

namespace detail {

template <class T>
T little(const unsigned char* p) {
  T v = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) v = static_cast<T>(v << 8 | p[i]);
  return v;
}
template <class T>
void put_little(std::string& out, T v) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(std::uint64_t(v) >> 8 * i);
}

/// What the central directory says of a member.
struct zip_member {
  std::string name;
  std::uint64_t header = 0, packed = 0, size = 0;
  std::uint32_t crc = 0;
  std::uint16_t method = 0;
};

/// The central directory of an archive.
class zip_directory {
 public:
  static constexpr std::uint64_t most_members = 1 << 16, most_bytes = 1 << 26;

  explicit zip_directory(const byte_source& file) : file_(file) {
    find_end();
    require<io_error>(count_ <= most_members && length_ <= most_bytes, file_.path(),
                      ": zip: expected at most ", most_members, " members, found ", count_);
    require<io_error>(first_ <= end_ && length_ <= end_ - first_, file_.path(),
                      ": zip directory: expected ", length_, " bytes at offset ", first_,
                      ", found ", end_);
    std::vector<unsigned char> bytes(static_cast<std::size_t>(length_));
    file_.read(first_, bytes.data(), bytes.size());
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < count_; ++i) at += member(bytes.data() + at, bytes.size() - at);
  }
  std::vector<zip_member> members;

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw io_error(file_.path() + ": zip directory: " + what);
  }
  /// The end record lies before a comment of at most 65535 bytes.
  void find_end() {
    const std::uint64_t size = file_.size(), tail = std::min<std::uint64_t>(size, 22 + 65535);
    std::vector<unsigned char> bytes(static_cast<std::size_t>(tail));
    file_.read(size - tail, bytes.data(), bytes.size());
    const bool zip = size >= 4 && [&] {
      unsigned char head[4];
      file_.read(0, head, 4);
      return head[0] == 'P' && head[1] == 'K';
    }();
    require<io_error>(zip, file_.path(), ": expected a .npz file, which is a zip archive, found ",
                      content_of(file_));
    std::size_t at = bytes.size() < 22 ? std::size_t(0) : bytes.size() - 22 + 1;
    bool found = false;
    while (!found && at-- > 0)
      found = little<std::uint32_t>(&bytes[at]) == 0x06054b50 &&
              at + 22 + little<std::uint16_t>(&bytes[at + 20]) == bytes.size();
    if (!found) fail("expected an end record, found none: the file may be cut off");
    const unsigned char* p = &bytes[at];
    const unsigned disk = little<std::uint16_t>(p + 4), other = little<std::uint16_t>(p + 6);
    count_ = little<std::uint16_t>(p + 10);
    const bool same = count_ == little<std::uint16_t>(p + 8);
    length_ = little<std::uint32_t>(p + 12);
    first_ = little<std::uint32_t>(p + 16);
    end_ = size - tail + at;
    if (count_ == 0xffff || length_ == 0xffffffff || first_ == 0xffffffff)
      wide_end();
    else if (disk != 0 || other != 0 || !same)
      fail("expected one file, found an archive in several parts");
  }
  /// The records of zip64; they precede the end record.
  void wide_end() {
    unsigned char p[56];
    if (end_ < 20) return;
    file_.read(end_ - 20, p, 20);
    if (little<std::uint32_t>(p) != 0x07064b50) return;
    const auto at = little<std::uint64_t>(p + 8);
    if (at > end_ - 20 || end_ - 20 - at < 56) fail("expected a zip64 record before the end");
    file_.read(at, p, 56);
    if (little<std::uint32_t>(p) != 0x06064b50) fail("expected a zip64 record, found none");
    count_ = little<std::uint64_t>(p + 32);
    if (little<std::uint32_t>(p + 16) != 0 || little<std::uint32_t>(p + 20) != 0 ||
        little<std::uint64_t>(p + 24) != count_)
      fail("expected one file, found an archive in several parts");
    length_ = little<std::uint64_t>(p + 40);
    first_ = little<std::uint64_t>(p + 48);
    end_ = at;
  }
  std::size_t member(const unsigned char* p, std::size_t have) {
    if (have < 46 || little<std::uint32_t>(p) != 0x02014b50)
      fail("expected " + std::to_string(count_) + " members, found " +
           std::to_string(members.size()));
    zip_member m;
    const unsigned flags = little<std::uint16_t>(p + 8);
    m.method = little<std::uint16_t>(p + 10);
    m.crc = little<std::uint32_t>(p + 16);
    m.packed = little<std::uint32_t>(p + 20);
    m.size = little<std::uint32_t>(p + 24);
    m.header = little<std::uint32_t>(p + 42);
    const std::size_t name = little<std::uint16_t>(p + 28), extra = little<std::uint16_t>(p + 30),
                      comment = little<std::uint16_t>(p + 32);
    if (have - 46 < name + extra + comment) fail("a member ends beyond it");
    m.name.assign(reinterpret_cast<const char*>(p) + 46, name);
    if (m.size == 0xffffffff || m.packed == 0xffffffff || m.header == 0xffffffff)
      wide_member(m, p + 46 + name, extra);
    if (flags & 1)
      fail("'" + printable(m.name) + "': expected a plain member, found an encrypted one");
    m.name = printable(m.name);
    members.push_back(std::move(m));
    return 46 + name + extra + comment;
  }
  /// The 64-bit numbers of a member stand in an extra field, those alone that do not fit above.
  void wide_member(zip_member& m, const unsigned char* p, std::size_t have) const {
    while (have >= 4) {
      const unsigned id = little<std::uint16_t>(p);
      std::size_t n = little<std::uint16_t>(p + 2);
      if (n > have - 4) break;
      if (id != 1) {
        p += 4 + n;
        have -= 4 + n;
        continue;
      }
      p += 4;
      for (std::uint64_t* value : {&m.size, &m.packed, &m.header}) {
        if (*value != 0xffffffff) continue;
        if (n < 8) fail("'" + printable(m.name) + "': expected a 64-bit number, found none");
        *value = little<std::uint64_t>(p);
        p += 8;
        n -= 8;
      }
      return;
    }
  }
  static std::string printable(std::string name) {
    for (char& c : name)
      if (static_cast<unsigned char>(c) < ' ' || c == 127) c = '?';
    return name;
  }

  const byte_source& file_;
  std::uint64_t count_ = 0, length_ = 0, first_ = 0, end_ = 0;
};
}  // namespace detail

/// An opened .npz file: the names, without .npy, and for each where its values lie.
class npz_file {
 public:
  /// Reads the directory of the archive; throws io_error. No values are read.
  explicit npz_file(const std::string& path) : npz_file(std::make_shared<const input_file>(path)) {}
  explicit npz_file(std::shared_ptr<const byte_source> file) : file_(std::move(file)) {
    detail::zip_directory directory(*file_);
    for (auto& m : directory.members) {
      std::string name = m.name;
      if (name.size() > 4 && name.compare(name.size() - 4, 4, ".npy") == 0)
        name.resize(name.size() - 4);
      require<io_error>(members_.emplace(name, std::move(m)).second, file_->path(),
                        ": expected names that differ, found '", name, "' twice");
      order_.push_back(name);
    }
  }

  /// In the order of the file.
  const std::vector<std::string>& names() const { return order_; }
  bool contains(const std::string& name) const { return members_.count(short_name(name)) > 0; }
  /// Opens an array, named with or without .npy. A stored member is read from the file when its
  /// values are asked for; a packed one is unpacked into memory, `most` bytes at most. Throws
  /// io_error.
  stored_array at(const std::string& name, std::uint64_t most = std::uint64_t(1) << 36) const {
    const auto found = members_.find(short_name(name));
    if (found == members_.end()) {
      std::string all;
      for (const auto& n : order_) all += (all.empty() ? "" : ", ") + n;
      throw io_error(file_->path() + ": expected an array named '" + name + "', found " +
                     (all.empty() ? "none at all" : all));
    }
    return open_npy(member(found->second, most));
  }

 private:
  std::string short_name(const std::string& name) const {
    return name.size() > 4 && name.compare(name.size() - 4, 4, ".npy") == 0
               ? name.substr(0, name.size() - 4)
               : name;
  }
  std::shared_ptr<const byte_source> member(const detail::zip_member& m, std::uint64_t most) const {
    const std::string path = file_->path() + ":" + m.name;
    unsigned char head[30];
    require<io_error>(m.header <= file_->size() && file_->size() - m.header >= 30, path,
                      ": expected a member at offset ", m.header, ", found the end of the file");
    file_->read(m.header, head, 30);
    require<io_error>(detail::little<std::uint32_t>(head) == 0x04034b50, path,
                      ": expected a member at offset ", m.header, ", found something else");
    const std::uint64_t start = m.header + 30 + detail::little<std::uint16_t>(head + 26) +
                                detail::little<std::uint16_t>(head + 28);
    const auto packed = std::make_shared<source_part>(file_, start, m.packed, path);
    if (m.method == 0) {
      require<io_error>(m.packed == m.size, path, ": expected ", m.size, " stored bytes, found ",
                        m.packed);
      check(*packed, m);
      return packed;
    }
    require<io_error>(m.method == 8, path, ": expected a stored or deflated member, found method ",
                      m.method);
    require<io_error>(m.size / deflate_ratio <= m.packed && m.size <= most, path, ": expected ",
                      m.size, " bytes, found ", m.packed, " packed bytes and a limit of ", most);
    inflater run(packed, 0, m.packed, packing::raw, path);
    std::string bytes(static_cast<std::size_t>(m.size), '\0');
    run.take(bytes.data(), m.size);
    run.rest(0);
    const auto unpacked = std::make_shared<memory_source>(path, std::move(bytes));
    check(*unpacked, m);
    return unpacked;
  }
  /// Compares the checksum, a piece at a time.
  static void check(const byte_source& bytes, const detail::zip_member& m) {
#if CARDIOMM_HAS_ZLIB
    std::vector<unsigned char> part(
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), std::uint64_t(1) << 20)));
    uLong crc = crc32(0, nullptr, 0);
    for (std::uint64_t at = 0; at < bytes.size();) {
      const auto n =
          static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size() - at, part.size()));
      bytes.read(at, part.data(), n);
      crc = crc32(crc, part.data(), static_cast<uInt>(n));
      at += n;
    }
    require<io_error>(crc == m.crc, bytes.path(),
                      ": expected the checksum that the archive names, found another: the file "
                      "is damaged");
#else
    (void)bytes;
    (void)m;
#endif
  }

  std::shared_ptr<const byte_source> file_;
  std::map<std::string, detail::zip_member> members_;
  std::vector<std::string> order_;
};

/// A .npz file that is written array after array; the same arrays give the same bytes. It appears
/// under its name with `commit`.
class npz_output {
 public:
  enum class method { stored, deflated };
  explicit npz_output(const std::string& path, method how = method::stored,
                      existing policy = existing::replace)
      : file_(path, policy), how_(how) {}

  /// `values` in C order. Throws io_error for a name that was used or that no archive can hold.
  void add(const std::string& name, dtype type, const extents& shape, const void* values) {
    detail::zip_member m;
    m.name = name + ".npy";
    require<io_error>(!name.empty() && name.size() < 60000, file_.path(),
                      ": expected a name of 1 to 60000 bytes, found ", name.size());
    for (const auto& other : members_)
      require<io_error>(other.name != m.name, file_.path(), ": expected names that differ, found '",
                        name, "' twice");
    const std::string head = npy_header(type, shape);
    const auto bytes =
        static_cast<std::size_t>(count_of(shape, size_of(type), file_.path())) * size_of(type);
    m.header = at_;
    m.size = head.size() + bytes;
    m.method = how_ == method::deflated ? 8 : 0;
    // sizes follow the values, so the header with them is written last, at its place
    const std::size_t header = local_header(m).size();
    at_ += header;
    const auto put = [&](const void* p, std::size_t n) {
      file_.write_at(at_, p, n);
      at_ += n;
    };
#if CARDIOMM_HAS_ZLIB
    uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(head.data()), head.size());
    if (bytes > 0) crc = crc32_z(crc, static_cast<const Bytef*>(values), bytes);  // null: start
    m.crc = static_cast<std::uint32_t>(crc);
#else
    detail::no_zlib(file_.path());
#endif
    if (how_ == method::deflated) {
      deflater pack(packing::raw, put);
      pack.write(head.data(), head.size());
      pack.write(values, bytes);
      pack.finish();
    } else {
      put(head.data(), head.size());
      put(values, bytes);
    }
    m.packed = at_ - m.header - header;
    const std::string text = local_header(m);
    file_.write_at(m.header, text.data(), text.size());
    members_.push_back(std::move(m));
  }
  void add(const std::string& name, const array& a) { add(name, a.type, a.shape, a.bytes.data()); }

  /// Writes the directory; the file can then be committed, alone or with others.
  atomic_file& complete() {
    std::string text;
    for (const auto& m : members_) text += directory_entry(m);
    const std::uint64_t first = at_, length = text.size(), count = members_.size();
    const std::uint64_t wide_at = first + length;
    detail::put_little(text, std::uint32_t(0x06064b50));  // zip64: end record, then its place
    detail::put_little(text, std::uint64_t(44));
    detail::put_little(text, std::uint16_t(45));
    detail::put_little(text, std::uint16_t(45));
    detail::put_little(text, std::uint64_t(0));
    for (const std::uint64_t v : {count, count, length, first}) detail::put_little(text, v);
    detail::put_little(text, std::uint32_t(0x07064b50));
    detail::put_little(text, std::uint32_t(0));
    detail::put_little(text, wide_at);
    detail::put_little(text, std::uint32_t(1));
    detail::put_little(text, std::uint32_t(0x06054b50));
    detail::put_little(text, std::uint32_t(0));
    const auto few = static_cast<std::uint16_t>(std::min<std::uint64_t>(count, 0xffff));
    detail::put_little(text, few);
    detail::put_little(text, few);
    for (const std::uint64_t v : {length, first})
      detail::put_little(text, static_cast<std::uint32_t>(std::min<std::uint64_t>(v, 0xffffffff)));
    detail::put_little(text, std::uint16_t(0));
    file_.write_at(at_, text.data(), text.size());
    return file_;
  }
  void commit() { complete().commit(); }

 private:
  static constexpr std::uint32_t wide = 0xffffffff;
  /// Version, flags (names in UTF-8), method, time (1980-01-01), checksum; then the sizes are in
  /// the zip64 field always, as in NumPy's own files.
  static void common(std::string& h, const detail::zip_member& m) {
    detail::put_little(h, std::uint16_t(45));
    detail::put_little(h, std::uint16_t(0x800));
    detail::put_little(h, m.method);
    detail::put_little(h, std::uint16_t(0));
    detail::put_little(h, std::uint16_t(0x21));
    detail::put_little(h, m.crc);
    detail::put_little(h, wide);
    detail::put_little(h, wide);
    detail::put_little(h, static_cast<std::uint16_t>(m.name.size()));
  }
  static std::string local_header(const detail::zip_member& m) {
    std::string h;
    detail::put_little(h, std::uint32_t(0x04034b50));
    common(h, m);
    detail::put_little(h, std::uint16_t(20));
    h += m.name;
    detail::put_little(h, std::uint16_t(1));
    detail::put_little(h, std::uint16_t(16));
    detail::put_little(h, m.size);
    detail::put_little(h, m.packed);
    return h;
  }
  static std::string directory_entry(const detail::zip_member& m) {
    std::string h;
    detail::put_little(h, std::uint32_t(0x02014b50));
    detail::put_little(h, std::uint16_t(0x031e));  // made on Unix
    common(h, m);
    detail::put_little(h, std::uint16_t(28));
    for (int i = 0; i < 3; ++i) detail::put_little(h, std::uint16_t(0));  // comment, disk, text
    detail::put_little(h, std::uint32_t(0600) << 16);
    detail::put_little(h, wide);
    h += m.name;
    detail::put_little(h, std::uint16_t(1));
    detail::put_little(h, std::uint16_t(24));
    for (const std::uint64_t v : {m.size, m.packed, m.header}) detail::put_little(h, v);
    return h;
  }

  atomic_file file_;
  method how_;
  std::uint64_t at_ = 0;
  std::vector<detail::zip_member> members_;
};

/// Writes named arrays; the file appears under its name when it is complete.
inline void write_npz(const std::string& path, const std::map<std::string, array>& arrays,
                      npz_output::method how = npz_output::method::stored,
                      existing policy = existing::replace) {
  npz_output out(path, how, policy);
  for (const auto& [name, a] : arrays) out.add(name, a);
  out.commit();
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
