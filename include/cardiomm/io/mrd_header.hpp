// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_IO_MRD_HEADER_HPP
#define CARDIOMM_IO_MRD_HEADER_HPP
/// \file
/// The XML header of ISMRM raw data as `mrd_header`. The ISMRMRD library parses it, in a sandbox.

#include <cstring>
#include <sstream>

#include "cardiomm/core/mrd.hpp"
#include "cardiomm/io/sandbox.hpp"

#if CARDIOMM_HAS_ISMRMRD
#include <ismrmrd/xml.h>
#endif

namespace cardiomm::inline CARDIOMM_ABI::io {

namespace detail {

/// Values to bytes and back, for answers of a sandbox; one description of the fields serves both.
class packer {
 public:
  std::string bytes;
  template <class... T>
  void operator()(T&... values) {
    (put(values), ...);
  }
  void raw(const void* data, std::size_t n) {
    if (n > 0) bytes.append(static_cast<const char*>(data), n);
  }

 private:
  template <class T>
  void put(const T& v) {
    if constexpr (std::is_arithmetic_v<T>)
      bytes.append(reinterpret_cast<const char*>(&v), sizeof v);
    else
      put_members(const_cast<T&>(v));
  }
  void put(const std::string& v) {
    put(std::uint64_t(v.size()));
    bytes += v;
  }
  template <class T, std::size_t N>
  void put(const std::array<T, N>& v) {
    for (const T& e : v) put(e);
  }
  template <class T>
  void put(const std::vector<T>& v) {
    put(std::uint64_t(v.size()));
    for (const T& e : v) put(e);
  }
  template <class T>
  void put_members(T& v) {
    members(*this, v);
  }
};
class unpacker {
 public:
  unpacker(const std::string& bytes, const std::string& path) : bytes_(bytes), path_(path) {}
  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  void raw(void* out, std::size_t n) {
    need(n);
    if (n > 0) std::memcpy(out, bytes_.data() + at_, n);
    at_ += n;
  }

 private:
  void need(std::uint64_t n) const {
    require<io_error>(n <= bytes_.size() - at_, path_, ": the answer of ISMRMRD is cut short");
  }
  template <class T>
  void get(T& v) {
    if constexpr (std::is_arithmetic_v<T>) {
      need(sizeof v);
      std::memcpy(&v, bytes_.data() + at_, sizeof v);
      at_ += sizeof v;
    } else
      members(*this, v);
  }
  std::size_t length() {
    std::uint64_t n = 0;
    get(n);
    need(n);  // no element takes less than a byte
    return static_cast<std::size_t>(n);
  }
  void get(std::string& v) {
    const std::size_t n = length();
    v = bytes_.substr(at_, n);
    at_ += n;
  }
  template <class T, std::size_t N>
  void get(std::array<T, N>& v) {
    for (T& e : v) get(e);
  }
  template <class T>
  void get(std::vector<T>& v) {
    v.resize(length());
    for (T& e : v) get(e);
  }
  const std::string& bytes_;
  const std::string& path_;
  std::size_t at_ = 0;
};

template <class A>
void members(A& a, mrd_limit& l) {
  a(l.known, l.minimum, l.maximum, l.centre);
}
template <class A>
void members(A& a, mrd_space& s) {
  a(s.matrix, s.fov_mm);
}
template <class A>
void members(A& a, mrd_encoding& e) {
  a(e.encoded, e.recon, e.step_0, e.step_1, e.step_2, e.average, e.slice, e.contrast, e.phase,
    e.repetition, e.set, e.segment, e.trajectory, e.trajectory_name, e.acceleration_1,
    e.acceleration_2, e.calibration);
}
template <class A>
void members(A& a, mrd_parameter& p) {
  a(p.name, p.value);
}
template <class A>
void members(A& a, mrd_waveform_kind& w) {
  a(w.name, w.kind);
}
template <class A>
void members(A& a, mrd_header& h) {
  a(h.encodings, h.tr_ms, h.te_ms, h.ti_ms, h.flip_deg, h.echo_spacing_ms, h.sequence, h.vendor,
    h.model, h.institution, h.station, h.protocol, h.patient_position, h.study_date, h.study_time,
    h.measurement_id, h.field_strength_t, h.h1_frequency_hz, h.noise_bandwidth, h.receiver_channels,
    h.coil_names, h.waveforms, h.user);
}

#if CARDIOMM_HAS_ISMRMRD

template <class To, class T>
void take(const ISMRMRD::Optional<T>& from, To& to) {
  if (from.is_present()) to = static_cast<To>(*from);
}
inline void take(const ISMRMRD::Optional<std::vector<float>>& from, std::vector<double>& to) {
  if (from.is_present()) to.assign(from->begin(), from->end());
}
inline void take(const ISMRMRD::Optional<ISMRMRD::Limit>& from, mrd_limit& to) {
  if (from.is_present()) to = {true, from->minimum, from->maximum, from->center};
}
inline mrd_space space_of_xml(const ISMRMRD::EncodingSpace& s) {
  return {{s.matrixSize.x, s.matrixSize.y, s.matrixSize.z},
          {s.fieldOfView_mm.x, s.fieldOfView_mm.y, s.fieldOfView_mm.z}};
}

/// The text without an element, from its first beginning to its last end.
inline std::string without_element(const std::string& xml, const std::string& name) {
  std::size_t first = 0;
  do first = xml.find("<" + name, first + 1);
  while (first != std::string::npos && xml.find_first_of("> ", first) != first + name.size() + 1);
  const std::string end = "</" + name + ">";
  const std::size_t last = xml.rfind(end);
  if (first == std::string::npos || last == std::string::npos || last < first) return xml;
  return xml.substr(0, first) + xml.substr(last + end.size());
}

/// The text without the prefix of its name space (ns0:ismrmrdHeader), which the library does not
/// know but other writers use.
inline std::string without_prefix(std::string xml) {
  const std::size_t root = xml.find(":ismrmrdHeader");
  const std::size_t open = root == std::string::npos ? root : xml.rfind('<', root);
  if (open == std::string::npos) return xml;
  const std::string prefix = xml.substr(open + 1, root - open);  // with the colon
  if (prefix.size() < 2 || prefix.find_first_of("/ ?!\n") != std::string::npos) return xml;
  for (const char* begin : {"<", "</"}) {
    const std::string with = begin + prefix;
    for (std::size_t at = 0; (at = xml.find(with, at)) != std::string::npos;)
      xml.replace(at, with.size(), begin);
  }
  return xml;
}

/// The library's header. It refuses headers that lack what the schema demands in parts that do not
/// matter for images (KomaMRI's lack the position of the patient); those parts are left out then.
inline ISMRMRD::IsmrmrdHeader parse_leniently(const std::string& xml) {
  constexpr const char* parts[] = {"subjectInformation",     "userParameters",
                                   "measurementInformation", "studyInformation",
                                   "waveformInformation",    "acquisitionSystemInformation",
                                   "sequenceParameters"};
  ISMRMRD::IsmrmrdHeader x;
  try {
    ISMRMRD::deserialize(xml.c_str(), x);
    return x;
  } catch (const std::exception&) {
    std::string rest = xml;
    for (const bool alone : {true, false})
      for (const char* part : parts) {
        const std::string shorter = without_element(alone ? xml : rest, part);
        if (!alone) rest = shorter;
        if (shorter == xml) continue;
        try {
          x = {};
          ISMRMRD::deserialize(shorter.c_str(), x);
          return x;
        } catch (const std::exception&) {
        }
      }
    throw;
  }
}

/// Parses the header; for the child of a sandbox.
inline mrd_header read_mrd_xml(const std::string& xml) {
  const ISMRMRD::IsmrmrdHeader x = parse_leniently(without_prefix(xml));
  mrd_header h;
  constexpr const char* kinds[] = {"cartesian", "epi", "radial", "goldenangle", "spiral", "other"};
  for (const auto& e : x.encoding) {
    mrd_encoding to;
    to.encoded = space_of_xml(e.encodedSpace);
    to.recon = space_of_xml(e.reconSpace);
    const auto& l = e.encodingLimits;
    take(l.kspace_encoding_step_0, to.step_0);
    take(l.kspace_encoding_step_1, to.step_1);
    take(l.kspace_encoding_step_2, to.step_2);
    take(l.average, to.average);
    take(l.slice, to.slice);
    take(l.contrast, to.contrast);
    take(l.phase, to.phase);
    take(l.repetition, to.repetition);
    take(l.set, to.set);
    take(l.segment, to.segment);
    const auto kind = static_cast<std::size_t>(e.trajectory);
    to.trajectory = kinds[kind < 6 ? kind : 5];
    if (e.trajectoryDescription.is_present())
      to.trajectory_name = e.trajectoryDescription->identifier;
    if (e.parallelImaging.is_present()) {
      to.acceleration_1 = e.parallelImaging->accelerationFactor.kspace_encoding_step_1;
      to.acceleration_2 = e.parallelImaging->accelerationFactor.kspace_encoding_step_2;
      take(e.parallelImaging->calibrationMode, to.calibration);
    }
    h.encodings.push_back(to);
  }
  if (x.sequenceParameters.is_present()) {
    const auto& s = *x.sequenceParameters;
    take(s.TR, h.tr_ms);
    take(s.TE, h.te_ms);
    take(s.TI, h.ti_ms);
    take(s.flipAngle_deg, h.flip_deg);
    take(s.echo_spacing, h.echo_spacing_ms);
    take(s.sequence_type, h.sequence);
  }
  if (x.acquisitionSystemInformation.is_present()) {
    const auto& s = *x.acquisitionSystemInformation;
    take(s.systemVendor, h.vendor);
    take(s.systemModel, h.model);
    take(s.institutionName, h.institution);
    take(s.stationName, h.station);
    take(s.systemFieldStrength_T, h.field_strength_t);
    take(s.relativeReceiverNoiseBandwidth, h.noise_bandwidth);
    take(s.receiverChannels, h.receiver_channels);
    for (const auto& c : s.coilLabel) h.coil_names.push_back(c.coilName);
  }
  if (x.measurementInformation.is_present()) {
    take(x.measurementInformation->protocolName, h.protocol);
    take(x.measurementInformation->measurementID, h.measurement_id);
    h.patient_position = x.measurementInformation->patientPosition;
  }
  if (x.studyInformation.is_present()) {
    take(x.studyInformation->studyDate, h.study_date);
    take(x.studyInformation->studyTime, h.study_time);
  }
  h.h1_frequency_hz = static_cast<double>(x.experimentalConditions.H1resonanceFrequency_Hz);
  constexpr const char* waves[] = {"ecg",  "pulse", "respiratory", "trigger", "gradientwaveform",
                                   "other"};
  for (const auto& w : x.waveformInformation) {
    const auto kind = static_cast<std::size_t>(w.waveformType);
    h.waveforms.push_back({w.waveformName, waves[kind < 6 ? kind : 5]});
  }
  if (x.userParameters.is_present()) {
    for (const auto& p : x.userParameters->userParameterLong)
      h.user.push_back({p.name, std::to_string(p.value)});
    for (const auto& p : x.userParameters->userParameterDouble) {
      std::ostringstream text;
      text.precision(17);
      text << p.value;
      h.user.push_back({p.name, text.str()});
    }
    for (const auto& p : x.userParameters->userParameterString) h.user.push_back({p.name, p.value});
  }
  return h;
}

/// The same as bytes. Throws io_error naming the path.
inline std::string pack_mrd_header(const std::string& xml, const std::string& path) {
  packer p;
  try {
    mrd_header h = read_mrd_xml(xml);
    p(h);
  } catch (const error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw io_error(path +
                   ": header: expected the XML of ISMRMRD, found what its library refuses (" +
                   e.what() + ")");
  }
  return p.bytes;
}
#endif

inline mrd_header unpack_mrd_header(const std::string& bytes, const std::string& path) {
  mrd_header h;
  unpacker u(bytes, path);
  u(h);
  return h;
}

[[noreturn]] inline void lacks_ismrmrd(const std::string& path) {
  throw io_error(path +
                 ": reading ISMRM raw data needs HDF5 and ISMRMRD, which this build lacks; install "
                 "them and build again");
}

}  // namespace detail

/// Parses an XML header that came without a file, in a stream say. `path` names it in messages.
/// Throws io_error for text that is no such header, and where the build lacks the library.
inline mrd_header parse_mrd_header(const std::string& xml, const std::string& path) {
#if CARDIOMM_HAS_ISMRMRD
  const sandbox box(path, "ISMRMRD", [&]() -> sandbox::handler {
    return [&](const std::string&) { return detail::pack_mrd_header(xml, path); };
  });
  return detail::unpack_mrd_header(box.ask("header"), path);
#else
  (void)xml;
  detail::lacks_ismrmrd(path);
#endif
}

}  // namespace cardiomm::inline CARDIOMM_ABI::io

#endif
