# SPDX-License-Identifier: Apache-2.0
#
# Each story of examples/ built alone, by find_package of an installation, as whoever copies its folder
# does; what it prints is compared with docs/examples.md.
install_to("${work}/moved here")
file(GLOB stories RELATIVE "${SOURCE}/examples" "${SOURCE}/examples/*/CMakeLists.txt")
foreach(story IN LISTS stories)
  get_filename_component(story "${story}" DIRECTORY)
  file(COPY "${SOURCE}/examples/${story}" DESTINATION "${work}/copied")
  run("${CMAKE_COMMAND}" -S "${work}/copied/${story}" -B "${work}/build/${story}" ${options}
      -D "CMAKE_PREFIX_PATH=${work}/moved here")
  run("${CMAKE_COMMAND}" --build "${work}/build/${story}")
  set(programs ${story})
  if(story STREQUAL "other_buffers")
    set(programs with_eigen with_opencv with_itk)
  endif()
  foreach(program IN LISTS programs)
    if(EXISTS "${work}/build/${story}/${program}")
      run(sh "${SOURCE}/examples/compare_output.sh" "${SOURCE}/docs/examples.md" ${program}
          "${work}/build/${story}/${program}")
    else()
      skip("examples/${program}: its library was not found")
    endif()
  endforeach()
endforeach()
