ww_test(invariants_test LABEL unit
  SOURCES
    unit/invariant_checker_test.cpp
    unit/invariant_disk_test.cpp
    unit/invariant_doubt_test.cpp
    unit/invariant_mutation_test.cpp
    unit/invariant_node_test.cpp
    unit/invariant_stories.cpp
    unit/invariant_stories.hpp
    unit/invariant_tale.cpp
    unit/invariant_tale.hpp
  DEPS ww_invariants ww_storage ww_disk_model ww_driver ww_bugs)
