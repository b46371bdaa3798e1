# cmake --install puts in place the program, and the library it is built on: every box below experiments, and exports, with its
# headers, a CMake package and a pkg-config file. A program uses the library by
#   find_package(espalier CONFIG REQUIRED)
#   target_link_libraries(PROGRAM PRIVATE espalier::training)
# or by `pkg-config --cflags --libs espalier`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# In the order in which a linker needs them.
set(installed_boxes exports training models peft data engine_optim engine_nn engine_ops engine_autograd engine_kernels engine_io
    engine_tensor engine_base)

install(TARGETS espalier RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${installed_boxes} espalier_options EXPORT espalierTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/espalier)
foreach(folder engine models peft data tools/training tools/exports)
  get_filename_component(above ${folder} DIRECTORY)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/espalier/${above}
          FILES_MATCHING PATTERN "*.h" PATTERN "*.def" PATTERN demo EXCLUDE
          PATTERN engine/kernels/simd EXCLUDE)  # compiled once per instruction set, with flags of its own
endforeach()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/espalier)
install(EXPORT espalierTargets NAMESPACE espalier:: DESTINATION ${package})
set(espalier_dependencies "")
if(ESPALIER_TIFF)
  set(espalier_dependencies "find_dependency(TIFF)\n")
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/espalierConfig.cmake.in ${PROJECT_BINARY_DIR}/espalierConfig.cmake
                              INSTALL_DESTINATION ${package})
# Before 1.0 every version may change names in C++, so a program asks for exactly the one it was written against.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/espalierConfigVersion.cmake COMPATIBILITY ExactVersion)
install(FILES ${PROJECT_BINARY_DIR}/espalierConfig.cmake ${PROJECT_BINARY_DIR}/espalierConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/FindSnappy.cmake ${CMAKE_CURRENT_LIST_DIR}/FindZstd.cmake
              ${CMAKE_CURRENT_LIST_DIR}/FindWebP.cmake
        DESTINATION ${package})

# Its paths start at its own place, so that `cmake --install --prefix` may put it anywhere.
set(pkg_config_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH up_to_prefix /${pkg_config_folder} /)
string(REGEX REPLACE "/$" "" up_to_prefix "${up_to_prefix}")
list(TRANSFORM installed_boxes PREPEND "-lespalier_" OUTPUT_VARIABLE pkg_config_libraries)
list(JOIN pkg_config_libraries " " pkg_config_libraries)
configure_file(${CMAKE_CURRENT_LIST_DIR}/espalier.pc.in ${PROJECT_BINARY_DIR}/espalier.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/espalier.pc DESTINATION ${pkg_config_folder})
