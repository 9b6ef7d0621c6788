# SPDX-License-Identifier: Apache-2.0
#
# find_package of an installation that was moved, with all components that it has, and the program.
install_to("${work}/moved here")
set(components formats)
if(EXISTS "${work}/moved here/share/cmake/cardiomm/cardiomm-mpi-targets.cmake")
  list(APPEND components mpi)
endif()
use(package -D "CMAKE_PREFIX_PATH=${work}/moved here" "-DCOMPONENTS=${components}")
run("${work}/build/components")

if(EXISTS "${PROGRAM}")
  run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${work}/installed" --component program)
  file(RENAME "${work}/installed" "${work}/moved program")
  run("${work}/moved program/bin/cardiomm" --version)
  if(NOT output MATCHES "^cardiomm [0-9]+\\.[0-9]+\\.[0-9]+")
    message(FATAL_ERROR "the installed program says: ${output}")
  endif()
endif()
