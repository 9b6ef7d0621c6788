# SPDX-License-Identifier: Apache-2.0
"""The distribution's packages as Conan packages, for machines without a remote.

One recipe for all: conan export packaging/conan/system --name=fftw. It builds and copies nothing; the
version is that of the installed package.
"""
import glob
import os
import re
import subprocess

from conan import ConanFile
from conan.errors import ConanException

required_conan_version = ">=2.0"

# name: (Debian's package, pkg-config's module or header with a version, folders of headers, libraries)
KNOWN = {
    "kokkos": ("libtrilinos-kokkos-dev or libkokkos-dev", "KokkosCore_config.h", ["kokkos", "trilinos"],
               ["kokkoscontainers|trilinos_kokkoscontainers", "kokkoscore|trilinos_kokkoscore", "dl"]),
    "xsimd": ("libxsimd-dev", "xsimd", [], []),
    "xtensor": ("libxtensor-dev", "xtensor", [], []),
    "fftw": ("libfftw3-dev", "fftw3f", [], ["fftw3f", "fftw3"]),
    # any LAPACK of the distribution stands for it, and its own version means nothing here
    "openblas": ("liblapack-dev", "=0.3.99", [], ["lapack", "blas"]),
    "zlib": ("zlib1g-dev", "zlib", [], ["z"]),
    "libpng": ("libpng-dev", "libpng", ["libpng16"], ["png16"]),
}


class System(ConanFile):
    description = "A package of the distribution"
    package_type = "shared-library"
    settings = "os", "arch"
    options = {"build_lapack": [True, False]}
    default_options = {"build_lapack": False}

    def _known(self):
        if self.name not in KNOWN:
            raise ConanException(f"system recipe: --name={self.name}: expected one of {', '.join(KNOWN)}")
        return KNOWN[self.name]

    def _folder(self, header):
        for folder in self._known()[2] + [""]:
            path = os.path.join("/usr/include", folder)
            if os.path.exists(os.path.join(path, header)):
                return path
        raise ConanException(f"{header} is not below /usr/include: install {self._known()[0]}")

    def set_version(self):
        package, module, _, _ = self._known()
        if module.startswith("="):
            self.version = module[1:]
            return
        if module.endswith(".h"):
            with open(os.path.join(self._folder(module), module), encoding="utf-8") as header:
                number = int(re.search(r"KOKKOS_VERSION\s+(\d+)", header.read()).group(1))
            self.version = f"{number // 10000}.{number // 100 % 100}.{number % 100}"
            return
        found = subprocess.run(["pkg-config", "--modversion", module], capture_output=True, text=True)
        if found.returncode:
            raise ConanException(f"pkg-config does not know {module}: install {package}")
        self.version = found.stdout.strip()

    def package_info(self):
        _, module, folders, libraries = self._known()
        for folders_of in (self.cpp_info.bindirs, self.cpp_info.libdirs, self.cpp_info.includedirs):
            folders_of.clear()
        if module.endswith(".h"):
            self.cpp_info.includedirs = [self._folder(module)]
        else:
            self.cpp_info.includedirs = [p for p in (f"/usr/include/{f}" for f in folders) if os.path.isdir(p)]
        for names in libraries:
            names = names.split("|")
            there = [n for n in names if glob.glob(f"/usr/lib*/lib{n}.so") + glob.glob(f"/usr/lib/*/lib{n}.so")]
            self.cpp_info.system_libs.append((there or names)[0])
        if self.name == "kokkos":
            self.cpp_info.system_libs.append("pthread")
            config = os.path.join(self._folder(module), module)
            with open(config, encoding="utf-8") as header:
                if re.search(r"define\s+KOKKOS_ENABLE_OPENMP\s*$", header.read(), re.MULTILINE):
                    self.cpp_info.cxxflags = self.cpp_info.exelinkflags = ["-fopenmp"]
            self.cpp_info.set_property("cmake_file_name", "Kokkos")
            self.cpp_info.set_property("cmake_target_name", "Kokkos::kokkos")
