# liblamellar.so from the rooms' objects; the same objects as a bundle for unit tests and tools;
# installation.
get_property(room_targets GLOBAL PROPERTY LAMELLAR_ROOM_TARGETS)
get_property(room_packages GLOBAL PROPERTY LAMELLAR_ROOM_PACKAGES)
list(REMOVE_DUPLICATES room_packages)
set(room_objects "")
foreach(target IN LISTS room_targets)
  list(APPEND room_objects $<TARGET_OBJECTS:${target}>)
endforeach()

add_library(lamellar SHARED ${room_objects})
add_library(Lamellar::lamellar ALIAS lamellar)
set_target_properties(lamellar PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LINKER_LANGUAGE CXX CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
target_include_directories(lamellar PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(lamellar PUBLIC cxx_std_20)
target_link_libraries(lamellar PUBLIC cereal::cereal Threads::Threads)
# An active message's type is known by the build id of the object that registers it.
target_link_options(lamellar PUBLIC LINKER:--build-id=sha1)
if(NOT LAMELLAR_SANITIZE)
  target_link_options(lamellar PRIVATE LINKER:-z,defs)
endif()
_lamellar_use_packages(lamellar PRIVATE ${room_packages})

# lamellar_internal: the rooms' objects and every include root, hidden symbols in reach.
add_library(lamellar_internal INTERFACE)
target_link_libraries(lamellar_internal INTERFACE ${room_objects} lamellar_flags)
target_link_options(lamellar_internal INTERFACE LINKER:--build-id=sha1)
_lamellar_use_packages(lamellar_internal INTERFACE ${room_packages})

include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Lamellar)
configure_package_config_file(cmake/LamellarConfig.cmake.in
  ${PROJECT_BINARY_DIR}/LamellarConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/LamellarConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(TARGETS lamellar EXPORT LamellarTargets)
install(EXPORT LamellarTargets NAMESPACE Lamellar:: DESTINATION ${package_folder})
install(FILES ${PROJECT_BINARY_DIR}/LamellarConfig.cmake
  ${PROJECT_BINARY_DIR}/LamellarConfigVersion.cmake DESTINATION ${package_folder})
install(DIRECTORY include/lamellar DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.hpp")

# lamellar.pc finds the package from where it lies itself, so that the prefix may be moved.
set(pc_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  file(RELATIVE_PATH prefix_from_pc ${pc_folder} ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH prefix_from_pc /prefix/${pc_folder} /prefix)
endif()
string(REGEX REPLACE "/$" "" prefix_from_pc ${prefix_from_pc})
foreach(folder libdir includedir)
  string(TOUPPER CMAKE_INSTALL_${folder} variable)
  if(IS_ABSOLUTE ${${variable}})
    set(pc_${folder} ${${variable}})
  else()
    set(pc_${folder} "\${prefix}/${${variable}}")
  endif()
endforeach()
configure_file(cmake/lamellar.pc.in ${PROJECT_BINARY_DIR}/lamellar.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lamellar.pc DESTINATION ${pc_folder})
