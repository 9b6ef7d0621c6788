// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_MRD_STREAM_HPP
#define CARDIOMM_IO_MRD_STREAM_HPP
/// \file
/// The MRD message stream between scanners, servers and programs: a configuration, the XML header,
/// lines, waveforms and images, and the end. Parser and writer of our own; nothing is allocated for
/// bytes that did not come. Source: the MRD streaming protocol of the ISMRMRD documentation.
///
///     io::mrd_reader in(source);
///     while (const auto m = in.next()) ...
///     io::mrd_writer out(sink);
///     out.image(image);
///     out.close();

#include <unistd.h>

#include <bit>
#include <functional>

#include "cardiomm/io/detail/mrd_child.hpp"
#include "cardiomm/io/mrd_image.hpp"

namespace cardiomm::inline CARDIOMM_ABI::io {

static_assert(std::endian::native == std::endian::little, "MRD streams are little-endian");

/// Kinds of messages, with their numbers in the stream.
enum class mrd_message_id : std::uint16_t {
  config_file = 1,
  config_text = 2,
  header = 3,
  close = 4,
  text = 5,
  acquisition = 1008,
  image = 1022,
  waveform = 1026
};

/// A message; its kind says which of the members it fills.
struct mrd_message {
  mrd_message_id id = mrd_message_id::close;
  std::string text;  ///< of config_file, config_text, header, text
  mrd_acquisition line;
  mrd_waveform waveform;
  mrd_image image;
};

/// Reads up to n bytes; fewer only at the end.
using byte_reader = std::function<std::size_t(void* out, std::size_t n)>;
/// Writes all n bytes, or throws.
using byte_writer = std::function<void(const void* data, std::size_t n)>;

/// The bytes of an open file descriptor, standard input say.
inline byte_reader read_descriptor(int fd, std::string name) {
  return [fd, name = std::move(name)](void* out, std::size_t n) {
    std::size_t done = 0;
    while (done < n) {
      const ssize_t got = ::read(fd, static_cast<char*>(out) + done, n - done);
      if (got < 0 && errno == EINTR) continue;
      require<io_error>(got >= 0, name, ": cannot be read: ", detail::reason(errno));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  };
}
inline byte_writer write_descriptor(int fd, std::string name) {
  return [fd, name = std::move(name)](const void* data, std::size_t n) {
    const auto* p = static_cast<const char*>(data);
    while (n > 0) {
      const ssize_t put = ::write(fd, p, n);
      if (put < 0 && errno == EINTR) continue;
      require<io_error>(put > 0, name, ": cannot be written: ", detail::reason(errno));
      p += put;
      n -= static_cast<std::size_t>(put);
    }
  };
}
/// The bytes of a string, which has to stay.
inline byte_reader read_string(const std::string& bytes) {
  return [&bytes, at = std::size_t(0)](void* out, std::size_t n) mutable {
    n = std::min(n, bytes.size() - at);
    if (n > 0) std::memcpy(out, bytes.data() + at, n);
    at += n;
    return n;
  };
}

namespace detail {

inline constexpr std::size_t mrd_line_head_bytes = 340, mrd_image_head_bytes = 198,
                             mrd_waveform_head_bytes = 40;

/// The head of an image but for the length of its attributes, which ends it.
template <class A>
void members(A& a, mrd_image_head& h) {
  a(h.version, h.data_type, h.flags, h.measurement_uid, h.matrix_size, h.field_of_view, h.channels,
    h.position, h.read_dir, h.phase_dir, h.slice_dir, h.table_position, h.average, h.slice,
    h.contrast, h.phase, h.repetition, h.set, h.acquisition_time_stamp, h.physiology_time_stamp,
    h.image_type, h.image_index, h.image_series_index, h.user_int, h.user_float);
}
/// The head of a waveform, with the gaps that it has in the stream.
template <class A>
void padded_members(A& a, mrd_waveform_head& h) {
  std::array<std::uint16_t, 3> gap{};
  std::uint16_t end = 0;
  a(h.version, gap, h.flags, h.measurement_uid, h.scan_counter, h.time_stamp, h.number_of_samples,
    h.channels, h.sample_time_us, h.waveform_id, end);
}

}  // namespace detail

/// Reads messages.
class mrd_reader {
 public:
  /// `name` is what messages call the stream.
  explicit mrd_reader(byte_reader source, std::string name = "standard input")
      : source_(std::move(source)), name_(std::move(name)) {}

  /// The next message; nothing at the end of the stream. Throws io_error for unknown messages, and
  /// where the stream ends inside of one.
  std::optional<mrd_message> next() {
    std::uint16_t id = 0;
    const std::size_t got = source_(&id, 2);
    if (got == 0) return std::nullopt;
    ++number_;
    at_ += got;
    if (got < 2) ended(2, got);
    mrd_message m;
    m.id = static_cast<mrd_message_id>(id);
    switch (m.id) {
      case mrd_message_id::config_file:
        read(m.text, 1024);
        m.text.resize(std::strlen(m.text.c_str()));
        break;
      case mrd_message_id::config_text:
      case mrd_message_id::header:
      case mrd_message_id::text: {
        std::uint32_t n = 0;
        read(&n, 4);
        require<io_error>(n <= (1u << 28), where(), ": expected a text of at most 256 MiB, found ",
                          n, " bytes");
        read(m.text, n);
        while (!m.text.empty() && m.text.back() == '\0') m.text.pop_back();
        break;
      }
      case mrd_message_id::close:
        break;
      case mrd_message_id::acquisition:
        read_line(m.line);
        break;
      case mrd_message_id::image:
        read_image(m.image);
        break;
      case mrd_message_id::waveform: {
        std::string head;
        read(head, detail::mrd_waveform_head_bytes);
        detail::unpacker u(head, name_);
        detail::padded_members(u, m.waveform.head);
        read(m.waveform.data,
             std::size_t(m.waveform.head.number_of_samples) * m.waveform.head.channels);
        break;
      }
      default:
        throw io_error(where() +
                       ": expected a message of MRD (1 to 5, 1008, 1022 or 1026), found " +
                       std::to_string(id));
    }
    return m;
  }
  /// Messages that were begun.
  std::size_t count() const { return number_; }

 private:
  std::string where() const {
    return name_ + ": message " + std::to_string(number_) + " at byte " + std::to_string(at_);
  }
  [[noreturn]] void ended(std::uint64_t expected, std::uint64_t found) const {
    throw io_error(where() + ": expected " + std::to_string(expected) + " bytes, found " +
                   std::to_string(found) + ": the stream ended early");
  }
  void read(void* out, std::size_t n) {
    const std::size_t got = n > 0 ? source_(out, n) : 0;
    if (got < n) ended(n, got);
    at_ += n;
  }
  /// n elements, a megabyte at a time, so that memory grows with what comes only.
  template <class V>
  void read(V& values, std::uint64_t n) {
    constexpr std::size_t size = sizeof(typename V::value_type);
    values.clear();
    for (std::uint64_t done = 0; done < n;) {
      const std::uint64_t part = std::min<std::uint64_t>(n - done, (1 << 20) / size);
      values.resize(static_cast<std::size_t>(done + part));
      read(static_cast<void*>(values.data() + done), static_cast<std::size_t>(part) * size);
      done += part;
    }
  }
  void read_line(mrd_acquisition& a) {
    std::string head;
    read(head, detail::mrd_line_head_bytes);
    detail::unpacker u(head, name_);
    u(a.head);
    const std::uint64_t samples = a.head.number_of_samples;
    read(a.trajectory, samples * a.head.trajectory_dimensions);
    read(a.data, samples * a.head.active_channels);
  }
  void read_image(mrd_image& m) {
    std::string head;
    read(head, detail::mrd_image_head_bytes);
    detail::unpacker u(head, name_);
    u(m.head);
    std::uint64_t attributes = 0;
    read(&attributes, 8);
    require<io_error>(attributes <= (1u << 26), where(),
                      ": expected attributes of at most 64 MiB, found ", attributes, " bytes");
    read(m.attributes, attributes);
    while (!m.attributes.empty() && m.attributes.back() == '\0') m.attributes.pop_back();
    read(m.pixels, pixel_bytes(m.head, where()));
  }

  byte_reader source_;
  std::string name_;
  std::size_t number_ = 0;
  std::uint64_t at_ = 0;
};

/// Writes messages.
class mrd_writer {
 public:
  explicit mrd_writer(byte_writer sink) : sink_(std::move(sink)) {}

  void config_file(const std::string& name) {
    require(name.size() < 1024, "MRD stream: expected a name of at most 1023 bytes, found ",
            name.size());
    std::string field = name;
    field.resize(1024, '\0');
    put(mrd_message_id::config_file, field);
  }
  void config_text(const std::string& text) { put_text(mrd_message_id::config_text, text); }
  void header(const std::string& xml) { put_text(mrd_message_id::header, xml); }
  void text(const std::string& words) { put_text(mrd_message_id::text, words); }
  void close() { put(mrd_message_id::close, {}); }

  /// Throws shape_error where a head does not fit its samples, so below.
  void acquisition(const mrd_acquisition& a) {
    require<shape_error>(
        a.data.size() == std::size_t(a.head.number_of_samples) * a.head.active_channels &&
            a.trajectory.size() ==
                std::size_t(a.head.number_of_samples) * a.head.trajectory_dimensions,
        "MRD stream: line: expected samples as its head has, found ", a.data.size());
    detail::packer p;
    mrd_head head = a.head;
    p(head);
    p.raw(a.trajectory.data(), a.trajectory.size() * sizeof(float));
    p.raw(a.data.data(), a.data.size() * sizeof(complex<float>));
    put(mrd_message_id::acquisition, p.bytes);
  }
  void waveform(const mrd_waveform& w) {
    require<shape_error>(w.data.size() == std::size_t(w.head.number_of_samples) * w.head.channels,
                         "MRD stream: waveform: expected samples as its head has, found ",
                         w.data.size());
    detail::packer p;
    mrd_waveform_head head = w.head;
    detail::padded_members(p, head);
    p.raw(w.data.data(), w.data.size() * sizeof(std::uint32_t));
    put(mrd_message_id::waveform, p.bytes);
  }
  void image(const mrd_image& m) {
    require<shape_error>(m.pixels.size() == pixel_bytes(m.head, "MRD stream: image"),
                         "MRD stream: image: expected pixels as its head has, found ",
                         m.pixels.size(), " bytes");
    detail::packer p;
    mrd_image_head head = m.head;
    const auto n = static_cast<std::uint32_t>(m.attributes.size());
    std::uint64_t length = n;
    p(head, n, length);
    p.raw(m.attributes.data(), m.attributes.size());
    p.raw(m.pixels.data(), m.pixels.size());
    put(mrd_message_id::image, p.bytes);
  }

 private:
  void put_text(mrd_message_id id, const std::string& text) {
    const auto n = static_cast<std::uint32_t>(text.size());
    put(id, std::string(reinterpret_cast<const char*>(&n), 4) + text);
  }
  void put(mrd_message_id id, const std::string& bytes) {
    sink_(&id, 2);
    if (!bytes.empty()) sink_(bytes.data(), bytes.size());
  }
  byte_writer sink_;
};

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
