# SPDX-License-Identifier: Apache-2.0
#
# FetchContent of a git repository with the library's files, made here: the source tree may be no
# checkout, and nothing uses the network.
find_program(GIT git)
if(NOT GIT)
  skip("git, to try FetchContent of a repository")
  return()
endif()
file(MAKE_DIRECTORY "${work}/upstream")
file(COPY "${SOURCE}/include" "${SOURCE}/cmake" "${SOURCE}/CMakeLists.txt" "${SOURCE}/LICENSE"
     DESTINATION "${work}/upstream")
set(git "${GIT}" -C "${work}/upstream" -c user.name=tests -c user.email=tests@localhost
        -c init.defaultBranch=main -c commit.gpgsign=false)
run(${git} init -q)
run(${git} add -A -f)
run(${git} commit -q -m "the library")
use(fetchcontent -D "CARDIOMM_GIT=file://${work}/upstream")
