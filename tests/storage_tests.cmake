ww_test(storage_test LABEL unit
  SOURCES
    unit/byte_store_test.cpp
    unit/log_crash_test.cpp
    unit/log_format_test.cpp
    unit/log_store_test.cpp
    unit/log_workload.hpp
  DEPS ww_storage ww_disk_model)
