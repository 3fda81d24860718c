add_library(ww_test_support STATIC support/program.cpp)
target_link_libraries(ww_test_support PUBLIC ww_flags)

ww_test(controller_test LABEL unit
  SOURCES
    unit/options_test.cpp
    unit/plan_file_test.cpp
    unit/quorum_test.cpp
    unit/restoration_test.cpp
    unit/run_coverage_test.cpp
    unit/store_test.cpp
    unit/temporary_folder_test.cpp
    unit/test_spec_test.cpp
  DEPS ww_cli ww_run ww_test_support)

ww_test(bench_plan_test LABEL unit
  SOURCES unit/bench_phases_test.cpp unit/bench_plan_test.cpp
  DEPS ww_bench_plan ww_test_support)
ww_test(process_end_test LABEL unit SOURCES unit/process_end_test.cpp DEPS ww_live)
ww_test(mix_test LABEL unit SOURCES unit/mix_test.cpp DEPS ww_mix)
# Campaigns in made-up worlds.
ww_test(campaign_test LABEL unit
  SOURCES unit/campaign_runner_test.cpp unit/campaign_test.cpp
  DEPS ww_campaign ww_test_support)

# Whole runs of the built program.
foreach(name
  bench_command campaign_command determinism replay run_command scenario shrink_command)
  ww_test(${name}_test LABEL cluster TIMEOUT 400
    SOURCES cluster/${name}_test.cpp
    DEPS ww_test_support ww_base)
  target_compile_definitions(${name}_test PRIVATE
    WW_CONTROLLER="$<TARGET_FILE:whitewater-controller>")
  add_dependencies(${name}_test whitewater-controller whitewater-node)
  # Two clusters at once on two cores would measure each other.
  set_tests_properties(${name}_test PROPERTIES RUN_SERIAL TRUE)
endforeach()

# Replays, of made-up worlds and of the simulated one.
ww_test(rerun_test LABEL unit
  SOURCES unit/rerun_test.cpp
  DEPS ww_worlds ww_test_support)

# Whole runs without processes.
ww_test(simulated_test LABEL unit TIMEOUT 300
  SOURCES
    unit/simulated_damage_test.cpp
    unit/simulated_faults_test.cpp
    unit/simulated_test.cpp
  DEPS ww_mix ww_worlds ww_test_support)

ww_test(simulated_membership_test LABEL unit TIMEOUT 300
  SOURCES unit/simulated_membership_test.cpp
  DEPS ww_mix ww_worlds ww_test_support)

ww_test(simulated_leases_test LABEL unit TIMEOUT 300
  SOURCES unit/simulated_leases_test.cpp
  DEPS ww_mix ww_worlds ww_test_support)

ww_test(simulated_watch_test LABEL unit TIMEOUT 300
  SOURCES unit/simulated_watch_test.cpp
  DEPS ww_mix ww_worlds ww_test_support)

# The scheduler, with nodes that misbehave.
ww_test(discrete_world_test LABEL unit
  SOURCES unit/discrete_world_test.cpp
  DEPS ww_simulated ww_test_support)

# Real processes in virtual time.
ww_test(stepped_process_test LABEL unit
  SOURCES unit/stepped_process_test.cpp
  DEPS ww_stepped ww_test_support)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  foreach(canary pointer_order_node clock_node)
    add_executable(${canary} canary/${canary}.cpp)
    target_link_libraries(${canary} PRIVATE ww_host)
  endforeach()
  ww_test(stepped_test LABEL cluster TIMEOUT 600
    SOURCES cluster/stepped_test.cpp
    DEPS ww_worlds ww_tripwire ww_test_support)
  target_compile_definitions(stepped_test PRIVATE
    WW_NODE="$<TARGET_FILE:whitewater-node>"
    WW_POINTER_ORDER_NODE="$<TARGET_FILE:pointer_order_node>"
    WW_CLOCK_NODE="$<TARGET_FILE:clock_node>")
  add_dependencies(stepped_test whitewater-node pointer_order_node clock_node)
endif()

ww_test(shrink_test LABEL unit TIMEOUT 300
  SOURCES unit/ddmin_test.cpp unit/shrinker_test.cpp
  DEPS ww_shrink ww_worlds ww_test_support)
# Half a minute of failures made small.
ww_test(shrink_zoo_test LABEL slow TIMEOUT 600
  SOURCES unit/shrink_zoo_test.cpp
  DEPS ww_shrink ww_worlds)
