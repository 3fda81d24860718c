# ww_library(name [COLD] SOURCES a.cpp ... [APART b.cpp ...] [HEADERS a.hpp ...] [DEPS lib ...])
# A static library of this project. DEPS are public: who links it sees their headers. With WW_UNITY
# its SOURCES are compiled some at a time, as one; those APART use names in their anonymous
# namespaces that a sibling uses too, or lean on a library that needs the compiler to itself.
# COLD: a run spends no time in it to speak of, so the build spends none on making it fast.
function(ww_library name)
  cmake_parse_arguments(ARG "COLD" "" "SOURCES;APART;HEADERS;DEPS" ${ARGN})
  list(APPEND ARG_SOURCES ${ARG_APART})
  set_source_files_properties(${ARG_APART} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES} ${ARG_HEADERS})
    target_link_libraries(${name} PUBLIC ww_flags ${ARG_DEPS})
    if(ARG_COLD)
      target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ww_flags ${ARG_DEPS})
  endif()
endfunction()

# ww_test(name LABEL unit|cluster|slow SOURCES a_test.cpp ... [DEPS lib ...] [TIMEOUT seconds])
# A Catch2 program; it is one ctest case, so that its closing line counts its cases.
function(ww_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(WW_SANITIZE)
    math(EXPR ARG_TIMEOUT "10 * ${ARG_TIMEOUT}")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ww_catch ww_flags ${ARG_DEPS})
  # What a test spends its time in is the code under test: optimising the rest would cost minutes.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
  # Clusters of live nodes take turns, and have two cores to themselves.
  if(ARG_LABEL STREQUAL "cluster")
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK live_nodes PROCESSORS 2)
  endif()
endfunction()
