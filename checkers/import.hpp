// Histories of others, read as ours.
//
// | format     | recognised by                         | a cas that failed     | initial |
// |------------|---------------------------------------|-----------------------|---------|
// | whitewater | a first line that is a JSON object    | saw `seen`            | nil     |
// | jepsen-log | `INFO  jepsen.util - 0 :invoke ...`   | value was not `from`  | nil     |
// | porcupine  | EDN maps with `:key` and get/put      | there is none         | nil     |
// | edn        | EDN maps, one a line or in a vector   | `:fail`: did not happen | nil   |
#pragma once

#include <string>
#include <string_view>

#include "base/op.hpp"
#include "base/result.hpp"
#include "checkers/linearizable.hpp"

namespace ww::checkers {

struct ImportedHistory {
  History ops;
  std::string format;  // "whitewater", "jepsen-log", "porcupine-kv", "edn"
  bool torn = false;   // the last line was incomplete and was dropped
  LinOptions model;    // how its failed cas and its initial value are to be read
};

/// Reads a history in any known format; `name` is used in errors.
///
/// Units:  formats without times get their line number as time, so that lines never touch.
/// Errors: kCorrupt naming the line and what is wrong with it; kUsage when the format is not known
/// or
///         no op is in it.
[[nodiscard]] Result<ImportedHistory> import_history(std::string_view text,
                                                     const std::string& name);

/// Reads a file. Errors: kIo naming it, and those above.
[[nodiscard]] Result<ImportedHistory> import_history_file(const std::string& path);

}  // namespace ww::checkers
