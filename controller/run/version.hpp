// Which build this is: written into every report, so that a replay on another build can say so.
#pragma once

namespace ww::run {

const char* version();
const char* commit();    // with "+changes" when the tree was not clean
const char* compiler();  // name, version and build type

}  // namespace ww::run
