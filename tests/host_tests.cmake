ww_test(host_test LABEL unit
  SOURCES
    unit/host_clock_test.cpp
    unit/host_disk_thread_test.cpp
    unit/host_driver_test.cpp
    unit/host_file_store_test.cpp
    unit/host_options_test.cpp
    unit/host_trace_writer_test.cpp
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
