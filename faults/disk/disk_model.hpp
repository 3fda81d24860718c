// What a power loss may leave of a node's data directory.
//
// The model is fed from outside the node, with the byte store's log (wire::trace::Store), and knows
// nothing of what the files mean. It keeps the directory as a disk does: names that point to files,
// and files that hold bytes. What a completed sync covered is durable and stays. Every operation
// since is a bundle of independent coins (Pillai et al., "All File Systems Are Not Created Equal",
// OSDI 2014, section 3):
//
//   create, rename, unlink   one coin each: the directory has heard of it or not; a rename is
//   atomic truncate                 one coin write                    one coin for each 512-byte
//   sector of the file that it touches, and one
//                            for the file's new size; where the size survived and a sector did not,
//                            the file reads as zeros, or as what was there before
//
// Surviving operations take effect in the order in which they were issued. sync_file settles the
// coins of a file's bytes and size, not of its name; sync_dir those of all names. A state of the
// disk is *permitted* when some toss of the unsettled coins yields it; the crash styles are ways of
// tossing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/evidence.hpp"
#include "base/result.hpp"
#include "base/wire/trace.hpp"

namespace ww::faults {

/// The unit in which a disk writes: all of a sector's part of a write survives, or none of it.
inline constexpr std::uint64_t kSectorBytes = 512;

enum class CrashStyle : std::uint8_t {
  kNothing,  // everything that was not synced is lost
  kAll,      // everything survives
  kPrefix,   // the operations up to a random one survive, in the order of their issue
  kTorn,     // every coin on its own; how likely survival is, is drawn once a crash
};
inline constexpr std::size_t kCrashStyles = 4;
std::string_view name_of(CrashStyle style);
std::optional<CrashStyle> crash_style_of(std::string_view name);

/// What a crash took away: a power loss that took nothing was not effective.
struct Loss {
  std::uint64_t bytes_lost = 0;    // of the files as they were, now missing or different
  std::uint64_t files_lost = 0;    // names that are gone or, unlinked, are back
  std::uint64_t ops_lost = 0;      // operations of which no byte survived
  std::uint64_t ops_torn = 0;      // writes of which a part survived
  std::uint64_t torn_sectors = 0;  // sectors missing from those
  [[nodiscard]] bool effective() const { return bytes_lost > 0 || files_lost > 0; }
};

/// Shape: memory is the durable bytes and the operations not yet synced; a regular value.
class DiskModel {
 public:
  /// Takes the next line of the log. An operation that cannot have succeeded (a write to a name
  /// that does not exist, a create of one that does) and a sync that failed change nothing.
  void apply(const wire::trace::Store& op);

  /// Begins anew after a power loss, with what the next incarnation finds; all of it is durable.
  void reset(const DiskImage& image);

  /// Goes on after a kill -9: the page cache outlives the process, so what was not synced still is
  /// not. The last intent becomes what `actual`, the files, shows of it.
  /// Errors: those of agrees_with(), and then nothing has changed.
  Result<void> survive_kill(const DiskImage& actual);

  /// Everything performed, the last intent included; a kill -9 leaves this, or this without (for a
  /// write: with a part of) that last intent. agrees_with() allows for both.
  [[nodiscard]] DiskImage volatile_image() const;
  /// Only what was synced.
  [[nodiscard]] DiskImage durable_image() const;

  /// One permitted state, a function of (`key`, operations): coins are keyed by file, ordinal in
  /// that file, and sector, so that an operation more leaves the tosses of the others as they were.
  [[nodiscard]] DiskImage crash(std::uint64_t key, CrashStyle style, Loss& loss) const;

  /// What a crash within the last unsynced write leaves: of it a first part, and all else.
  [[nodiscard]] DiskImage torn(std::uint64_t key, Loss& loss) const;

  /// Every permitted state; for tests.
  ///
  /// Shape:  O(2^coins) images.
  /// Errors: kTooLarge when there are more than `max_coins` unsettled coins.
  [[nodiscard]] Result<std::set<DiskImage>> permitted_states(std::size_t max_coins = 16) const;

  /// Whether `actual`, the files after a kill -9, is volatile_image() up to its last intent. The
  /// evidence of files and of the log then vouch for each other.
  /// Errors: kCorrupt naming the file and the first difference.
  [[nodiscard]] Result<void> agrees_with(const DiskImage& actual) const;

  /// Operations whose fate a crash would decide.
  [[nodiscard]] std::size_t unsynced_ops() const;

 private:
  using FileId = std::uint64_t;
  /// Names a coin: the operation, and its sector, or one of the two parts below.
  struct Coin {
    std::uint64_t op = 0;       // order of issue, over all files
    std::string_view file;      // the file's first name; for names, the name
    std::uint64_t ordinal = 0;  // of the operation in its file; among the unsynced ones of its name
    std::uint64_t part = 0;     // a sector's number, kTruncation, kSize or kName
  };
  static constexpr std::uint64_t kTruncation = ~std::uint64_t{0};
  static constexpr std::uint64_t kSize = ~std::uint64_t{0} - 1;
  static constexpr std::uint64_t kName = ~std::uint64_t{0} - 2;
  using Toss = std::function<bool(const Coin&)>;

  struct DataOp {
    std::uint64_t op = 0;
    std::uint64_t ordinal = 0;
    bool truncate = false;
    std::uint64_t offset = 0;
    std::string data;
  };
  struct File {
    std::string first_name;
    std::string durable;
    std::vector<DataOp> pending;
    std::uint64_t ops = 0;  // so far
  };
  using Directory = std::map<std::string, FileId>;
  struct DirOp {
    std::uint64_t op = 0;
    std::uint64_t ordinal = 0;
    wire::trace::StoreOp kind = wire::trace::StoreOp::kCreate;
    std::string name;
    std::string other;
    FileId file = 0;
    void perform(Directory& directory) const;
  };

  void apply_to_directory(const wire::trace::Store& op);
  void apply_to_file(const wire::trace::Store& op);
  void sync_directory();
  [[nodiscard]] DiskImage image(const Toss& toss, Loss* loss = nullptr) const;
  static std::string contents(const File& file, const Toss& toss, Loss* loss);
  static void perform(std::string& bytes, const DataOp& op);
  static std::uint64_t survive(std::string& bytes, const File& file, const DataOp& op,
                               const Toss& toss);
  [[nodiscard]] std::vector<std::uint64_t> unsynced_order() const;
  [[nodiscard]] std::vector<Coin> coins() const;
  void undo_last_intent();
  [[nodiscard]] File* file_of_last_intent();

  Directory durable_;  // names that are synced
  Directory current_;  // names as the node sees them
  std::vector<DirOp> pending_names_;
  std::map<FileId, File> files_;  // all that some crash could leave under a name
  FileId next_file_ = 1;
  std::uint64_t next_op_ = 1;
  std::uint64_t last_intent_ = 0;  // 0: the last line of the log was no intent, or had no effect
};

}  // namespace ww::faults
