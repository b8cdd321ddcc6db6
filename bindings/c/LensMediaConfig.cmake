# find_package(LensMedia 1 REQUIRED)
# target_link_libraries(app PRIVATE LensMedia::lens_media)            the shared library
# target_link_libraries(app PRIVATE LensMedia::lens_media_static)     everything inside
get_filename_component(LensMedia_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET LensMedia::lens_media)
  add_library(LensMedia::lens_media SHARED IMPORTED)
  set_target_properties(LensMedia::lens_media PROPERTIES
    IMPORTED_LOCATION "${LensMedia_PREFIX}/lib/liblens_media.so.1"
    IMPORTED_SONAME "liblens_media.so.1"
    INTERFACE_INCLUDE_DIRECTORIES "${LensMedia_PREFIX}/include")
endif()

if(NOT TARGET LensMedia::lens_media_static AND EXISTS "${LensMedia_PREFIX}/lib/liblens_media.a")
  find_package(Threads REQUIRED)
  add_library(LensMedia::lens_media_static STATIC IMPORTED)
  set_target_properties(LensMedia::lens_media_static PROPERTIES
    IMPORTED_LOCATION "${LensMedia_PREFIX}/lib/liblens_media.a"
    INTERFACE_LINK_LIBRARIES "gcc_s;util;rt;Threads::Threads;m;${CMAKE_DL_LIBS}"
    INTERFACE_INCLUDE_DIRECTORIES "${LensMedia_PREFIX}/include")
endif()

set(LensMedia_FOUND TRUE)
