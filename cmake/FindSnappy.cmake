# Google's Snappy: Snappy::snappy. Distributions do not agree on a CMake package of its own.
find_path(Snappy_INCLUDE_DIR snappy-c.h)
find_library(Snappy_LIBRARY snappy)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Snappy REQUIRED_VARS Snappy_LIBRARY Snappy_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Debian and Ubuntu have it in libsnappy-dev")
if(Snappy_FOUND AND NOT TARGET Snappy::snappy)
  add_library(Snappy::snappy UNKNOWN IMPORTED)
  set_target_properties(Snappy::snappy PROPERTIES IMPORTED_LOCATION "${Snappy_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${Snappy_INCLUDE_DIR}")
endif()
mark_as_advanced(Snappy_INCLUDE_DIR Snappy_LIBRARY)
