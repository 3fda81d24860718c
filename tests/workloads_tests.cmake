ww_test(workloads_test LABEL unit
  SOURCES
    unit/engine_random_test.cpp
    unit/engine_test.cpp
    unit/register_test.cpp
    unit/watching_test.cpp
  DEPS ww_workloads ww_base)
