# SPDX-License-Identifier: Apache-2.0
#
# What `cmake --install` puts where. Components: development (headers, CMake and pkg-config files) and
# program.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(_to "${CMAKE_INSTALL_DATADIR}/cmake/cardiomm")  # no library in it: independent of the machine
set(CARDIOMM_PKGCONFIG_DIR "${CMAKE_INSTALL_LIBDIR}/pkgconfig" CACHE STRING
    "Where the .pc files go, below the prefix; empty: nowhere")
mark_as_advanced(CARDIOMM_PKGCONFIG_DIR)

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/cardiomm" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        COMPONENT development FILES_MATCHING PATTERN "*.hpp")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}"
        COMPONENT development)

# One file of targets a component of find_package, because each needs other libraries.
install(TARGETS cardiomm EXPORT cardiomm)
install(EXPORT cardiomm NAMESPACE cardiomm:: FILE cardiomm-targets.cmake DESTINATION "${_to}"
        COMPONENT development)
foreach(_component mpi formats)
  if(TARGET cardiomm_${_component})
    install(TARGETS cardiomm_${_component} EXPORT cardiomm-${_component})
    install(EXPORT cardiomm-${_component} NAMESPACE cardiomm::
            FILE cardiomm-${_component}-targets.cmake DESTINATION "${_to}" COMPONENT development)
  endif()
endforeach()

# This spelling serves find_package(cardiomm) and find_package(Cardiomm).
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/CardiommConfig.cmake.in"
                              cardiomm-config.cmake INSTALL_DESTINATION "${_to}")
write_basic_package_version_file(cardiomm-config-version.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/cardiomm-config.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/cardiomm-config-version.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/CardiommFormats.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/CardiommKokkos.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindCUDNN.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindFFTW.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/instances.cmake"
        DESTINATION "${_to}" COMPONENT development)

if(CARDIOMM_PKGCONFIG_DIR)
  include(CardiommPkgConfig)
  cardiomm_pkg_config(cardiomm "${PROJECT_DESCRIPTION}" cardiomm)
  if(TARGET cardiomm_mpi)
    cardiomm_pkg_config(cardiomm-mpi "cardiomm with MPI behind dist/" cardiomm_mpi
                        REQUIRES "cardiomm = ${PROJECT_VERSION}")
  endif()
  cardiomm_pkg_config(cardiomm-formats "cardiomm with the libraries of file formats behind io/"
                      cardiomm_formats REQUIRES "cardiomm = ${PROJECT_VERSION}")
endif()

if(TARGET cardiomm_program)
  # A Kokkos or MPI outside of the system's folders is found again by the installed program.
  set_target_properties(cardiomm_program PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS cardiomm_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
endif()
