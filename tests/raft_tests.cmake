add_library(ww_raft_testing STATIC
  unit/raft_cluster.cpp
  unit/raft_cluster.hpp
  unit/raft_oracle.cpp
  unit/raft_oracle.hpp
  unit/raft_torture.cpp
  unit/raft_torture.hpp
  unit/raft_transcript.cpp
  unit/raft_transcript.hpp)
target_link_libraries(ww_raft_testing PUBLIC ww_raft)

ww_test(replica_test LABEL unit
  SOURCES
    unit/checkpoint_test.cpp
    unit/configuration_test.cpp
    unit/kv_changes_test.cpp
    unit/kv_machine_test.cpp
    unit/replica_gather_test.cpp
    unit/replica_parts_test.cpp
    unit/replica_snapshot_test.cpp
    unit/replica_transcript_test.cpp
  DEPS ww_raft_testing)

ww_test(replica_random_test LABEL unit
  SOURCES unit/replica_random_test.cpp
  DEPS ww_raft_testing)
