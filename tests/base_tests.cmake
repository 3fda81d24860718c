ww_test(base_test LABEL unit
  SOURCES
    unit/bytes_test.cpp
    unit/frame_test.cpp
    unit/histogram_test.cpp
    unit/history_test.cpp
    unit/rng_test.cpp
    unit/stepped_codec_test.cpp
    unit/wire_test.cpp
  DEPS ww_base)

ww_test(structure_test LABEL unit
  SOURCES unit/structure_test.cpp)
