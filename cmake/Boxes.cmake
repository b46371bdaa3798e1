# One library per box of the architecture. A box links only the boxes it may include, so that an include
# against the arrows fails to link, and tests/layers.cmake reads every #include besides.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_package(OpenMP REQUIRED COMPONENTS CXX)

# What every box is compiled with. Who uses the installed library gets the standard and the rounding that results depend
# on, and no warnings.
add_library(espalier_options INTERFACE)
target_include_directories(espalier_options INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
target_compile_features(espalier_options INTERFACE cxx_std_20)
target_compile_options(espalier_options INTERFACE
  "$<BUILD_INTERFACE:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion>" -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # false alarms on std::string in GCC 12 (GCC bug 105651)
  target_compile_options(espalier_options INTERFACE $<BUILD_INTERFACE:-Wno-restrict>)
endif()
if(ESPALIER_WERROR)
  target_compile_options(espalier_options INTERFACE $<BUILD_INTERFACE:-Werror>)
endif()

# espalier_box(name [USES box...] [LINKS library...] [EXCEPT file...]): a library of all .cpp files in the current folder
# and below it, but for some.
function(espalier_box name)
  cmake_parse_arguments(BOX "" "" "USES;LINKS;EXCEPT" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(TRANSFORM BOX_EXCEPT PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(REMOVE_ITEM sources "" ${BOX_EXCEPT})
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC espalier_options ${BOX_USES} PRIVATE ${BOX_LINKS})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME espalier_${name})
  espalier_precompile(${name} cmake/precompiled.h)
endfunction()

# espalier_precompile(name header): for a target. Files with flags of their own have to skip it.
function(espalier_precompile name header)
  if(ESPALIER_PRECOMPILE)
    target_precompile_headers(${name} PRIVATE ${PROJECT_SOURCE_DIR}/${header})
  endif()
endfunction()
