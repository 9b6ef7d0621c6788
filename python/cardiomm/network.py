# SPDX-License-Identifier: Apache-2.0
"""The learned reconstruction CardioMM: `cardiomm recon --method cardiomm` on arrays.

    net = cardiomm.network.load()                       # the small network of this package
    image = net(kspace, mask, acceleration=8, metadata="modality=cine, view=sax")
"""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path

import numpy as np

from . import _check, _core

_FAMILIES = ("uniform", "random", "radial")


def default_weights() -> Path:
    """The weights that are part of this package."""
    return Path(__file__).with_name("weights") / "cardiomm-small.safetensors"


def load(path=None) -> "Network":
    """The network of a .safetensors file; None: the small one of this package.

    OSError for files that cannot be read, ValueError for weights of another network.
    """
    return Network(default_weights() if path is None else path)


class Network:
    """Weights of CardioMM, ready to reconstruct; made by `load`."""

    def __init__(self, path):
        self.path = os.fspath(path)
        self._core = _core.load_network(self.path)
        for line in self._core.warnings:
            warnings.warn(f"{self.path}: {line}", stacklevel=3)

    @property
    def metadata(self) -> dict:
        """What the file says of itself."""
        return dict(self._core.metadata)

    @property
    def cascades(self) -> int:
        return self._core.cascades

    def __repr__(self):
        return f"<cardiomm network of {self.cascades} cascades: {self.path}>"

    def __call__(
        self, kspace, mask=None, *, acceleration=None, sampling=None, metadata="", embedding=None,
        acs=20, acs_shape="1d", callback=None,
    ) -> np.ndarray:
        """The magnitude image (frame, slice, y, x), float32, with the axes of the k-space.

        kspace        complex64 (frame, slice, coil, y, x), (frame, coil, y, x) or (coil, y, x)
        mask          as for the other methods; None: where k-space is not zero
        acceleration  nominal, as 8; None: found from the mask, with a warning
        sampling      "uniform", "random" or "radial"; None: found from the mask
        metadata      the acquisition: "modality=cine, view=sax, field=3.0T, vendor=Siemens", or the
                      network's sentence
        embedding     two vectors (acquisition, sampling) instead of text, for weights that need
                      a language model
        acs           central lines that the coil maps are found from; 0 counts them in the mask
        acs_shape     "1d": whole lines; "2d": a square
        callback      function(step, steps, residual=0) for every step of an image
        """
        who = "network"
        k, left_out = _check.kspace(kspace, who)
        frames, slices, coils, ny, nx = k.shape
        if mask is None:
            m = _core.sampling_of(k)
        else:
            m = _check.mask(mask, (frames, ny, nx), who)
        if not m.any():
            raise ValueError(f"{who}: mask: expected at least one sample, found none")
        _check.one_of(acs_shape, ("1d", "2d"), who, "acs_shape")
        acs = _check.number(acs, who, "acs", 0, whole=True)
        most = min(ny, nx) if acs_shape == "2d" else ny
        if acs > most:
            raise ValueError(f"{who}: acs: expected at most {most}, found {acs}")
        adjacent = self._core.adjacent
        if coils % adjacent:
            raise ValueError(
                f"{who}: kspace: expected the coils of {adjacent} neighbouring slices, found {coils} "
                "coils"
            )
        texts = self._texts(embedding, metadata, acceleration, sampling, m[0])
        _check.callback(callback, who)
        out = np.empty((frames, slices, ny, nx), np.float32)
        for f in range(frames):
            m1 = m[f : f + 1] if m.shape[0] > 1 else m
            for z in range(slices):
                one, kept = k[f, z], self._alive(k[f, z], m1[0], acs, acs_shape)
                if not kept.all():
                    if not kept.any() or adjacent > 1:
                        raise ValueError(
                            f"{who}: kspace: expected samples in the calibration region, found zeros "
                            f"in (frame {f}, slice {z})"
                        )
                    one = np.ascontiguousarray(one[kept])
                out[f, z] = self._core.reconstruct(
                    one[None], m1, *texts, acs, acs_shape == "2d", callback
                )[0]
        if not np.isfinite(out).all():
            raise ValueError(
                f"{who}: the network made NaN or infinity; the weights or the scale of the data do "
                "not fit"
            )
        return _check.image_out(out[None], left_out)

    def _alive(self, coils, mask, acs, acs_shape):
        """Coils with a signal where the maps come from; the others would make NaN."""
        ny, nx = mask.shape
        n = acs if acs > 0 else _lines_about_centre(mask)
        y0 = (ny - n + 1) // 2
        x0, x1 = ((nx - n + 1) // 2, (nx - n + 1) // 2 + n) if acs_shape == "2d" else (0, nx)
        return coils[:, y0 : y0 + n, x0:x1].any(axis=(1, 2))

    def _texts(self, embedding, metadata, acceleration, sampling, mask):
        length = self._core.embedding
        if embedding is not None:
            pair = [np.ascontiguousarray(e, np.float32).reshape(1, -1) for e in embedding]
            if len(pair) != 2 or any(e.shape[1] != length for e in pair):
                raise ValueError(f"network: embedding: expected two vectors of {length} numbers")
            return pair
        if self.metadata.get("cardiomm.text") != "code-v1":
            raise ValueError(
                f"network: embedding: expected two vectors of {length} numbers, which {self.path} "
                "takes from a language model; found none"
            )
        sentence, said = "", ""
        if metadata:
            sentence, said, lines = _core.parse_metadata(metadata)
            for line in lines:
                warnings.warn(f"network: {line}", stacklevel=4)
        if said and acceleration is None and sampling is None:
            words = said.split(":", 1)[1].strip(" .").split(" ", 1)
            acceleration, sampling = int(words[0].rstrip("x")), words[1]
        if acceleration is None or sampling is None:
            found = sampling_of_mask(mask)
            if acceleration is None:
                acceleration = found[0]
                warnings.warn(
                    f"network: acceleration: nothing was said, taken for {found[0]} by the mask",
                    stacklevel=4,
                )
            sampling = found[1] if sampling is None else sampling
        acceleration = _check.number(acceleration, "network", "acceleration", 1, whole=True)
        _check.one_of(sampling, _FAMILIES, "network", "sampling")
        return [_core.acquisition_code(sentence), _core.sampling_code(acceleration, sampling)]


def _lines_about_centre(mask) -> int:
    """The rule of the published code: twice the shorter run of lines on either side of the centre."""
    column = mask[:, 0] != 0
    ny = column.size
    below = above = 0
    y = ny // 2 - 1
    while y >= 0 and column[y]:
        y, below = y - 1, below + 1
    if y < 0:
        below = 0
    y = ny // 2
    while y < ny and column[y]:
        y, above = y + 1, above + 1
    if y == ny:
        above = 0
    return max(2 * min(below, above), 1)


def sampling_of_mask(mask) -> tuple:
    """(acceleration, family) of a mask (y, x): the nearest of 4, 8, 16 and 24 by the lines outside
    the centre; lines at equal distances are "uniform", others "random", single samples "radial"."""
    m = np.asarray(mask) != 0
    ny, nx = m.shape
    lines = m.sum(axis=1)

    def nearest(r):
        return next((n for n, up in ((4, 8), (8, 16), (16, 24)) if r < math.sqrt(n * up)), 24)

    if ((lines > 0) & (lines < nx)).any():
        return nearest(180.0 * max(ny, nx) / max(1.0, 0.6 * float(lines.sum()))), "radial"
    low = high = ny // 2
    while low > 0 and lines[low - 1]:
        low -= 1
    while high < ny and lines[high]:
        high += 1
    outside, step, last = 0, 0, None
    for y in np.flatnonzero(lines):
        if low <= y < high:
            continue
        outside += 1
        if last is not None and (y < low) == (last < low):
            step = math.gcd(step, int(y - last))
        last = y
    if outside == 0:
        return nearest(ny / max(1, high - low)), "random"
    rate = (ny - (high - low)) / outside
    if step > 1 and abs(step - rate) < 0.25 * step:
        return step, "uniform"
    return nearest(rate), "random"
