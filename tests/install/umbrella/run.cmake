# SPDX-License-Identifier: Apache-2.0
#
# The first unit of a newcomer: everything by one include, from an installation.
install_to("${work}/prefix")
list(APPEND options -D CMAKE_CXX_FLAGS_RELEASE=-O0)
use(umbrella -D "CMAKE_PREFIX_PATH=${work}/prefix")
