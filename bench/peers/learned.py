#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Learned against classical reconstruction, frame by frame: SSIM and NMSE on held-out synthetic subjects and, zero-shot,
on real anatomy.

    learned.py --program build/bin/cardiomm --work FOLDER [--samples EXPORT] [--weights W[,NAME=W ...]] [--out TABLE.md]
               [--only REGEX] [--tune] [--pictures FOLDER]

Sets: `synthetic`, the folder that `cardiomm train --config C --export EXPORT --export-part test` wrote (subjects that
training never saw); and real ones from $CARDIOMM_SHARED or ../shared (data/...):
  cine frame   cmrxrecon2024_cine_frame_1ch, measured k-space of one coil, oversampling of the readout removed;
               `cine frame x 8`: the same complex image under 8 simulated coils
  brain        brain_4ch_full, measured complex images of 4 coils
  sax, lax     human_cine_sax_lax, magnitudes of 25 frames, under 8 simulated coils and a simulated phase, with noise
Each is undersampled retrospectively, R = 4 and 8 (nominal, 20 centre lines beside), at random, evenly and along spokes.
The truth is the root sum of squares of the full data. All methods see the same samples; maps of the classical ones are
ESPIRiT's from the calibration lines of those samples. Weights whose path has `pisf` in it belong to the network of
lines, which has no spokes.

SSIM and NMSE are scikit-image's and NumPy's: 7 x 7 uniform window, K1 0.01, K2 0.03, sample covariance, data range the
largest truth of the set; NMSE = |x - t|^2 / |t|^2 of each frame. `body`: only pixels whose truth is above 5 % of the
largest, dilated by 3 pixels, so that a method that leaves noise out of the background is not blamed for it.
Weights of the classical methods are chosen on the validation subjects (--tune EXPORT: prints the grid) and written
below; `oracle` is the best of the grid on the tested set itself, which no user has. Needs NumPy, SciPy, scikit-image.
"""
import argparse, hashlib, json, os, re, subprocess, sys, time
import numpy as np
from scipy.ndimage import binary_dilation
from skimage.metrics import structural_similarity

here = os.path.dirname(os.path.abspath(__file__))
arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument('--program', default='build/bin/cardiomm')
arguments.add_argument('--work', required=True)
arguments.add_argument('--samples', default='', help='folder of `cardiomm train --export`')
arguments.add_argument('--weights', default='', help='NAME=FILE,...; the word `default` is the network that ships')
arguments.add_argument('--threads', type=int, default=1)
arguments.add_argument('--only', default='', help='regular expression, searched in "SET PATTERN R"')
arguments.add_argument('--tune', action='store_true', help='mean score of every weight of the grid, and stop')
arguments.add_argument('--pictures', default='', help='folder for pictures of the first frame of each case')
arguments.add_argument('--out', default='', help='file for the table, beside standard output')
a = arguments.parse_args()
program = os.path.abspath(a.program)
samples, table, pictures = (os.path.abspath(p) if p else '' for p in (a.samples, a.out, a.pictures))
shared = os.path.abspath(os.environ.get('CARDIOMM_SHARED') or os.path.join(here, '..', '..', '..', 'shared'))
networks = dict(w.split('=', 1) if '=' in w else (w, w) for w in a.weights.split(',') if w)
networks = {n: w if w == 'default' else os.path.abspath(w) for n, w in networks.items()}
os.makedirs(a.work, exist_ok=True)
os.chdir(a.work)
environment = dict(os.environ, OMP_NUM_THREADS=str(a.threads), OPENBLAS_NUM_THREADS='1')

GRID = {'sense': [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
        'l1wavelet': [3e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2],
        'llr': [3e-3, 1e-2, 3e-2, 6e-2, 1e-1]}
# In --scale's units. Of the weights whose mean SSIM on the validation subjects is within 0.005 of the largest, the one
# with the smallest NMSE (docs/training-results.md); that of LLR is from the phantom's cine.
CHOSEN = {'sense': {4: 1e-2, 8: 1e-2}, 'l1wavelet': {4: 4e-3, 8: 4e-3}, 'llr': {4: 3e-2, 8: 3e-2}}
PATTERNS = {'random': 'kt-gaussian', 'uniform': 'kt-uniform', 'radial': 'kt-radial'}


def run(*command):
    done = subprocess.run([str(c) for c in command], env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")
    return done.stdout


def centred(f, x):
    return np.fft.fftshift(f(np.fft.ifftshift(x, axes=(-2, -1)), norm='ortho'), axes=(-2, -1))


def simulated_maps(ny, nx):
    """Maps of the program's phantom: loops around the chest by Biot and Savart."""
    name = f'coils_{ny}_{nx}'
    if not os.path.exists(name):
        run(program, 'phantom', '--coils', 8, '--frames', 1, '--shape', f'{ny},{nx}', '--snr', 30, '--seed', 1, '--out', name)
    return np.load(name + '/maps.npy').reshape(8, ny, nx)


def under_coils(images, noise):
    k = centred(np.fft.fft2, images[:, None] * simulated_maps(*images.shape[1:]))
    n = np.random.default_rng(1).standard_normal((2,) + k.shape) * noise / np.sqrt(2)
    return k + n[0] + 1j * n[1]


def cine_frame(coils):
    k = np.load(os.path.join(shared, 'data/cmrxrecon2024_cine_frame_1ch/kspace_full.npy')).T  # (ky, kx)
    x = centred(np.fft.ifft2, k)[:, 128:384]
    x = x / np.percentile(abs(x), 99.5)
    return under_coils(x[None], 0.005) if coils else centred(np.fft.fft2, x)[None, None]


def brain():
    x = np.load(os.path.join(shared, 'data/brain_4ch_full/img.npy'))
    return centred(np.fft.fft2, x / np.percentile(abs(x), 99.5))[None]


def cine(file):
    x = np.load(os.path.join(shared, 'data/human_cine_sax_lax', file)).astype(np.float32)
    x /= np.percentile(x, 99.5)
    y, z = np.mgrid[-1:1:x.shape[1] * 1j, -1:1:x.shape[2] * 1j]
    return under_coils(x * np.exp(1j * (0.8 * y - 0.5 * z + 0.6 * y * z)), 0.02)


SETS = {'cine frame': (lambda: cine_frame(0), 'modality=cine, view=sax, vendor=Siemens, field=3.0T'),
        'cine frame x 8': (lambda: cine_frame(8), 'modality=cine, view=sax, vendor=Siemens, field=3.0T'),
        'brain': (brain, 'modality=T2w, field=3.0T'),
        'sax': (lambda: cine('sax_full_mid.npy'), 'modality=cine, view=sax, vendor=Siemens, field=1.5T'),
        'lax': (lambda: cine('lax_4ch.npy'), 'modality=cine, view=lax, vendor=Siemens, field=1.5T')}


def body(truth):
    return np.stack([binary_dilation(t > 0.05 * truth.max(), iterations=3) for t in truth])


def score(x, truth, where):
    """Per frame: SSIM, NMSE, and both of the body."""
    x = abs(x).reshape(truth.shape).astype(np.float64)
    rows = []
    for f, t, m in zip(x, truth, where):
        _, s = structural_similarity(t, f, data_range=truth.max(), full=True)
        inner = (slice(3, -3),) * 2
        rows.append([s[inner].mean(), ((f - t) ** 2).sum() / (t ** 2).sum(), s[inner][m[inner]].mean(),
                     ((f - t) ** 2)[m].sum() / (t ** 2)[m].sum()])
    return np.array(rows)


class Case:
    """Files of one set, pattern and R in a folder of their own; scores are kept beside them."""

    def __init__(self, name, full, pattern, r, metadata):
        self.name, self.pattern, self.r, self.metadata = name, pattern, r, metadata
        self.folder = re.sub(r'\W+', '_', f'{name}_{pattern}_{r}')
        os.makedirs(self.folder, exist_ok=True)
        frames, _, ny, nx = full.shape
        full = np.ascontiguousarray(full, np.complex64)
        self.truth = np.sqrt((abs(centred(np.fft.ifft2, full)) ** 2).sum(1)).astype(np.float64)
        self.where = body(self.truth)
        mask = self.path('mask.npy')
        run(program, 'mask', '--pattern', PATTERNS[pattern], '--acceleration', r, '--acs', 20, '--shape',
            f'{frames},{ny},{nx}', '--seed', 1, '--out', mask)
        np.save(self.path('und.npy'), (full * np.load(mask).reshape(frames, 1, ny, nx)).astype(np.complex64))
        self.kept = {}
        if os.path.exists(self.path('scores.json')):
            self.kept = json.load(open(self.path('scores.json')))
        self.digest = hashlib.sha1(full.tobytes()).hexdigest()

    def path(self, name):
        return os.path.join(self.folder, name)

    def keep(self, key, make):
        """Scores of the image that make() returns; made once."""
        key = f'{key} {self.digest}'
        if key not in self.kept:
            self.kept[key] = score(make(), self.truth, self.where).tolist()
            json.dump(self.kept, open(self.path('scores.json'), 'w'))
        return np.array(self.kept[key])

    def files(self):
        return ['--kspace', self.path('und.npy'), '--mask', self.path('mask.npy')]

    def maps(self):
        if not os.path.exists(self.path('maps.npy')):
            run(program, 'maps', '--kspace', self.path('und.npy'), '--out', self.path('maps.npy'))
        return ['--maps', self.path('maps.npy')]

    def image(self, *options):
        out = self.path('x.npy')
        run(program, 'recon', *self.files(), *options, '--out', out)
        return np.load(out)

    def classical(self, method, weight):
        if method == 'zf':
            return self.keep('zf', lambda: self.image('--method', 'rss'))
        return self.keep(f'{method} {weight}', lambda: self.image('--method', method, '--lambda', weight, '--scale', *self.maps()))

    def learned_image(self, weights):
        if 'pisf' in weights:
            return self.image('--method', 'pisf', '--weights', weights)
        file = [] if weights == 'default' else ['--weights', weights]
        return self.image('--method', 'cardiomm', *file, '--metadata', self.metadata, '--undersampling',
                          f'{self.r}x {self.pattern}')

    def learned(self, weights):
        stamp = os.stat(program if weights == 'default' else weights).st_mtime_ns
        return self.keep(f'{weights} {stamp}', lambda: self.learned_image(weights))


def synthetic():
    """Subjects of an export: list of (k-space (frame, coil, y, x), metadata)."""
    listed = json.load(open(os.path.join(samples, 'samples.json')))
    for i, s in enumerate(listed['samples']):
        k = np.load(os.path.join(samples, s['kspace']))
        yield f'synthetic {i}', k.reshape((-1,) + k.shape[-3:]), s['metadata']


def cases():
    sources = []
    if samples:
        sources += [('synthetic', i, k, m) for i, k, m in synthetic()]
    if not a.tune:
        sources += [(n, n, make, m) for n, (make, m) in SETS.items()]
    for group, name, full, metadata in sources:
        for pattern in PATTERNS:
            for r in (4, 8):
                if re.search(a.only, f'{name} {pattern} {r}'):
                    yield group, Case(name, full() if callable(full) else full, pattern, r, metadata)


def tune():
    best = {}
    for _, case in cases():
        for method in ('sense', 'l1wavelet'):
            for weight in GRID[method]:
                best.setdefault((method, case.r, weight), []).append(case.classical(method, weight).mean(0))
    for (method, r, weight), rows in best.items():
        m = np.mean(rows, 0)
        print(f'{method:10} R {r} lambda {weight:<8g} SSIM {m[0]:.4f} NMSE {m[1]:.5f} body {m[2]:.4f} {m[3]:.5f}')


def picture(case, methods):
    from skimage.io import imsave
    from skimage.util import img_as_ubyte
    top = np.percentile(case.truth[0], 99.7)
    rows = [[np.clip(case.truth[0] / top, 0, 1)], [np.zeros_like(case.truth[0])]]
    for m in methods:
        x = abs(m().reshape(case.truth.shape)[0])
        rows[0].append(np.clip(x / top, 0, 1))
        rows[1].append(np.clip(5 * abs(x - case.truth[0]) / top, 0, 1))
    os.makedirs(pictures, exist_ok=True)
    imsave(os.path.join(pictures, case.folder + '.png'), img_as_ubyte(np.vstack([np.hstack(r) for r in rows])), check_contrast=False)


def main():
    if a.tune:
        return tune()
    found = {}
    for group, case in cases():
        rows = {'zero-filled': case.classical('zf', 0)}
        for method, label in (('sense', 'CG-SENSE'), ('l1wavelet', 'L1-wavelet')):
            rows[label] = case.classical(method, CHOSEN[method][case.r])
            grid = np.array([case.classical(method, w) for w in GRID[method]])
            best = grid.mean(1)
            rows[label + ' (oracle)'] = np.stack([grid[(best[:, j].argmax() if j % 2 == 0 else best[:, j].argmin()), :, j]
                                                  for j in range(4)], 1)
        if len(case.truth) > 4:
            grid = np.array([case.classical('llr', w) for w in GRID['llr']])
            rows['LLR, series'] = case.classical('llr', CHOSEN['llr'][case.r])
            best = grid.mean(1)
            rows['LLR, series (oracle)'] = np.stack([grid[(best[:, j].argmax() if j % 2 == 0 else best[:, j].argmin()), :, j]
                                                     for j in range(4)], 1)
        able = [(n, w) for n, w in networks.items() if case.pattern != 'radial' or 'pisf' not in w]
        for n, w in able:
            rows[n] = case.learned(w)
        if pictures:
            files = [lambda: case.image('--method', 'rss')]
            for m in ('sense', 'l1wavelet'):
                files.append(lambda m=m: case.image('--method', m, '--lambda', CHOSEN[m][case.r], '--scale', *case.maps()))
            files += [lambda w=w: case.learned_image(w) for _, w in able]
            picture(case, files)
        for label, r in rows.items():
            found.setdefault((group, case.pattern, case.r), {}).setdefault(label, []).append(r)
        print(group, case.name, case.pattern, case.r, {k: np.round(v.mean(0), 4).tolist() for k, v in rows.items()},
              file=sys.stderr, flush=True)
    lines = ['| set | pattern | R | method | SSIM | NMSE | SSIM, body | NMSE, body | frames won |', '| --- ' * 9 + '|']
    for (group, pattern, r), rows in found.items():
        rows = {label: np.concatenate(v) for label, v in rows.items()}
        usual = np.stack([rows[m] for m in ('zero-filled', 'CG-SENSE', 'L1-wavelet')])
        for label, v in rows.items():
            m, won = v.mean(0), ''
            if label in networks:
                w = np.stack([v[:, 0] > usual[..., 0].max(0), v[:, 1] < usual[..., 1].min(0)])
                won = f'{w[0].sum()} / {w[1].sum()} of {len(v)}'
            lines.append(f'| {group} | {pattern} | {r} | {label} | {m[0]:.4f} | {m[1]:.5f} | {m[2]:.4f} | {m[3]:.5f} | {won} |')
    print('\n'.join(lines))
    if table:
        open(table, 'w').write('\n'.join(lines) + '\n')


main()
