# Compiler settings that every target shares. Presets set the WW_* options.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

option(WW_WERROR "Treat warnings as errors" OFF)
option(WW_UNITY "Compile several sources of a library as one: half the time, and faster code" OFF)
set(CMAKE_UNITY_BUILD ${WW_UNITY})
set(WW_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined or thread)")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

if(WW_SANITIZE)
  # Sanitized code is for finding faults: -O1 halves the time of its build.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
endif()

find_package(Threads REQUIRED)
find_package(Boost 1.81 EXACT REQUIRED)

add_library(ww_flags INTERFACE)
target_include_directories(ww_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(ww_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast
  -Wnon-virtual-dtor -Wimplicit-fallthrough)
# What an assertion says must not depend on where the checkout is.
target_compile_options(ww_flags INTERFACE "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees overlaps in std::string concatenation that are not there (GCC bug 105651).
  # It also takes a moved-from std::variant for uninitialised memory (GCC bug 80635).
  target_compile_options(ww_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(WW_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Says of a class in a header what is no fault in a source, and knows a source by its being alone.
  target_compile_options(ww_flags INTERFACE -Wno-subobject-linkage)
endif()
if(WW_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Asio has fences, which this sanitizer does not model; what they guard has atomics beside it.
  target_compile_options(ww_flags INTERFACE -Wno-tsan)
endif()
if(WW_WERROR)
  target_compile_options(ww_flags INTERFACE -Werror)
endif()
if(WW_SANITIZE)
  target_compile_options(ww_flags INTERFACE -fsanitize=${WW_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(ww_flags INTERFACE -fsanitize=${WW_SANITIZE})
endif()

# Boost is a system header for us: Asio and Process are header-only, and their warnings are not ours.
add_library(ww_boost INTERFACE)
target_include_directories(ww_boost SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(ww_boost INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_PROCESS_USE_STD_FS
  BOOST_ERROR_CODE_HEADER_ONLY BOOST_ASIO_DISABLE_BOOST_COROUTINE)
target_link_libraries(ww_boost INTERFACE Threads::Threads)
