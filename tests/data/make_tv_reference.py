#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Total variation by scikit-image: tests/data/tv/*.npy, read by tests/prox/total_variation.cpp.

needs numpy, scikit-image. `denoise_tv_chambolle` minimises |grad u| + |u - f|^2 / (2 weight) with
forward differences and free ends; images are flipped here, because ours look backwards.
"""

import os

import numpy as np
from skimage.restoration import denoise_tv_chambolle

WEIGHT = 0.35
rng = np.random.default_rng(5)
image = np.kron(rng.normal(size=(3, 4)), np.ones((5, 4))) + 0.3 * rng.normal(size=(15, 16))
flipped = image[::-1, ::-1]
plane = denoise_tv_chambolle(flipped, weight=WEIGHT, eps=1e-15, max_num_iter=200000)[::-1, ::-1]
lines = np.stack(
    [denoise_tv_chambolle(c, weight=WEIGHT, eps=1e-15, max_num_iter=200000) for c in image.T], -1
)
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tv")
os.makedirs(folder, exist_ok=True)
for name, value in (("image", image), ("plane", plane), ("lines", lines)):
    np.save(os.path.join(folder, name + ".npy"), np.ascontiguousarray(value))
