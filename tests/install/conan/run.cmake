# SPDX-License-Identifier: Apache-2.0
#
# conan create with its test_package, in a Conan home of its own and without any remote: the recipes of
# packaging/conan/system stand for the upstream packages.
find_program(CONAN conan HINTS "$ENV{CARDIOMM_CONAN}")
find_program(PKG_CONFIG NAMES pkg-config pkgconf)
if(CONAN)
  execute_process(COMMAND "${CONAN}" --version OUTPUT_VARIABLE version ERROR_QUIET)
endif()
if(NOT CONAN OR NOT version MATCHES "version 2\\." OR NOT PKG_CONFIG)
  skip("Conan 2 (./dev packages installs it)")
  return()
endif()
file(GLOB kokkos /usr/include/kokkos/KokkosCore_config.h /usr/include/trilinos/KokkosCore_config.h)
if(NOT kokkos)
  skip("the distribution's Kokkos, which the local Conan recipe wraps")
  return()
endif()
set(ENV{CONAN_HOME} "${work}/home")
set(ENV{CXX} "${COMPILER}")
if(CCACHE)
  set(ENV{CMAKE_CXX_COMPILER_LAUNCHER} "${CCACHE}")
endif()
run("${CONAN}" profile detect)
run("${CONAN}" remote disable "*")
foreach(name kokkos xsimd fftw openblas zlib libpng xtensor)
  run("${CONAN}" export "${SOURCE}/packaging/conan/system" --name=${name})
endforeach()
set(create "${CONAN}" create "${SOURCE}/packaging/conan" --build=missing
           -c tools.cmake.cmaketoolchain:generator=${GENERATOR}
           -c "tools.cmake.cmake_layout:test_folder=${work}/test")

run_fails("cppstd .17. is lower than the required C.. standard .20." ${create} -s compiler.cppstd=17)
run(${create} -s compiler.cppstd=20)

# A header-only package is one package, whatever the settings and the options.
run(${create} -s compiler.cppstd=20 -s build_type=Debug -o "cardiomm/*:with_fftw=False"
    -o "cardiomm/*:with_lapack=True" --test-folder=)
execute_process(COMMAND "${CONAN}" list "cardiomm/*:*" --format=json OUTPUT_VARIABLE list ERROR_QUIET)
string(REGEX MATCHALL "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"" found "${list}")
string(REGEX MATCHALL "\"[0-9a-f]+\": *{[^{}]*\"info\"" all "${list}")
list(LENGTH found cleared)
list(LENGTH all packages)
if(NOT cleared EQUAL 1 OR NOT packages EQUAL 1)
  message(FATAL_ERROR "expected one package whose id is that of no settings, found:\n${list}")
endif()
