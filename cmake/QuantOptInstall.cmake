# Install rules and the CMake package (find_package(QuantOpt)).
include(CMakePackageConfigHelpers)

install(DIRECTORY include/QuantOpt ${PROJECT_BINARY_DIR}/include/QuantOpt
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc"
        PATTERN "CMakeFiles" EXCLUDE)
install(EXPORT QuantOptTargets NAMESPACE QuantOpt::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/QuantOpt)
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/QuantOptConfig.cmake.in
  ${PROJECT_BINARY_DIR}/QuantOptConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/QuantOpt)
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/QuantOptConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/QuantOptConfig.cmake
              ${PROJECT_BINARY_DIR}/QuantOptConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/QuantOpt)
