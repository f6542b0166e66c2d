# How tests are declared. Every ctest runs under tests/support/guard; GoogleTest binaries leave
# their counts in test-results/<name>.xml, from which ./dev test makes its last line.
set(LAMELLAR_TEST_RESULTS ${PROJECT_BINARY_DIR}/test-results)
set(LAMELLAR_GUARD ${PROJECT_SOURCE_DIR}/tests/support/guard)
file(MAKE_DIRECTORY ${LAMELLAR_TEST_RESULTS})

add_custom_target(concurrent_tests)

# lamellar_test_flags: the same for every test, or the precompiled header could not be shared.
add_library(lamellar_test_flags INTERFACE)
target_link_libraries(lamellar_test_flags INTERFACE lamellar_flags GTest::gtest)
target_include_directories(lamellar_test_flags INTERFACE ${PROJECT_SOURCE_DIR}/tests)
target_compile_definitions(lamellar_test_flags INTERFACE
  LAMELLAR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")

add_library(lamellar_test_pch OBJECT ${PROJECT_SOURCE_DIR}/tests/support/test_pch.cpp)
target_link_libraries(lamellar_test_pch PRIVATE lamellar_test_flags)
target_precompile_headers(lamellar_test_pch PRIVATE
  ${PROJECT_SOURCE_DIR}/tests/support/test_pch.hpp)
set_target_properties(lamellar_test_pch PROPERTIES CXX_EXTENSIONS OFF)

# lamellar_add_guarded(<ctest name> <seconds> <labels> <command>...): any command as a test.
function(lamellar_add_guarded name seconds labels)
  add_test(NAME ${name} COMMAND ${LAMELLAR_GUARD} ${seconds} ${ARGN})
  math(EXPR limit "${seconds} * 10 + 30")
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${limit})
endfunction()

# lamellar_test(<name> SOURCES <file>... [LABELS unit|multi|concurrent...] [LIBS <target>...]
#               [ARGS <argument>...] [SECONDS <n>] [NO_PCH])
# A GoogleTest executable, run as ctest <name>. The label concurrent means: ./dev test runs it five
# times, CI runs it under the sanitizers too, soak repeats it.
# Default LIBS: Lamellar::lamellar GTest::gtest_main.
function(lamellar_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NO_PCH" "SECONDS" "SOURCES;LABELS;LIBS;ARGS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "lamellar_test(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_LIBS)
    set(arg_LIBS Lamellar::lamellar GTest::gtest_main)
  endif()
  if(NOT arg_SECONDS)
    set(arg_SECONDS 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} lamellar_test_flags)
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  if(NOT arg_NO_PCH)
    target_precompile_headers(${name} REUSE_FROM lamellar_test_pch)
  endif()
  if("concurrent" IN_LIST arg_LABELS)
    add_dependencies(concurrent_tests ${name})
  endif()
  lamellar_add_guarded(${name} ${arg_SECONDS} "${arg_LABELS}" $<TARGET_FILE:${name}> ${arg_ARGS}
    --gtest_output=xml:${LAMELLAR_TEST_RESULTS}/${name}.xml)
endfunction()

# lamellar_use_network_module(<test>): linked from the rooms' objects, it finds the module in the
# build folder all the same.
function(lamellar_use_network_module name)
  add_dependencies(${name} lamellar_ofi)
  set_target_properties(${name} PROPERTIES BUILD_RPATH ${PROJECT_BINARY_DIR})
  # A sanitizer's dlopen is called from its own library, which has another path.
  if(LAMELLAR_SANITIZE)
    set_property(TEST ${name} APPEND PROPERTY
      ENVIRONMENT LD_LIBRARY_PATH=${PROJECT_BINARY_DIR})
  endif()
endfunction()
