# Writes version.cpp with the commit that is built; run by every build, rewrites only on a change.
# Called as: cmake -DSOURCE=dir -DOUTPUT=file -DVERSION=x -DCOMPILER=text -P ww_version.cmake
execute_process(COMMAND git -C "${SOURCE}" rev-parse --short=12 HEAD
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit "unknown")
else()
  # Two states of an edited tree are two builds.
  execute_process(COMMAND git -C "${SOURCE}" diff HEAD OUTPUT_VARIABLE changes ERROR_QUIET)
  if(changes)
    string(SHA256 hash "${changes}")
    string(SUBSTRING "${hash}" 0 8 hash)
    set(commit "${commit}+${hash}")
  endif()
endif()
set(text "#include \"controller/run/version.hpp\"\n\nnamespace ww::run {\n
const char* version() { return \"${VERSION}\"; }
const char* commit() { return \"${commit}\"; }
const char* compiler() { return \"${COMPILER}\"; }\n
}  // namespace ww::run\n")
set(old "")
if(EXISTS "${OUTPUT}")
  file(READ "${OUTPUT}" old)
endif()
if(NOT old STREQUAL text)
  file(WRITE "${OUTPUT}" "${text}")
endif()
