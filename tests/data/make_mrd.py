#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/mrd: small ISMRMRD files with Python's ismrmrd, as other programs write them, and
the answers beside them (.npz would need a reader, so .npy). Needs numpy, h5py, ismrmrd.

  cine.h5      2 interleaved slices, 3 cardiac phases, 2 averages, reversed lines, asymmetric echo,
               readout oversampling told by the fields of view, noise, dummy and navigator lines,
               a second encoding; group name "measurement"
  cine_k.npy   its k-space (frame, slice, coil, y, x) with the oversampling
  gated.h5     ungated lines with time stamps, physiology stamps and a waveform: a box that moves
  stream.bin   a message stream with a few lines of cine.h5, a waveform and an image
"""
import os
import sys

import ismrmrd
import numpy as np
from ismrmrd.serialization import ConfigFile, ConfigText, ProtocolSerializer
from ismrmrd.xsd import CreateFromDocument

HEAD = """<?xml version="1.0"?>
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">
 <measurementInformation><patientPosition>HFS</patientPosition><protocolName>cine sax</protocolName>
 </measurementInformation>
 <acquisitionSystemInformation><systemVendor>Test</systemVendor>
  <systemFieldStrength_T>1.5</systemFieldStrength_T><receiverChannels>2</receiverChannels>
 </acquisitionSystemInformation>
 <experimentalConditions><H1resonanceFrequency_Hz>63500000</H1resonanceFrequency_Hz></experimentalConditions>
 {encodings}
 <sequenceParameters><TR>3.2</TR><TE>1.6</TE><flipAngle_deg>60</flipAngle_deg></sequenceParameters>
 {waves}
</ismrmrdHeader>"""

ENCODING = """<encoding>
  <encodedSpace><matrixSize><x>{nx}</x><y>{ny}</y><z>1</z></matrixSize>
   <fieldOfView_mm><x>{fx}</x><y>{fy}</y><z>8</z></fieldOfView_mm></encodedSpace>
  <reconSpace><matrixSize><x>{rx}</x><y>{ny}</y><z>1</z></matrixSize>
   <fieldOfView_mm><x>{rfx}</x><y>{fy}</y><z>8</z></fieldOfView_mm></reconSpace>
  <trajectory>cartesian</trajectory>
  <encodingLimits>
   <kspace_encoding_step_1><minimum>0</minimum><maximum>{last}</maximum><center>{centre}</center></kspace_encoding_step_1>
  </encodingLimits>
 </encoding>"""


def acquisition(data, **head):
    a = ismrmrd.Acquisition.from_array(np.ascontiguousarray(data.astype(np.complex64)))
    for name, value in head.items():
        if name == "flags":
            for f in value:
                a.setFlag(f)
        elif name == "idx":
            for k, v in value.items():
                setattr(a.idx, k, v)
        elif name in ("position", "read_dir", "phase_dir", "slice_dir", "physiology_time_stamp"):
            for i, v in enumerate(value):
                getattr(a, name)[i] = v
        else:
            setattr(a, name, value)
    return a


def write(path, group, xml, lines, waves=()):
    if os.path.exists(path):
        os.remove(path)
    d = ismrmrd.Dataset(path, group, create_if_needed=True)
    d.write_xml_header(xml.encode())
    for a in lines:
        d.append_acquisition(a)
    for w in waves:
        d.append_waveform(w)
    d.close()


def cine(out):
    rng = np.random.default_rng(7)
    nf, nz, nc, ny, nx = 3, 2, 2, 6, 16
    first, centre = 4, 5  # 12 samples from x = 4 on; the sample of DC is 4 + 1 discarded
    k = rng.standard_normal((nf, nz, nc, ny, nx)) + 1j * rng.standard_normal((nf, nz, nc, ny, nx))
    k = np.round(k * 64).astype(np.complex64) / 64  # averages are exact
    k[..., :first] = 0
    k[:, :, :, 0] = 0  # partial Fourier: the first line is missing
    lines = []
    noise = rng.standard_normal((nc, 10)) + 1j * rng.standard_normal((nc, 10))
    lines.append(acquisition(noise, flags=[ismrmrd.ACQ_IS_NOISE_MEASUREMENT], sample_time_us=8.0))
    time = 40000
    for f in range(nf):
        for average in range(2):
            for z in (1, 0):
                for y in range(1, ny):
                    row = k[f, z, :, y, first:] + (0.5 if average else -0.5)
                    row = np.concatenate([np.full((nc, 1), 99), row], axis=1)  # to be discarded
                    flags = []
                    head = dict(discard_pre=1)
                    if y % 2:
                        row = row[:, ::-1]
                        flags = [ismrmrd.ACQ_IS_REVERSE]
                        head = dict(discard_post=1)
                    lines.append(acquisition(
                        row, flags=flags, center_sample=centre, sample_time_us=2.0,
                        acquisition_time_stamp=time, physiology_time_stamp=[10 + 20 * f, 0, 0],
                        position=[0, 0, 10.0 * z], read_dir=[1, 0, 0], phase_dir=[0, 1, 0],
                        slice_dir=[0, 0, 1],
                        idx=dict(kspace_encode_step_1=y - 1, slice=z, phase=f, average=average),
                        **head))
                    time += 2
    lines.append(acquisition(noise, flags=[ismrmrd.ACQ_IS_DUMMYSCAN_DATA]))
    lines.append(acquisition(noise, flags=[ismrmrd.ACQ_IS_NAVIGATION_DATA]))
    lines.append(acquisition(noise, encoding_space_ref=1))
    # the first line on file is line 0 and lies at y = 1: the centre, y = 3, is counter 2
    e = ENCODING.format(nx=nx, ny=ny, fx=480, fy=240, rx=nx // 2, rfx=240, last=ny - 2, centre=2)
    xml = HEAD.format(encodings=e + ENCODING.format(nx=10, ny=1, fx=100, fy=100, rx=10, rfx=100,
                                                    last=0, centre=0), waves="")
    write(f"{out}/cine.h5", "measurement", xml, lines)
    np.save(f"{out}/cine_k.npy", k)
    np.save(f"{out}/cine_noise.npy", noise.astype(np.complex64))
    with open(f"{out}/stream.bin", "wb") as file:
        s = ProtocolSerializer(file)
        s.serialize(ConfigFile("default.xml"))
        s.serialize(ConfigText("<configuration/>"))
        s.serialize(CreateFromDocument(xml))
        s.serialize("a text")
        for a in lines[:9] + lines[-3:]:
            s.serialize(a)
        w = ismrmrd.Waveform.from_array(np.arange(6, dtype=np.uint32).reshape(2, 3))
        w.time_stamp = 41000
        s.serialize(w)
        i = ismrmrd.Image.from_array(np.arange(12, dtype=np.float32).reshape(3, 4))
        i.attribute_string = ismrmrd.Meta({"Name": "image"}).serialize()
        s.serialize(i)
        s.close()


def gated(out):
    ny, nx = 8, 12
    rr = [800, 840, 780, 1500, 820, 790]
    x, y = np.arange(nx) - nx // 2, np.arange(ny) - ny // 2
    lines, start, segment = [], 1000.0, 0
    for r in rr:
        for step in range(int(r // 40) + 1):
            t = 10 + 40 * step
            if t >= r:
                break
            row = segment * 4 + step % 4
            width = 5 + 2 * np.cos(2 * np.pi * t / r)
            data = width * np.sinc(width * x / nx) * np.sinc(4 * y[row] / ny)
            lines.append(acquisition(
                data[None].astype(np.complex64), center_sample=nx // 2, sample_time_us=4.0,
                acquisition_time_stamp=int((start + t) / 2.5),
                physiology_time_stamp=[int(t / 2.5), 0, 0], idx=dict(kspace_encode_step_1=row)))
        start += r
        if r < 1200:
            segment = (segment + 1) % 2
    n = 700
    ecg = np.zeros((2, n), np.uint32)
    times = 900 + 10.0 * np.arange(n)
    at = 1000.0
    for r in rr:
        ecg[1, np.argmin(abs(times - at))] = 16384
        ecg[0] = np.maximum(ecg[0], 500 * np.maximum(0, 1 - abs(times - at) / 20)).astype(np.uint32)
        at += r
    w = ismrmrd.Waveform.from_array(ecg)
    w.time_stamp = int(900 / 2.5)
    w.sample_time_us = 10000.0
    w.waveform_id = 0
    e = ENCODING.format(nx=nx, ny=ny, fx=320, fy=240, rx=nx, rfx=320, last=ny - 1, centre=ny // 2)
    info = ("<waveformInformation><waveformName>ECG</waveformName><waveformType>ecg</waveformType>"
            "</waveformInformation>")
    write(f"{out}/gated.h5", "dataset", HEAD.format(encodings=e, waves=info), lines, [w])


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "mrd")
    os.makedirs(folder, exist_ok=True)
    cine(folder)
    gated(folder)
