ww_test(disk_test LABEL unit
  SOURCES
    unit/disk_model_test.cpp
  DEPS ww_disk_model)
