# Examples are user programs: each examples/<name>/ folder has its own CMakeLists.txt that links
# Lamellar::lamellar, each examples/<name>.cpp is a program of one file.
file(GLOB example_folders CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*/CMakeLists.txt)
foreach(file IN LISTS example_folders)
  get_filename_component(folder ${file} DIRECTORY)
  get_filename_component(name ${folder} NAME)
  add_subdirectory(${folder} ${PROJECT_BINARY_DIR}/examples/${name})
endforeach()
file(GLOB example_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.cpp)
foreach(file IN LISTS example_files)
  get_filename_component(name ${file} NAME_WE)
  add_executable(${name} ${file})
  target_link_libraries(${name} PRIVATE Lamellar::lamellar)
  target_compile_options(${name} PRIVATE -Wall -Wextra $<$<BOOL:${LAMELLAR_WERROR}>:-Werror>)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
endforeach()
