ww_test(host_test LABEL unit
  SOURCES
    unit/host_clock_test.cpp
    unit/host_disk_thread_test.cpp
    unit/host_driver_test.cpp
    unit/host_file_store_test.cpp
    unit/host_options_test.cpp
    unit/host_trace_writer_test.cpp
    unit/step_machine_test.cpp
  DEPS ww_host ww_driver)

ww_test(recorder_test LABEL unit
  SOURCES
    unit/recorded_cluster.cpp
    unit/recorded_cluster.hpp
    unit/recorder_test.cpp
  DEPS ww_recorder)

ww_test(host_node_test LABEL cluster TIMEOUT 300
  SOURCES
    unit/host_node_test.cpp
    unit/host_process.cpp
  DEPS ww_host)
target_compile_definitions(host_node_test PRIVATE
  WW_NODE_BINARY="$<TARGET_FILE:whitewater-node>")
add_dependencies(host_node_test whitewater-node)

# What a stepped node may not do, done; and the search for code that could do it.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_library(ww_canary_leaks STATIC canary/leaks.cpp)
  target_link_libraries(ww_canary_leaks PUBLIC ww_flags)
  ww_test(tripwire_test LABEL unit
    SOURCES unit/tripwire_test.cpp
    DEPS ww_host ww_canary_leaks ww_test_support)
  ww_test(purity_test LABEL unit
    SOURCES unit/purity_test.cpp
    DEPS ww_base ww_test_support)
  target_compile_definitions(purity_test PRIVATE
    WW_PURE_LIBRARIES="$<TARGET_FILE:ww_base>:$<TARGET_FILE:ww_raft>:$<TARGET_FILE:ww_kv>:$<TARGET_FILE:ww_storage>:$<TARGET_FILE:ww_bugs>:$<TARGET_FILE:ww_driver>"
    WW_LEAKING_LIBRARY="$<TARGET_FILE:ww_canary_leaks>")
  add_dependencies(purity_test ww_driver ww_kv ww_bugs ww_canary_leaks)
endif()
