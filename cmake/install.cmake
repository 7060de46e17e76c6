# SPDX-License-Identifier: MIT
# Library, header, pkg-config file, CMake package, and the program where it is built.
install(TARGETS lockstep EXPORT lockstep-targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        PUBLIC_HEADER DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET lockstep_program)
  install(TARGETS lockstep_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET lockstep_helper)
  install(TARGETS lockstep_helper RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/lockstep)
endif()
if(TARGET lockstep_mpi)
  install(TARGETS lockstep_mpi LIBRARY DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/lockstep)
endif()

# The pkg-config file finds its prefix relative to itself: an installation can be moved.
string(REGEX REPLACE "[^/]+" ".." LOCKSTEP_PC_UP "${CMAKE_INSTALL_LIBDIR}")
set(needs ${JANSSON_MODULE_NAME} ${ZLIB_MODULE_NAME})
if(needs)
  string(REPLACE ";" ", " needs "${needs}")
  set(LOCKSTEP_PC_REQUIRES "Requires.private: ${needs}")
endif()
configure_file(cmake/lockstep.pc.in lockstep.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lockstep.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
configure_package_config_file(cmake/lockstep-config.cmake.in lockstep-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(lockstep-config-version.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT lockstep-targets NAMESPACE lockstep:: DESTINATION ${package})
install(FILES ${PROJECT_BINARY_DIR}/lockstep-config.cmake ${PROJECT_BINARY_DIR}/lockstep-config-version.cmake
        DESTINATION ${package})
