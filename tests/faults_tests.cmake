ww_test(faults_test LABEL unit
  SOURCES
    unit/links_test.cpp
    unit/nemesis_test.cpp
    unit/nemesis_trigger_test.cpp
    unit/plan_test.cpp
    unit/targets_test.cpp
  DEPS ww_faults)
ww_test(proxy_test LABEL unit SOURCES unit/proxy_test.cpp DEPS ww_proxy)
