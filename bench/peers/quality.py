#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Method x data set: NMSE, PSNR, SSIM and seconds, beside `bart pics` with the same lambda.

    quality.py --program build/bin/cardiomm --work FOLDER [--threads N] [--only REGEX] [--sid ROOT] [--out TABLE.md]

Data: the phantom, a real short-axis cine (magnitudes of the shared data, with simulated coils and phase), real coil
images of a brain, and a real undersampled slice of a chest (cmrxrecon2025_slice_10ch). Maps are our ESPIRiT's for
both; the truth is the fully sampled image combined by them. Of the last set no truth is known: every fifth of its
outer lines is left out and predicted from the image, and NMSE is that of those lines. NMSE is of magnitudes as they
are, PSNR and SSIM are those of `cardiomm eval` (2025: each image by its own 99.5th percentile). Seconds are whole
processes. Needs NumPy and BART: 0.8 on the PATH, or with --sid the 1.0 of the folder of `./dev newest`; the real data
are looked for in $CARDIOMM_SHARED, then ../shared.
"""
import argparse, json, os, re, subprocess, sys, time
import numpy as np
from installed import find_newest_bart

here = os.path.dirname(os.path.abspath(__file__))
arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument('--program', default='build/bin/cardiomm')
arguments.add_argument('--work', required=True)
arguments.add_argument('--threads', type=int, default=1)
arguments.add_argument('--only', default='', help='regular expression, searched in "DATA METHOD"')
arguments.add_argument('--sid', default='', help='root folder that holds BART 1.0')
arguments.add_argument('--out', default='', help='file for the table, beside standard output')
a = arguments.parse_args()
program = os.path.abspath(a.program)
table = os.path.abspath(a.out) if a.out else ''
peer_program = find_newest_bart(os.path.expanduser(a.sid)) if a.sid else ['bart']
if not peer_program:
    sys.exit(f'no BART in {a.sid}')
shared = os.environ.get('CARDIOMM_SHARED') or os.path.join(here, '..', '..', '..', 'shared')
shared = os.path.abspath(shared)
os.makedirs(a.work, exist_ok=True)
os.chdir(a.work)
environment = dict(os.environ, OMP_NUM_THREADS=str(a.threads), OPENBLAS_NUM_THREADS='1')


def run(*command):
    begun = time.perf_counter()
    done = subprocess.run([str(c) for c in command], env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")
    return time.perf_counter() - begun


def centred(f, x):
    return np.fft.fftshift(f(np.fft.ifftshift(x, axes=(-2, -1)), norm='ortho'), axes=(-2, -1))


def phantom():
    run(program, 'phantom', '--coils', 10, '--frames', 25, '--shape', '208,256', '--snr', 30, '--seed', 1, '--out', 'p')
    return np.load('p/kspace.npy').reshape(25, 10, 208, 256)


def cine():
    x = np.load(os.path.join(shared, 'data/human_cine_sax_lax/sax_full_mid.npy')).astype(np.float32)
    x /= np.percentile(x, 99.5)
    phantom()
    maps = np.load('p/maps.npy').reshape(10, 208, 256)
    y, z = np.mgrid[-1:1:208j, -1:1:256j]
    images = (x * np.exp(1j * (0.8 * y - 0.5 * z + 0.6 * y * z)))[:, None] * maps
    noise = np.random.default_rng(1).standard_normal((2,) + images.shape) * 0.01
    return (centred(np.fft.fft2, images) + noise[0] + 1j * noise[1]).astype(np.complex64)


def brain():
    x = np.load(os.path.join(shared, 'data/brain_4ch_full/img.npy'))
    k = centred(np.fft.fft2, x)
    return (k / np.percentile(abs(x), 99.5))[None].astype(np.complex64)


def chest():
    """K-space of the sampled lines only, and their mask."""
    folder = os.path.join(shared, 'data/cmrxrecon2025_slice_10ch/')
    lines = np.load(folder + 'lines.npy')
    k = np.zeros((1, 10, 162, 448), np.complex64)
    k[0][:, np.load(folder + 'line_index.npy')] = lines
    image = centred(np.fft.ifft2, k)
    return (k / np.percentile(np.sqrt((abs(image) ** 2).sum(1)), 99.5)).astype(np.complex64)


def bart(images, *options):
    """(image, seconds) of a command of BART that writes peer.cfl."""
    seconds = run(*peer_program, *options)
    return np.fromfile('peer.cfl', np.complex64).reshape(images), seconds


def write_cfl(name, x, dimensions):
    x.astype(np.complex64).tofile(name + '.cfl')
    with open(name + '.hdr', 'w') as header:
        header.write('# Dimensions\n' + ' '.join(map(str, dimensions + [1] * (16 - len(dimensions)))) + '\n')


def width(pixels, frames, blocks):
    """What BART multiplies the weight of blocks by."""
    return np.sqrt(pixels) + np.sqrt(frames) + np.sqrt(np.log(blocks * min(pixels, frames)))


def prepare(name, make, pattern):
    """Files of a data set in the current folder; returns (full k-space, mask (frame, y, x), held-out lines)."""
    full = make()
    frames, coils, ny, nx = full.shape
    held = np.zeros(ny, bool)
    if pattern:
        run(program, 'mask', '--pattern', pattern[0], '--acceleration', pattern[1], '--acs', pattern[2], '--shape',
            f'{frames},{ny},{nx}', '--seed', 1, '--out', 'mask.npy')
    else:
        lines = np.flatnonzero(abs(full[0, 0]).sum(-1))
        outer = lines[abs(lines - ny // 2) > 10]
        held[outer[2::5]] = True
        mask = np.zeros((1, ny, nx), np.uint8)
        mask[:, lines] = 1
        mask[:, held] = 0
        np.save('mask.npy', mask)
    mask = np.load('mask.npy').reshape(-1, ny, nx)
    np.save('full.npy', full)
    np.save('und.npy', (full * mask[:, None]).astype(np.complex64))
    run(program, 'maps', '--kspace', 'full.npy' if pattern else 'und.npy', '--out', 'maps.npy')
    if pattern:
        run(program, 'recon', '--method', 'zf', '--kspace', 'full.npy', '--maps', 'maps.npy', '--out', 'truth.npy')
    write_cfl('und', np.load('und.npy'), [nx, ny, 1, coils, 1, 1, 1, 1, 1, 1, frames])
    write_cfl('maps', np.load('maps.npy'), [nx, ny, 1, coils])
    return full, mask, held


class Scores:
    """NMSE, PSNR and SSIM of images."""

    def __init__(self, full, held):
        self.held, self.full = held, full
        self.maps = np.load('maps.npy').reshape(full.shape[1:])
        if not held.any():
            self.truth = np.load('truth.npy').reshape(full.shape[0], *full.shape[2:])

    def of(self, x, scale):
        """Columns of the table for an image; scale: what the method leaves open is fitted."""
        if self.held.any():
            if np.isrealobj(x):  # a magnitude predicts nothing
                return '- | - | -'
            k = centred(np.fft.fft2, self.maps * x[:, None])[:, :, self.held]
            y = self.full[:, :, self.held]
            k = k * np.sign(np.vdot(k, y).real)  # BART's images of 162 lines have the other sign
            return f'{(abs(k - y) ** 2).sum() / (abs(y) ** 2).sum():.5f} | - | -'
        t, m = abs(self.truth), abs(x)
        s = (t * m).sum() / (m * m).sum() if scale else 1
        np.save('scored.npy', (s * m).astype(np.float32))
        told = subprocess.run([program, 'eval', '--reference', 'truth.npy', '--image', 'scored.npy', '--json'],
                              capture_output=True, text=True, check=True)
        q = json.loads(told.stdout)
        return f"{((s * m - t) ** 2).sum() / (t ** 2).sum():.5f} | {q['psnr']:.2f} | {q['ssim']:.4f}"


rows = ['| data | method | NMSE | PSNR | SSIM | s | BART NMSE | PSNR | SSIM | s |', '|---|---|---|---|---|---|---|---|---|---|']
print('\n'.join(rows), flush=True)
for name, make, pattern in (('phantom', phantom, ('kt-gaussian', 6, 16)), ('cine', cine, ('kt-gaussian', 6, 16)),
                            ('brain', brain, ('uniform', 3, 24)), ('chest', chest, None)):
    os.makedirs(name, exist_ok=True)
    os.chdir(name)
    full, mask, held = prepare(name, make, pattern)
    scores = Scores(full, held)
    frames, coils, ny, nx = full.shape
    shape = (frames, ny, nx)
    blocks = -(-ny // 8) * -(-nx // 8)
    pics = ['pics', '-S', '-w1']
    end = ['und', 'maps', 'peer']
    sweeps = '-i60'  # BART's ADMM counts normal operators: ten times five of them
    series = [
        ('tv time', ['--method', 'tv', '--lambda', 0.005], pics + ['-m', sweeps, '-C5', '-RT:1024:0:0.005'] + end),
        ('ktsparse', ['--method', 'ktsparse', '--lambda', 0.005], pics + ['-i30', '-RF:1024:0:0.005'] + end),
        ('llr, still blocks', ['--method', 'llr', '--lambda', 0.05, '--shift', 'none'],
         pics + ['-i30', '-b8', '-n', '-RL:3:3:%g' % (0.05 / width(64, frames, blocks))] + end),
        ('llr', ['--method', 'llr', '--lambda', 0.05],
         pics + ['-i30', '-b8', '-RL:3:3:%g' % (0.05 / width(64, frames, blocks))] + end),
        ('lps', ['--method', 'lps', '--lambda', 0.005], None),
    ] if frames > 1 else []
    wavelets = ['--method', 'l1wavelet', '--lambda', 0.005, '--levels', 0]
    methods = [
        ('zf', ['--method', 'zf'], None),
        ('sense', ['--method', 'sense', '--lambda', 0.01], pics + ['-i30', '-l2', '-r0.01'] + end),
        ('l1wavelet', wavelets, pics + ['-i30', '-n', '-RW:3:0:0.005'] + end),
        ('l1wavelet, shifted', wavelets + ['--shift', 'random'], pics + ['-i30', '-RW:3:0:0.005'] + end),
        ('tv space', ['--method', 'tv', '--tv', 'space', '--lambda', 0.005],
         pics + ['-m', sweeps, '-C5', '-RT:3:0:0.005'] + end),
    ] + series
    if frames == 1:
        methods += [('grappa', ['--method', 'grappa', '--maps', 'maps.npy'], None),
                    ('nlinv', ['--method', 'nlinv', '--iterations', 9], ['nlinv', '-S', '-i9', 'und', 'peer'])]
    for method, options, peer in methods:
        if not re.search(a.only, f'{name} {method}') or (held.any() and method == 'nlinv'):
            continue
        given = [] if method in ('nlinv', 'grappa') else ['--maps', 'maps.npy']
        ours_s = run(program, 'recon', '--kspace', 'und.npy', '--mask', 'mask.npy', '--threads', a.threads, *given,
                     *options, '--out', 'ours.npy')
        ours = np.load('ours.npy').reshape(shape)
        line = f"| {name} | {method} | {scores.of(ours, method == 'nlinv')} | {ours_s:.2f} |"
        if peer:
            theirs, theirs_s = bart(shape, *peer)
            line += f" {scores.of(theirs, method == 'nlinv')} | {theirs_s:.2f} |"
        else:
            line += ' | | | |'
        rows.append(line)
        print(line, flush=True)
    os.chdir('..')
if table:
    with open(table, 'w') as out:
        out.write('\n'.join(rows) + '\n')
