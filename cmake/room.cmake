# Rooms: the units of the house. cmake/rooms.txt lists them in floor order.

# lamellar_flags carries what every compilation of this project shares.
add_library(lamellar_flags INTERFACE)
target_compile_features(lamellar_flags INTERFACE cxx_std_20)
target_include_directories(lamellar_flags INTERFACE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
target_compile_options(lamellar_flags INTERFACE -Wall -Wextra
  "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")
if(LAMELLAR_WERROR)
  target_compile_options(lamellar_flags INTERFACE -Werror)
endif()
target_link_libraries(lamellar_flags INTERFACE cereal::cereal Threads::Threads)

# _lamellar_use_packages(<target> <visibility> [fmt|zlib|cereal|hwloc...]): by the names rooms use.
function(_lamellar_use_packages target visibility)
  foreach(package IN LISTS ARGN)
    if(package STREQUAL "fmt")
      find_package(fmt REQUIRED)
      target_link_libraries(${target} ${visibility} fmt::fmt)
    elseif(package STREQUAL "zlib")
      find_package(ZLIB REQUIRED)
      target_link_libraries(${target} ${visibility} ZLIB::ZLIB)
    elseif(package STREQUAL "gtest")
      find_package(GTest REQUIRED)
      target_link_libraries(${target} ${visibility} GTest::gtest)
    elseif(package STREQUAL "tbb")  # optional
      find_package(TBB QUIET)
      # oneTBB itself is not instrumented: the thread sanitizer would see races that are none.
      if(TBB_FOUND AND NOT LAMELLAR_SANITIZE STREQUAL "thread")
        target_link_libraries(${target} ${visibility} TBB::tbb)
        target_compile_definitions(${target} ${visibility} LAMELLAR_HAS_TBB)
      endif()
    elseif(package STREQUAL "dl")
      target_link_libraries(${target} ${visibility} ${CMAKE_DL_LIBS})
    elseif(package STREQUAL "hwloc")  # optional
      if(LAMELLAR_HAS_HWLOC)
        target_link_libraries(${target} ${visibility} PkgConfig::hwloc)
        target_compile_definitions(${target} ${visibility} LAMELLAR_HAS_HWLOC)
      endif()
    elseif(NOT package STREQUAL "cereal")
      message(FATAL_ERROR "${target}: unknown package '${package}' "
        "(known: cereal dl fmt gtest hwloc tbb zlib)")
    endif()
  endforeach()
endfunction()

# _lamellar_check_deps(<room> <dep>...): every dep was declared before this room, so it is below it.
function(_lamellar_check_deps room)
  get_property(declared GLOBAL PROPERTY LAMELLAR_ROOMS)
  foreach(dep IN LISTS ARGN)
    if(NOT dep IN_LIST declared)
      message(FATAL_ERROR "room '${room}' may not use '${dep}': it is not below it "
        "(the rooms below are: ${declared}; order: cmake/rooms.txt)")
    endif()
  endforeach()
endfunction()

# lamellar_room(<floor/room> [DEPS <lower room>...] [SOURCES <file>...]
#               [PACKAGES fmt|zlib|dl|gtest|hwloc...] [LIBRARY <target>])
# An OBJECT library that becomes part of liblamellar.so; hidden visibility, position independent.
# With LIBRARY it is a static library of that name on top of Lamellar::lamellar, made only with
# LAMELLAR_BUILD_TESTS (testing support that only tests link).
function(lamellar_room room)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LIBRARY" "DEPS;SOURCES;PACKAGES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "room '${room}': unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  get_property(expected GLOBAL PROPERTY LAMELLAR_CURRENT_ROOM)
  if(NOT room STREQUAL expected)
    message(FATAL_ERROR "room '${room}': its folder is that of '${expected}' (cmake/rooms.txt)")
  endif()
  _lamellar_check_deps(${room} ${arg_DEPS})
  set_property(GLOBAL APPEND PROPERTY LAMELLAR_ROOMS ${room})
  foreach(source IN LISTS arg_SOURCES)
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${source})
      message(WARNING "room '${room}': ${source} does not exist yet, left out")
      list(REMOVE_ITEM arg_SOURCES ${source})
    endif()
  endforeach()
  if(NOT arg_SOURCES OR (arg_LIBRARY AND NOT LAMELLAR_BUILD_TESTS))
    return()  # headers only, or not wanted: nothing to compile
  endif()
  if(arg_LIBRARY)
    set(target ${arg_LIBRARY})
    add_library(${target} STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
    target_link_libraries(${target} PUBLIC lamellar_flags Lamellar::lamellar)
    _lamellar_use_packages(${target} PUBLIC ${arg_PACKAGES})
  else()
    string(REPLACE "/" "_" target "room_${room}")
    add_library(${target} OBJECT ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE lamellar_flags)
    target_compile_definitions(${target} PRIVATE LAMELLAR_BUILDING)
    _lamellar_use_packages(${target} PRIVATE ${arg_PACKAGES})
    set_property(GLOBAL APPEND PROPERTY LAMELLAR_ROOM_TARGETS ${target})
    set_property(GLOBAL APPEND PROPERTY LAMELLAR_ROOM_PACKAGES ${arg_PACKAGES})
  endif()
  set_target_properties(${target} PROPERTIES
    POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    CXX_EXTENSIONS OFF)
  if(LAMELLAR_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
  endif()
endfunction()

# lamellar_tool(<tools/name> [DEPS <lower room>...] SOURCES <file>... [PACKAGES ...])
# An executable above the world. It is linked from the rooms' objects, so it sees internals.
function(lamellar_tool room)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPS;SOURCES;PACKAGES")
  _lamellar_check_deps(${room} ${arg_DEPS})
  get_filename_component(name ${room} NAME)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE lamellar_internal)
  _lamellar_use_packages(${name} PRIVATE ${arg_PACKAGES})
  set_target_properties(${name} PROPERTIES
    CXX_EXTENSIONS OFF RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  install(TARGETS ${name} RUNTIME)
endfunction()

# lamellar_add_rooms(<regex>): descends into the rooms that exist and whose names match, in floor
# order.
function(lamellar_add_rooms regex)
  file(STRINGS ${PROJECT_SOURCE_DIR}/cmake/rooms.txt lines REGEX "^[a-z]")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^([^ ]+) +([^ ]+)" matched "${line}")
    set(room ${CMAKE_MATCH_1})
    set(folder ${CMAKE_MATCH_2})
    if(room MATCHES "${regex}" AND EXISTS ${PROJECT_SOURCE_DIR}/${folder}/CMakeLists.txt)
      set_property(GLOBAL PROPERTY LAMELLAR_CURRENT_ROOM ${room})
      add_subdirectory(${PROJECT_SOURCE_DIR}/${folder} ${PROJECT_BINARY_DIR}/rooms/${room})
    endif()
  endforeach()
endfunction()

# Configures anew when the list changes or a room appears, and refuses a room that is not listed.
function(lamellar_check_room_folders)
  set(list ${PROJECT_SOURCE_DIR}/cmake/rooms.txt)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
  file(STRINGS ${list} lines REGEX "^[a-z]")
  list(TRANSFORM lines REPLACE "^[^ ]+ +" "")
  file(GLOB found CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/src/*/*/CMakeLists.txt ${PROJECT_SOURCE_DIR}/lamellae/*/CMakeLists.txt)
  list(TRANSFORM found REPLACE "/CMakeLists.txt$" "")
  list(REMOVE_ITEM found ${lines})
  if(found)
    message(FATAL_ERROR "room folders that are not in cmake/rooms.txt: ${found}")
  endif()
endfunction()
