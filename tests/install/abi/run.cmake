# SPDX-License-Identifier: Apache-2.0
#
# Different lanes in one program: right results, and no function of the library that they share.
execute_process(COMMAND "${COMPILER}" -march=x86-64-v3 -E -x c++ /dev/null RESULT_VARIABLE result
                OUTPUT_QUIET ERROR_QUIET)
if(NOT result EQUAL 0)
  skip("a compiler for x86-64 that knows -march=x86-64-v3")
  return()
endif()
install_to("${work}/full")
# Without any optional library; configured like a user would.
set(without)
foreach(name FFTW LAPACK XSIMD ZLIB PNG XTENSOR MPI FORMATS)
  list(APPEND without -D CARDIOMM_WITH_${name}=OFF)
endforeach()
run("${CMAKE_COMMAND}" -S "${SOURCE}" -B "${work}/bare-build" ${options} ${without}
    -D CARDIOMM_TESTS=OFF -D CARDIOMM_EXAMPLES=OFF)
run("${CMAKE_COMMAND}" --install "${work}/bare-build" --prefix "${work}/bare")
use(abi -D "FULL_PREFIX=${work}/full" -D "BARE_PREFIX=${work}/bare")

find_program(NM nm)
if(NOT NM)
  skip("nm, to compare the symbols of the libraries")
  return()
endif()
set(seen)
set(total 0)
foreach(name full/libwide full/libnarrow bare/libportable)
  execute_process(COMMAND "${NM}" --defined-only "${work}/build/${name}.a" OUTPUT_VARIABLE symbols
                  COMMAND_ERROR_IS_FATAL ANY)
  # functions and data of namespace cardiomm as they are mangled: 8cardiomm
  string(REGEX MATCHALL "_Z[A-Za-z0-9_]*8cardiomm[A-Za-z0-9_]*" symbols "${symbols}")
  list(REMOVE_DUPLICATES symbols)
  list(LENGTH symbols count)
  if(count LESS 20)
    message(FATAL_ERROR "${name}: only ${count} symbols of the library")
  endif()
  math(EXPR total "${total} + ${count}")
  list(APPEND seen ${symbols})
endforeach()
list(REMOVE_DUPLICATES seen)
list(LENGTH seen different)
if(NOT different EQUAL total)
  math(EXPR shared "${total} - ${different}")
  message(FATAL_ERROR "${shared} of ${total} symbols of the library are shared")
endif()
message("${total} symbols of the library in three libraries, none shared")
