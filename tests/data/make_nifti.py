# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/formats/nifti_* with nibabel, and nifti_truth.txt with what nibabel reads from
them: per file a line "NAME shape...", the affine, the spacing as zooms in the file's unit, and every
value of get_fdata() (complex ones as pairs). File order: x fastest."""
import gzip
import pathlib
import nibabel as nib
import numpy as np

here = pathlib.Path(__file__).parent / "formats"
here.mkdir(exist_ok=True)
rng = np.random.default_rng(7)
truth = []


def keep(name, image):
    path = here / name
    nib.save(image, path)
    if name.endswith(".gz"):  # nibabel's gzip header has no time; make sure of it
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 9, mtime=0))
    back = nib.load(path)
    values = np.asanyarray(back.dataobj)
    if not np.iscomplexobj(values):
        values = back.get_fdata()
    values = np.asarray(values, np.complex128 if np.iscomplexobj(values) else np.float64)
    truth.append(" ".join([name, str(int(np.iscomplexobj(values)))] + [str(n) for n in values.shape]))
    truth.append(" ".join(repr(float(v)) for v in back.affine.ravel()))
    truth.append(" ".join(repr(float(v)) for v in back.header.get_zooms()))
    flat = values.ravel(order="F")
    truth.append(" ".join(repr(float(v)) for v in (flat.view(np.float64))))


def rotation(a, b, c):
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return z @ y @ x


big = nib.Nifti1Header(endianness=">")
big.set_data_dtype(">i2")
keep("nifti_big_endian.nii", nib.Nifti1Image(rng.integers(-900, 900, (3, 4, 2), np.int16), np.diag([1.5, 2, 8, 1]), big))

image = nib.Nifti1Image(rng.integers(0, 4000, (4, 3, 2), np.int16), np.diag([1, 1, 5, 1]))
image.header.set_slope_inter(0.123, -7.7)
keep("nifti_slope.nii.gz", image)

image = nib.Nifti1Image(rng.random((3, 2, 2, 4), np.float32), np.diag([1.25, 1.4, 8, 1]))
image.header.set_xyzt_units("mm", "msec")
image.header.set_zooms((1.25, 1.4, 8, 33.5))
image.header["descrip"] = b"four axes, ms"
keep("nifti_cine_ms.nii.gz", image)

affine = np.eye(4)
affine[:3, :3] = rotation(0.3, -0.5, 1.1) @ np.diag([1.5, 1.75, -8])
affine[:3, 3] = [-12.5, 33, 4.25]
image = nib.Nifti1Image(rng.integers(0, 4, (2, 3, 4), np.uint8), None)
image.set_qform(affine, 1)
image.set_sform(None, 0)
keep("nifti_qform.nii", image)

shear = affine.copy()
shear[0, 1] += 0.4
image = nib.Nifti1Image(rng.integers(0, 4, (2, 3, 4), np.uint8), shear)
image.set_qform(affine, 1)
image.set_sform(shear, 4)
keep("nifti_sform.nii.gz", image)

image = nib.Nifti1Image(rng.random((3, 4, 5)), None)
image.header.set_zooms((2, 3, 4))
image.header["qform_code"] = 0
image.header["sform_code"] = 0
keep("nifti_pixdim.nii", image)

keep("nifti_complex.nii", nib.Nifti1Image((rng.random((2, 3, 2)) + 1j * rng.random((2, 3, 2))).astype(np.complex64), np.eye(4)))
keep("nifti_plane.nii.gz", nib.Nifti1Image(rng.integers(0, 60000, (5, 4), np.uint16), np.diag([0.5, 0.5, 1, 1])))
image = nib.Nifti2Image(rng.integers(-9, 9, (2, 2, 3), np.int64), affine, dtype="int64")
image.header.set_xyzt_units("micron", "usec")
keep("nifti_two.nii.gz", image)
image = nib.Nifti2Image(rng.random((2, 2, 3, 2)).astype(">f8"), None, nib.Nifti2Header(endianness=">"))
image.set_qform(affine, 1)
keep("nifti_two_big.nii", image)
image = nib.Nifti1Image(rng.integers(0, 9, (2, 3, 2), np.int32), affine)
image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"an extension to be skipped"))
keep("nifti_extension.nii", image)
keep("nifti_pair.img", nib.Nifti1Pair(rng.random((2, 3, 2), np.float32), affine))
(here / "nifti_truth.txt").write_text("\n".join(truth) + "\n")
