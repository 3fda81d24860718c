ww_test(storage_test LABEL unit
  SOURCES
    unit/byte_store_test.cpp
    unit/log_crash_test.cpp
    unit/log_damage_test.cpp
    unit/log_format_test.cpp
    unit/log_store_test.cpp
    unit/log_machine.hpp
    unit/log_workload.hpp
    unit/snapshot_crash_test.cpp
  DEPS ww_storage ww_disk_model)
