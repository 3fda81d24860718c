add_library(ww_test_support STATIC support/program.cpp)
target_link_libraries(ww_test_support PUBLIC ww_flags)

ww_test(controller_test LABEL unit
  SOURCES unit/options_test.cpp unit/plan_file_test.cpp unit/store_test.cpp unit/test_spec_test.cpp
  DEPS ww_cli ww_run ww_test_support)

# Campaigns in made-up worlds.
ww_test(campaign_test LABEL unit
  SOURCES unit/campaign_runner_test.cpp unit/campaign_test.cpp
  DEPS ww_campaign ww_test_support)

# Whole runs of the built program.
foreach(name campaign_command determinism run_command scenario)
  ww_test(${name}_test LABEL cluster TIMEOUT 400
    SOURCES cluster/${name}_test.cpp
    DEPS ww_test_support ww_base)
  target_compile_definitions(${name}_test PRIVATE
    WW_CONTROLLER="$<TARGET_FILE:whitewater-controller>")
  add_dependencies(${name}_test whitewater-controller whitewater-node)
  # Two clusters at once on two cores would measure each other.
  set_tests_properties(${name}_test PROPERTIES RUN_SERIAL TRUE)
endforeach()

# Whole runs without processes.
ww_test(simulated_test LABEL unit TIMEOUT 300
  SOURCES unit/simulated_test.cpp
  DEPS ww_worlds ww_test_support)

ww_test(shrink_test LABEL unit TIMEOUT 300
  SOURCES unit/ddmin_test.cpp unit/shrink_zoo_test.cpp
  DEPS ww_shrink ww_worlds ww_test_support)
