# SPDX-License-Identifier: Apache-2.0
"""Radial masks of training by SciPy's rotate, as the spec of the training masks says; prints one line
for each: nx ny R start samples fnv64 (FNV-1a over the bytes 0/1, phase encodes slow, readout fast).
python make_training_spokes.py > training_spokes.txt"""
import math

import numpy as np
from scipy import ndimage


def spokes(nx, ny, acceleration, start):
    side, beams = max(nx, ny), math.floor(180 / (0.6 * acceleration))
    line = np.zeros((side, side))
    line[side // 2, :] = 1
    first, mask = 137.5 * (start - 1), np.zeros((side, side))
    for angle in np.arange(first, first + 180, 180 / beams):
        mask = np.maximum(mask, ndimage.rotate(line, angle, reshape=False, order=0))
    x, y = (side - nx) // 2, (side - ny) // 2
    return mask[x : x + nx, y : y + ny].T.astype(np.uint8)


def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 % 2**64
    return h


for nx, ny in [(64, 48), (45, 37), (37, 45), (96, 71), (128, 128), (246, 204)]:
    for acceleration in (4, 8, 16, 24, 6):
        for start in (1, 2, 7, 13, 30) if nx < 200 else (1, 7):
            m = spokes(nx, ny, acceleration, start)
            print(nx, ny, acceleration, start, int(m.sum()), fnv(np.ascontiguousarray(m).tobytes()))
