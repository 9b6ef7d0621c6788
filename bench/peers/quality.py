#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Method x data set: errors to the fully sampled image, and seconds, beside `bart pics` with the same lambda.

    quality.py --program build/bin/cardiomm --work FOLDER [--threads N] [--only REGEX]

Data: the phantom, a real short-axis cine (magnitudes of the shared data, with simulated coils and phase), and real
coil images of a brain. Maps are our ESPIRiT's for both; the truth is the fully sampled image combined by them.
Needs NumPy and BART; the real data are looked for in $CARDIOMM_SHARED, then ../shared.
"""
import argparse, os, re, subprocess, sys, time
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument('--program', default='build/bin/cardiomm')
arguments.add_argument('--work', required=True)
arguments.add_argument('--threads', type=int, default=1)
arguments.add_argument('--only', default='')
a = arguments.parse_args()
program = os.path.abspath(a.program)
shared = os.environ.get('CARDIOMM_SHARED') or os.path.join(here, '..', '..', '..', 'shared')
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


def bart(images, *options):
    """(image, seconds) of a command of BART that writes peer.cfl."""
    seconds = run('bart', *options)
    return np.fromfile('peer.cfl', np.complex64).reshape(images), seconds


def write_cfl(name, x, dimensions):
    x.astype(np.complex64).tofile(name + '.cfl')
    with open(name + '.hdr', 'w') as header:
        header.write('# Dimensions\n' + ' '.join(map(str, dimensions + [1] * (16 - len(dimensions)))) + '\n')




def width(pixels, frames, blocks):
    """What BART multiplies the weight of blocks by."""
    return np.sqrt(pixels) + np.sqrt(frames) + np.sqrt(np.log(blocks * min(pixels, frames)))


rows = []
for name, make, pattern in (('phantom', phantom, ('kt-gaussian', 6, 16)), ('cine', cine, ('kt-gaussian', 6, 16)),
                            ('brain', brain, ('uniform', 3, 24))):
    full = make()
    frames, coils, ny, nx = full.shape
    np.save('full.npy', full)
    run(program, 'mask', '--pattern', pattern[0], '--acceleration', pattern[1], '--acs', pattern[2], '--shape',
        f'{frames},{ny},{nx}', '--seed', 1, '--out', 'mask.npy')
    mask = np.load('mask.npy').reshape(-1, 1, ny, nx)
    np.save('und.npy', (full * mask).astype(np.complex64))
    run(program, 'maps', '--kspace', 'full.npy', '--out', 'maps.npy')
    run(program, 'recon', '--method', 'zf', '--kspace', 'full.npy', '--maps', 'maps.npy', '--out', 'truth.npy')
    write_cfl('und', np.load('und.npy'), [nx, ny, 1, coils, 1, 1, 1, 1, 1, 1, frames])
    write_cfl('maps', np.load('maps.npy'), [nx, ny, 1, coils])
    shape = (frames, ny, nx)
    truth = np.load('truth.npy').reshape(shape)
    blocks = -(-ny // 8) * -(-nx // 8)
    pics = ['pics', '-S', '-w1']
    end = ['und', 'maps', 'peer']
    series = [
        ('tv time', ['--method', 'tv', '--lambda', 0.005, '--iterations', 15],
         pics + ['-m', '-i20', '-C5', '-RT:1024:0:0.005'] + end),
        ('ktsparse', ['--method', 'ktsparse', '--lambda', 0.005], pics + ['-i30', '-RF:1024:0:0.005'] + end),
        ('llr', ['--method', 'llr', '--lambda', 0.05],
         pics + ['-i30', '-b8', '-n', '-RL:3:3:%g' % (0.05 / width(64, frames, blocks))] + end),
        ('lps', ['--method', 'lps', '--lambda', 0.005], None),
    ] if frames > 1 else []
    methods = [
        ('zf', ['--method', 'zf'], None),
        ('sense', ['--method', 'sense', '--lambda', 0.01], pics + ['-i30', '-l2', '-r0.01'] + end),
        ('l1wavelet', ['--method', 'l1wavelet', '--lambda', 0.005], pics + ['-i30', '-n', '-RW:3:0:0.005'] + end),
        ('tv space', ['--method', 'tv', '--tv', 'space', '--lambda', 0.005],
         pics + ['-m', '-i20', '-C5', '-RT:3:0:0.005'] + end),
    ] + series
    if frames == 1:
        methods += [('grappa', ['--method', 'grappa', '--maps', 'maps.npy'], None),
                    ('nlinv', ['--method', 'nlinv', '--iterations', 9], ['nlinv', '-S', '-i9', 'und', 'peer'])]
    for method, options, peer in methods:
        if not re.search(a.only, f'{name} {method}'):
            continue
        given = [] if method in ('nlinv', 'grappa') else ['--maps', 'maps.npy']
        ours_s = run(program, 'recon', '--kspace', 'und.npy', '--mask', 'mask.npy', '--threads', a.threads, *given, *options,
                     '--out', 'ours.npy')
        ours = np.load('ours.npy').reshape(shape)
        theirs, theirs_s = bart(shape, *peer) if peer else (None, None)

        def nmse(x):  # of magnitudes; the joint estimate of maps leaves a scale open
            t, m = abs(truth), abs(x)
            s = (t * m).sum() / (m * m).sum() if method == 'nlinv' else 1
            return ((s * m - t) ** 2).sum() / (t ** 2).sum()
        line = f'| {name} | {method} | {nmse(ours):.5f} | {ours_s:.2f} |'
        line += f' {nmse(theirs):.5f} | {theirs_s:.2f} |' if peer else ' | |'
        rows.append(line)
        print(line, flush=True)
