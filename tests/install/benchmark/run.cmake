# SPDX-License-Identifier: Apache-2.0
#
# The suite of docs/benchmarks.md, bench/own, against an installation: built, run, and its report
# compared with itself.
file(WRITE "${work}/probe.cpp" "#include <benchmark/benchmark.h>\n")
execute_process(COMMAND "${COMPILER}" -std=c++20 -E "${work}/probe.cpp" OUTPUT_QUIET ERROR_QUIET
                RESULT_VARIABLE missing)
if(missing)
  skip("Google Benchmark (libbenchmark-dev), for a suite of one's own")
  return()
endif()
install_to("${work}/moved here")
file(COPY "${SOURCE}/bench/own" DESTINATION "${work}")
run("${CMAKE_COMMAND}" -S "${work}/own" -B "${work}/build" ${options}
    -D "CMAKE_PREFIX_PATH=${work}/moved here")
run("${CMAKE_COMMAND}" --build "${work}/build")
run("${work}/build/my_solvers" --benchmark_min_time=0.001 --benchmark_repetitions=2
    "--benchmark_out=${work}/own.json" --benchmark_out_format=json)
foreach(name cg/n:5 cg/n:20 mine/n:5 mine/n:20)
  file(READ "${work}/own.json" report)
  string(FIND "${report}" "\"${name}/real_time\"" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "no ${name} in ${report}")
  endif()
endforeach()
find_program(PYTHON python3)
if(PYTHON)
  run("${PYTHON}" -B "${SOURCE}/bench/compare.py" own.json own.json --all)
  string(FIND "${output}" "4 compared: 0 slower" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "compare.py says: ${output}")
  endif()
endif()
