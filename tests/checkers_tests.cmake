ww_test(checkers_test LABEL unit
  SOURCES
    unit/import_test.cpp
    unit/linearizability_exhaustive_test.cpp
    unit/linearizability_test.cpp
    unit/run_checkers_test.cpp
    unit/watch_checker_test.cpp
  DEPS ww_checkers)
