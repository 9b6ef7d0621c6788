# SPDX-License-Identifier: Apache-2.0
"""Conan 2 recipe. From a checkout: conan create packaging/conan -s compiler.cppstd=20 --build=missing"""
import os
import re
import shutil

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"

# option: (default, requirement, what else the requirement needs to be asked)
OPTIONAL = {
    "with_xsimd": (True, "xsimd/[>=8 <15]", {}),
    "with_fftw": (True, "fftw/[>=3.3.8 <4]", {}),
    "with_lapack": (False, "openblas/[>=0.3.20 <1]", {"build_lapack": True}),
    "with_zlib": (True, "zlib/[>=1.2.11 <2]", {}),
    "with_png": (True, "libpng/[>=1.6 <2]", {}),
    "with_xtensor": (True, "xtensor/[>=0.24 <0.28]", {}),
    "with_mpi": (False, "openmpi/[>=4.1 <6]", {}),
    "with_hdf5": (False, "hdf5/[>=1.10 <2]", {}),
    "with_matio": (False, "matio/[>=1.5.23 <2]", {}),
    "with_dcmtk": (False, "dcmtk/[>=3.6.7 <4]", {}),
}
BASE = ("xsimd", "fftw", "lapack", "zlib", "png", "xtensor")
FORMATS = ("hdf5", "matio", "dcmtk")  # ISMRMRD has no recipe


class Cardiomm(ConanFile):
    name = "cardiomm"
    license = "Apache-2.0"
    description = "Cardiac MR from k-space to images: a header-only C++20 library over Kokkos"
    topics = ("mri", "reconstruction", "cardiac", "kokkos", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {name: [True, False] for name in OPTIONAL}
    default_options = {name: default for name, (default, _, _) in OPTIONAL.items()}
    no_copy_source = True

    def set_version(self):
        config = load(self, os.path.join(self._root, "include", "cardiomm", "core", "config.hpp"))
        self.version = re.search(r'CARDIOMM_VERSION_STRING "([^"]+)"', config).group(1)

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def _has(self, name):
        return bool(self.options.get_safe(f"with_{name}"))

    def export_sources(self):
        to = self.export_sources_folder
        copy(self, "*.hpp", os.path.join(self._root, "include"), os.path.join(to, "include"))
        shutil.copy2(os.path.join(self._root, "LICENSE"), to)  # copy() would walk all of a checkout

    def layout(self):
        basic_layout(self)

    def requirements(self):
        self.requires("kokkos/[>=3.4 <6]", transitive_headers=True, transitive_libs=True)
        for option, (_, reference, options) in OPTIONAL.items():
            if self.options.get_safe(option):
                self.requires(reference, options=options, transitive_headers=True, transitive_libs=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"),
             os.path.join(self.package_folder, "include"))

    def package_id(self):
        self.info.clear()  # the same headers for all settings and options

    def package_info(self):
        packages = {name: OPTIONAL[f"with_{name}"][1].split("/")[0] for name in BASE + FORMATS}
        whole = lambda names: [f"{packages[n]}::{packages[n]}" for n in names if self._has(n)]
        flags = lambda names: [f"CARDIOMM_HAS_{n.upper()}={int(self._has(n))}" for n in names]
        self.cpp_info.set_property("cmake_file_name", "cardiomm")
        self.cpp_info.set_property("cmake_target_name", "cardiomm::all")

        core = self.cpp_info.components["core"]
        core.set_property("cmake_target_name", "cardiomm::cardiomm")
        core.set_property("pkg_config_name", "cardiomm")
        core.defines = flags(BASE) + ["CARDIOMM_HAS_CUFFT=0", "CARDIOMM_HAS_HIPFFT=0"]
        core.requires = ["kokkos::kokkos"] + whole(BASE)

        formats = self.cpp_info.components["formats"]
        formats.set_property("cmake_target_name", "cardiomm::formats")
        formats.set_property("pkg_config_name", "cardiomm-formats")
        formats.defines = flags(FORMATS) + ["CARDIOMM_HAS_ISMRMRD=0"]
        formats.requires = ["core"] + whole(FORMATS)

        if self._has("mpi"):
            mpi = self.cpp_info.components["mpi"]
            mpi.set_property("cmake_target_name", "cardiomm::mpi")
            mpi.set_property("pkg_config_name", "cardiomm-mpi")
            mpi.defines = ["CARDIOMM_HAS_MPI=1"]
            mpi.requires = ["core", "openmpi::openmpi"]
        for component in self.cpp_info.components.values():
            component.bindirs = []
            component.libdirs = []
