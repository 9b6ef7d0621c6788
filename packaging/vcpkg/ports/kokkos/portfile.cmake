# SPDX-License-Identifier: Apache-2.0
#
# Empty: cardiomm finds the Kokkos of the machine by itself. Leave this port out where vcpkg has one.
message(STATUS "cardiomm takes the Kokkos of this machine: libkokkos-dev or libtrilinos-kokkos-dev, or "
               "one that CMAKE_PREFIX_PATH or Kokkos_ROOT names")
set(VCPKG_POLICY_EMPTY_PACKAGE enabled)
