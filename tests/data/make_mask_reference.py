#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes mask_reference.txt from masks_reference.npz (argument 1), which holds results of the challenge's own MATLAB
procedure (and of scikit-image for the radial masks), computed for this purpose. Needs NumPy.

One array a line: name, kind, extents, values. Arrays are stored transposed, slowest axis (frame, y, x) first, as the
library keeps them. Kind `bits`: 0/1 packed into hexadecimal bytes, first element in the highest bit; kind `ints`:
comma-separated integers."""
import sys

import numpy as np

with open('mask_reference.txt', 'w') as out, np.load(sys.argv[1]) as arrays:
    for name in sorted(arrays):
        a = np.ascontiguousarray(arrays[name].T)
        dims = ','.join(map(str, a.shape))
        if a.size > 64 and set(np.unique(a)) <= {0, 1}:
            kind, values = 'bits', np.packbits(a.ravel().astype(np.uint8)).tobytes().hex()
        else:
            kind, values = 'ints', ','.join(str(int(v)) for v in a.ravel())
        out.write(f'{name} {kind} {dims} {values}\n')
