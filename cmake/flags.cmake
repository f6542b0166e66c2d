# Build type and sanitizers. As a sub-project we touch neither: they are the parent's choice.
if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug | Release | RelWithDebInfo" FORCE)
    set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG" CACHE STRING "" FORCE)
  endif()
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()

# Sanitizer builds keep their assertions: CMAKE_BUILD_TYPE=Sanitize has no NDEBUG. project() has
# made an empty entry for a type that it does not know.
if(NOT CMAKE_CXX_FLAGS_SANITIZE)
  set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer" CACHE STRING "" FORCE)
endif()
mark_as_advanced(CMAKE_CXX_FLAGS_SANITIZE)

if(LAMELLAR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(LAMELLAR_SANITIZE)
  if(NOT LAMELLAR_SANITIZE MATCHES "^(address|undefined|thread|address,undefined)$")
    message(FATAL_ERROR "LAMELLAR_SANITIZE is '${LAMELLAR_SANITIZE}'; "
      "known: address | undefined | address,undefined | thread")
  endif()
  add_compile_options(-fsanitize=${LAMELLAR_SANITIZE})
  add_link_options(-fsanitize=${LAMELLAR_SANITIZE})
  if(LAMELLAR_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()
