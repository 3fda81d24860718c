// Jepsen's and Porcupine's EDN, read as histories of ours.
#pragma once

#include "checkers/import.hpp"

namespace ww::checkers {

/// Pairs lines as they are added and numbers them: what every importer needs.
class ImportedOps {
 public:
  /// Adds a line, whose index it sets. `line` is where it stands, and its time when it has none.
  /// Errors: kCorrupt when its process invokes twice, or completes nothing, or another function.
  Result<void> add(Op op, std::size_t line);
  [[nodiscard]] History take() { return std::move(ops_); }

 private:
  History ops_;
  std::vector<std::pair<std::int64_t, std::size_t>> open_;  // process -> index of its invocation
};

/// Maps with :process :type :f :value, and perhaps :time (else the line number counts) and :key.
///
/// get, put and append of strings make it Porcupine's "kv": a string is a list of the tokens that
/// end with `y`, as all its writers write them. Otherwise read, write, cas, append, delete, of
/// plain values or of jepsen.independent's pairs [key value]. Errors: kCorrupt naming the line.
[[nodiscard]] Result<ImportedHistory> import_edn(std::string_view text);

}  // namespace ww::checkers
