// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_DEFLATE_HPP
#define CARDIOMM_IO_DEFLATE_HPP
/// \file
/// Packing and unpacking by zlib, as streams: gzip files and the raw deflate of zip members. What
/// comes out is bounded by the caller, so that a small file cannot fill the memory.

#include <functional>
#include <memory>

#include "cardiomm/core/config.hpp"
#include "cardiomm/io/file.hpp"
#if CARDIOMM_HAS_ZLIB
#include <zlib.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::io {

/// With or without the header and the checksum of gzip.
enum class packing { gzip, raw };

/// Deflate makes no more of a byte than this, so sizes that a header promises can be checked.
inline constexpr std::uint64_t deflate_ratio = 1032;

/// True if the source starts as a gzip file does.
inline bool is_gzip(const byte_source& file) {
  unsigned char head[2] = {};
  if (file.size() < 2) return false;
  file.read(0, head, 2);
  return head[0] == 0x1f && head[1] == 0x8b;
}

#if CARDIOMM_HAS_ZLIB

/// Unpacks a part of a source from its begin to its end. Of gzip all members are unpacked, and
/// their checksums compared.
class inflater {
 public:
  /// `size` packed bytes at an offset. `what` names them in messages. Throws io_error.
  inflater(std::shared_ptr<const byte_source> from, std::uint64_t offset, std::uint64_t size,
           packing kind, std::string what)
      : from_(std::move(from)), what_(std::move(what)), at_(offset), kind_(kind) {
    require<io_error>(offset <= from_->size() && size <= from_->size() - offset, what_,
                      ": expected ", size, " packed bytes at offset ", offset, ", found ",
                      from_->size());
    end_ = offset + size;
    // 16: with the header of gzip; negative: with none
    require<io_error>(inflateInit2(&stream_, kind == packing::gzip ? 15 + 16 : -15) == Z_OK, what_,
                      ": zlib cannot start");
  }
  /// All of a gzip file.
  explicit inflater(const std::shared_ptr<const byte_source>& file)
      : inflater(file, 0, file->size(), packing::gzip, file->path()) {}
  ~inflater() { inflateEnd(&stream_); }
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;

  /// The next n bytes; fewer only where the packed ones end. Throws io_error for damaged ones.
  std::size_t read(void* out, std::size_t n) {
    std::size_t got = 0;
    while (got < n && !done_) {
      refill();
      const std::size_t want = std::min(n - got, std::size_t(1) << 30);
      stream_.next_out = static_cast<Bytef*>(out) + got;
      stream_.avail_out = static_cast<uInt>(want);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      got += want - stream_.avail_out;
      if (code == Z_STREAM_END)
        next_member();
      else if (code != Z_OK)
        fail(code == Z_BUF_ERROR ? "ones that end early" : "ones that are damaged");
    }
    return got;
  }
  /// Exactly n bytes; `out` may be null, then they are dropped.
  void take(void* out, std::uint64_t n) {
    char dropped[1 << 14];
    auto* p = static_cast<char*>(out);
    while (n > 0) {
      const auto part = static_cast<std::size_t>(
          std::min<std::uint64_t>(n, p ? std::uint64_t(1) << 30 : sizeof(dropped)));
      require<io_error>(read(p ? p : dropped, part) == part, what_, ": expected ", n,
                        " more unpacked bytes, found fewer");
      if (p) p += part;
      n -= part;
    }
  }
  /// Whatever remains, at most `most` bytes; then everything was packed as it should be.
  std::string rest(std::size_t most) {
    std::string out;
    char part[1 << 14];
    while (const std::size_t n = read(part, sizeof(part))) {
      require<io_error>(n <= most - out.size(), what_, ": expected at most ", most,
                        " unpacked bytes, found more");
      out.append(part, n);
    }
    require<io_error>(at_ == end_ && stream_.avail_in == 0, what_,
                      ": expected nothing after the packed bytes, found something");
    return out;
  }

 private:
  [[noreturn]] void fail(const char* found) const {
    throw io_error(what_ + ": expected packed bytes that are whole, found " + found);
  }
  void refill() {
    if (stream_.avail_in > 0 || at_ == end_) return;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(end_ - at_, sizeof(packed_)));
    from_->read(at_, packed_, n);
    at_ += n;
    stream_.next_in = packed_;
    stream_.avail_in = static_cast<uInt>(n);
  }
  /// A gzip file may have several members, and zeros that fill a block of a tape.
  void next_member() {
    done_ = true;
    if (kind_ == packing::raw) return;
    for (refill(); stream_.avail_in > 0 && *stream_.next_in == 0; refill()) {
      ++stream_.next_in;
      --stream_.avail_in;
    }
    if (stream_.avail_in == 0) return;
    done_ = false;
    if (inflateReset(&stream_) != Z_OK) fail("ones that zlib cannot read");
  }

  std::shared_ptr<const byte_source> from_;
  std::string what_;
  z_stream stream_{};
  std::uint64_t at_, end_ = 0;
  packing kind_;
  bool done_ = false;
  unsigned char packed_[1 << 15];
};

/// Packs what is written and hands it on. The same bytes give the same packed ones: gzip's header
/// holds no time and no name.
class deflater {
 public:
  using sink = std::function<void(const void*, std::size_t)>;
  deflater(packing kind, sink to, int level = 6) : to_(std::move(to)) {
    require<io_error>(
        deflateInit2(&stream_, level, Z_DEFLATED, kind == packing::gzip ? 15 + 16 : -15, 8,
                     Z_DEFAULT_STRATEGY) == Z_OK,
        "zlib cannot start");
  }
  ~deflater() { deflateEnd(&stream_); }
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;

  void write(const void* data, std::size_t n) {
    const auto* p = static_cast<const Bytef*>(data);
    while (n > 0) {
      const auto part = static_cast<uInt>(std::min(n, std::size_t(1) << 30));
      put(p, part, Z_NO_FLUSH);
      p += part;
      n -= part;
    }
  }
  /// Ends the packed bytes; nothing can be written afterwards.
  void finish() { put(nullptr, 0, Z_FINISH); }

 private:
  void put(const Bytef* data, uInt n, int flush) {
    stream_.next_in = const_cast<Bytef*>(data);
    stream_.avail_in = n;
    do {
      stream_.next_out = packed_;
      stream_.avail_out = sizeof(packed_);
      require<io_error>(deflate(&stream_, flush) != Z_STREAM_ERROR, "zlib cannot pack");
      to_(packed_, sizeof(packed_) - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  sink to_;
  z_stream stream_{};
  unsigned char packed_[1 << 15];
};

#else

namespace detail {
[[noreturn]] inline void no_zlib(const std::string& what) {
  throw io_error(what + ": packed bytes need zlib, which this build lacks; unpack the file first");
}
}  // namespace detail

class inflater {
 public:
  inflater(std::shared_ptr<const byte_source>, std::uint64_t, std::uint64_t, packing,
           const std::string& what) {
    detail::no_zlib(what);
  }
  explicit inflater(const std::shared_ptr<const byte_source>& file) {
    detail::no_zlib(file->path());
  }
  std::size_t read(void*, std::size_t) { return 0; }
  void take(void*, std::uint64_t) {}
  std::string rest(std::size_t) { return {}; }
};

class deflater {
 public:
  using sink = std::function<void(const void*, std::size_t)>;
  deflater(packing, const sink&, int = 6) { detail::no_zlib("output"); }
  void write(const void*, std::size_t) {}
  void finish() {}
};

#endif

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
