# SPDX-License-Identifier: Apache-2.0
#
# An overlay port: it lives in the repository, and installs the sources that it lies in. A port of
# its own elsewhere has vcpkg_from_git(OUT_SOURCE_PATH SOURCE_PATH URL ... REF ...) here instead.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../../.." ABSOLUTE)
if(NOT EXISTS "${SOURCE_PATH}/include/cardiomm/cardiomm.hpp")
  message(FATAL_ERROR "${PORT}: expected the sources of cardiomm in ${SOURCE_PATH}; use the port where "
                      "it lies in the repository (--overlay-ports=cardiomm/packaging/vcpkg/ports)")
endif()
set(VCPKG_BUILD_TYPE release)  # header-only: debug would install the same files

vcpkg_check_features(OUT_FEATURE_OPTIONS FEATURE_OPTIONS
  FEATURES
    fftw CARDIOMM_WITH_FFTW
    formats CARDIOMM_WITH_FORMATS
    lapack CARDIOMM_WITH_LAPACK
    mpi CARDIOMM_WITH_MPI
    png CARDIOMM_WITH_PNG
    xtensor CARDIOMM_WITH_XTENSOR
    zlib CARDIOMM_WITH_ZLIB)

# No .pc files: they would name folders of this machine's packages.
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    -DCARDIOMM_TESTS=OFF
    -DCARDIOMM_EXAMPLES=OFF
    -DCARDIOMM_PKGCONFIG_DIR=
    ${FEATURE_OPTIONS})
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME cardiomm CONFIG_PATH share/cmake/cardiomm)

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/doc")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
