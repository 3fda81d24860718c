// The flight recorder: what is recorded is replayed, step by step, and any difference is named.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/crc32c.hpp"
#include "nodes/host/effects.hpp"
#include "nodes/host/playback.hpp"
#include "tests/support/passing_store.hpp"
#include "tests/unit/recorded_cluster.hpp"
#include "tests/unit/test_seed.hpp"

namespace ww::host::testing {

namespace {

using Files = std::map<std::string, std::string>;

Result<Playback> open(const Files& files) {
  std::vector<std::string> names = {"unrelated.txt"};
  for (const auto& [name, bytes] : files) names.push_back(name);
  return Playback::open(names, [&files](const std::string& name) -> Result<std::string> {
    const auto found = files.find(name);
    if (found == files.end()) return Error{ErrorCode::kIo, true, "no such file"};
    return found->second;
  });
}

struct Story {
  std::optional<StepId> differs;  // the first step whose effects are not those recorded
  std::optional<StepId> forks;    // the first step before which a checkpoint is another state
  std::optional<Error> error;
  std::uint64_t steps = 0;
  std::uint64_t unverified = 0;
  StepId last;
  std::optional<raft::Replica> end;
};

Story play(Playback& playback) {
  Story story;
  while (true) {
    const auto loaded = playback.load();
    if (!loaded) story.error = loaded.error();
    if (!loaded || *loaded == Playback::Loaded::kEnd) break;
    if (*loaded == Playback::Loaded::kFork) {
      if (!story.forks) story.forks = StepId{playback.id().incarnation, playback.id().step + 1};
      continue;
    }
    const auto played = playback.play();
    REQUIRE(played);
    ++story.steps;
    if (!played->recorded) ++story.unverified;
    if (played->differs() && !story.differs) story.differs = playback.id();
    story.last = playback.id();
  }
  if (playback.replica() != nullptr) story.end = *playback.replica();
  return story;
}

Story story_of(const Files& files) {
  auto playback = open(files);
  if (playback) return play(*playback);
  Story story;
  story.error = playback.error();
  return story;
}

/// Where each record of a segment begins.
std::vector<std::size_t> records_of(const std::string& file) {
  std::vector<std::size_t> out;
  JournalReader reader(file);
  while (true) {
    const std::size_t begin = std::max(reader.offset(), kJournalMagic.size());
    const auto record = reader.next();
    REQUIRE(record);
    if (!*record) return out;
    out.push_back(begin);
  }
}

void put_u32(std::string& file, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) file[at + i] = static_cast<char>(value >> (8 * i));
}

/// Changes a byte of a record's payload and makes its checksum right again.
void forge(std::string& file, std::size_t record, std::size_t byte) {
  const std::uint32_t length = ByteReader(std::string_view(file).substr(record)).u32();
  file[record + kJournalRecordHeader + byte] ^= 1;
  put_u32(file, record + 8,
          crc32c(std::string_view(file).substr(record + kJournalRecordHeader, length)));
}

/// A store whose disk is full after so many bytes.
class FullStore final : public test::PassingStore {
 public:
  FullStore(storage::ByteStore& inner, std::uint64_t room) : PassingStore(inner), room_(room) {}
  Result<void> write(const std::string& file, std::uint64_t offset,
                     std::string_view data) override {
    const std::uint64_t fits = std::min<std::uint64_t>(room_, data.size());
    room_ -= fits;
    auto written =
        PassingStore::write(file, offset, data.substr(0, static_cast<std::size_t>(fits)));
    if (fits == data.size()) return written;
    return Error{ErrorCode::kNoSpace, false, "the disk is full"};
  }

 private:
  std::uint64_t room_;
};

Files journal_of(std::uint64_t seed, int steps, JournalOptions options, bool ends_well = true) {
  RecordedCluster cluster(seed, std::move(options));
  cluster.run(steps);
  if (ends_well) cluster.finish();
  return cluster.node(0).journal.files;
}

}  // namespace

TEST_CASE("every step of random journals is executed again with the recorded effects") {
  INFO(test::repeat_with());
  Index committed = 0;
  for (std::uint64_t seed = test::seed(); seed < test::seed() + 20; ++seed) {
    RecordedCluster cluster(seed, {.segments = 1000});
    cluster.run(2000);
    cluster.finish();
    REQUIRE(cluster.complaints().empty());
    for (std::size_t i = 0; i < 3; ++i) {
      const RecordedNode& node = cluster.node(i);
      const Story story = story_of(node.journal.files);
      INFO("seed " << seed << ", n" << i + 1 << (story.error ? story.error->message : ""));
      REQUIRE_FALSE(story.error);
      REQUIRE_FALSE(story.differs);
      REQUIRE_FALSE(story.forks);
      REQUIRE(story.last == StepId{node.incarnation, node.steps});
      REQUIRE(story.end == node.driver->replica());
      // A death leaves one step of which nobody wrote down what it did.
      REQUIRE(story.unverified == node.incarnation - 1);
      committed += story.end->commit_index();
    }
  }
  REQUIRE(committed > 500);
}

TEST_CASE("of many segments the last are kept, each goes on from its checkpoint") {
  INFO(test::repeat_with());
  for (std::uint64_t seed = test::seed(); seed < test::seed() + 20; ++seed) {
    RecordedCluster cluster(seed, {.build = "b", .segment_bytes = 3000, .segments = 3});
    cluster.run(3000);
    cluster.finish();
    const RecordedNode& node = cluster.node(0);
    REQUIRE(node.journal.files.size() == 3);
    auto playback = open(node.journal.files);
    REQUIRE(playback);
    const StepId first = playback->segments().front().begin();
    REQUIRE(first > StepId{1, 0});
    REQUIRE(playback->segments().front().head.build == "b");
    const Story story = play(*playback);
    REQUIRE_FALSE(story.error);
    REQUIRE_FALSE(story.differs);
    REQUIRE_FALSE(story.forks);
    REQUIRE(story.end == node.driver->replica());

    auto later = open(node.journal.files);
    REQUIRE(later);
    REQUIRE_FALSE(later->seek({1, 0}));
    const StepId middle = later->segments()[1].begin();
    REQUIRE(later->seek(middle));
    REQUIRE(later->load());
    REQUIRE(later->id() == middle);
  }
}

TEST_CASE("a recorded hash that does not fit names the step before it") {
  Files files = journal_of(test::seed(), 400, {});
  std::string& file = files.begin()->second;
  const auto records = records_of(file);
  REQUIRE(records.size() > 60);
  // head, boot, step 1, step 2, ...: record 50 holds step 49, and what step 48 did.
  forge(file, records[50], 3);
  const Story story = story_of(files);
  REQUIRE_FALSE(story.error);
  REQUIRE(story.differs);
  CHECK(*story.differs == StepId{1, 48});
}

TEST_CASE("an input that was not the recorded one shows in what its step did") {
  Files files = journal_of(test::seed(), 400, {});
  std::string& file = files.begin()->second;
  for (const std::size_t record : records_of(file)) {
    JournalReader reader(file);
    std::optional<JournalRecord> found;
    while (reader.offset() <= record) found = std::move(*reader.next());
    const auto* step = std::get_if<JournalStep>(&*found);
    const auto* request = step ? std::get_if<raft::Request>(&step->input) : nullptr;
    if (request == nullptr) continue;
    // Kind, hash and clocks come first; the request's number is the byte behind the connection's.
    const std::string_view payload =
        std::string_view(file).substr(record + kJournalRecordHeader, reader.offset() - record);
    const std::size_t at = payload.find(std::string("\3\1", 2));
    REQUIRE(at != std::string_view::npos);
    forge(file, record, at + 2);
    break;
  }
  const Story story = story_of(files);
  REQUIRE_FALSE(story.error);
  CHECK(story.differs);
}

TEST_CASE("a checkpoint of another state than the steps lead to is a fork, and names its place") {
  Files files = journal_of(test::seed(), 2000, {.segment_bytes = 3000, .segments = 1000});
  REQUIRE(files.size() > 3);
  auto second = std::next(files.begin());
  JournalReader reader(second->second);
  const auto head = reader.next();
  const auto opening = reader.next();
  REQUIRE(opening);
  const auto checkpoint = std::get<JournalCheckpoint>(**opening);
  auto driver = Driver::restore(checkpoint.driver);
  REQUIRE(driver);
  Output out;
  driver->step({{driver->deadline(), driver->deadline()}, driver->deadline()}, raft::TimerDue{},
               out);
  const JournalHead expected = std::get<JournalHead>(**head);
  std::string forged(kJournalMagic);
  append_record(forged, expected);
  append_record(forged, checkpoint.effects_before, *driver);
  second->second = forged;
  const Story story = story_of(files);
  REQUIRE(story.forks);
  CHECK(*story.forks == StepId{expected.incarnation, expected.first_step});
  CHECK_FALSE(story.differs);
  // The steps behind the forged checkpoint are gone, which is damage and is told.
  REQUIRE(story.error);
  CHECK(story.error->code == ErrorCode::kCorrupt);
  CHECK(story.error->message.find("the segment before it ends with") != std::string::npos);
}

TEST_CASE("a journal that was cut anywhere plays up to the cut") {
  const Files whole = journal_of(test::seed(), 60, {}, false);
  REQUIRE(whole.size() == 1);
  const std::string& file = whole.begin()->second;
  const auto records = records_of(file);
  REQUIRE(records.size() > 10);
  for (std::size_t size = 0; size < file.size(); ++size) {
    const Story story = story_of({{whole.begin()->first, file.substr(0, size)}});
    const auto complete = static_cast<std::uint64_t>(
        std::count_if(std::next(records.begin()), records.end(),
                      [size](std::size_t begin) { return begin < size; }));
    INFO("cut at " << size << " of " << file.size());
    if (size <= records[2]) {
      // Within the opening there is nothing to play.
      if (size < records[2]) REQUIRE(story.error);
      if (size < records[2]) REQUIRE(story.error->code == ErrorCode::kUsage);
      continue;
    }
    REQUIRE_FALSE(story.error);
    REQUIRE_FALSE(story.differs);
    REQUIRE(story.steps + 1 >= complete);
    REQUIRE(story.steps <= complete);
  }
}

TEST_CASE("no damaged byte goes unnoticed") {
  INFO(test::repeat_with());
  const Files whole = journal_of(test::seed(), 300, {});
  const std::string& file = whole.begin()->second;
  Rng rng = keyed(test::seed(), "journal.damage");
  for (int i = 0; i < 2000; ++i) {
    Files damaged = whole;
    const std::size_t at = rng.below(file.size());
    damaged.begin()->second[at] ^= static_cast<char>(1 + rng.below(255));
    const Story story = story_of(damaged);
    INFO("byte " << at);
    REQUIRE(story.error);
    REQUIRE(story.error->code == ErrorCode::kCorrupt);
    REQUIRE(story.error->message.find(whole.begin()->first + ": byte ") == 0);
  }
}

TEST_CASE("records of random bytes under valid checksums are read or refused") {
  INFO(test::repeat_with());
  Rng rng = keyed(test::seed(), "journal.fuzz");
  const Files whole = journal_of(test::seed(), 300, {.segment_bytes = 3000, .segments = 1000});
  std::size_t read = 0;
  for (const auto& [name, good] : whole) {
    const auto records = records_of(good);
    for (int i = 0; i < 400; ++i) {
      std::string file = good;
      const std::size_t record = records[rng.below(records.size())];
      const std::uint32_t length = ByteReader(std::string_view(file).substr(record)).u32();
      for (std::uint64_t flips = 1 + rng.below(3); flips > 0; --flips) {
        const std::size_t byte = rng.below(length);
        file[record + kJournalRecordHeader + byte] = static_cast<char>(rng.next());
        forge(file, record, byte);
      }
      JournalReader reader(file);
      while (true) {
        const auto next = reader.next();
        if (!next) {
          REQUIRE(next.error().code == ErrorCode::kCorrupt);
          break;
        }
        if (!*next) break;
        ++read;
        if (const auto* step = std::get_if<JournalStep>(&**next)) input_line(step->input);
        if (const auto* opening = std::get_if<JournalCheckpoint>(&**next)) {
          static_cast<void>(Driver::restore(opening->driver));
        }
      }
    }
  }
  CHECK(read > 1000);
}

TEST_CASE("a journal of another version, or no journal at all, is refused by name") {
  Files files = journal_of(test::seed(), 20, {});
  files.begin()->second[7] = '9';
  const Story other = story_of(files);
  REQUIRE(other.error);
  CHECK(other.error->message.find("another version") != std::string::npos);
  const Story none = story_of({});
  REQUIRE(none.error);
  CHECK(none.error->code == ErrorCode::kUsage);
}

TEST_CASE("a full disk ends the journal with one word and nothing else") {
  storage::MemoryStore memory;
  FullStore full(memory, 2000);
  auto journal = Journal::open(full, {});
  REQUIRE(journal);
  raft::Config config;
  config.self = NodeId{1};
  config.voters = {NodeId{1}};
  Output out;
  std::vector<std::string> complaints;
  RecordedDriver driver(config, {}, {}, out, std::move(*journal),
                        [&](const std::string& why) { complaints.push_back(why); });
  for (int i = 0; i < 200; ++i) {
    const Instant due = driver.deadline();
    driver.step({{due, due}, due}, raft::TimerDue{}, out);
    // A write that completed may lead to others.
    std::vector<WriteId> writes;
    const auto note_writes = [&] {
      for (const Action& action : out.actions) {
        const auto* write = std::get_if<DiskWrite>(&action.what);
        if (write != nullptr) writes.push_back(write->id);
      }
    };
    note_writes();
    for (std::size_t w = 0; w < writes.size(); ++w) {
      driver.step({{due, due}, due}, raft::Written{writes[w], {}}, out);
      note_writes();
    }
  }
  CHECK(driver.replica().role() == wire::Role::kLeader);
  CHECK_FALSE(driver.recording());
  REQUIRE(complaints.size() == 1);
  CHECK(complaints[0].find("the disk is full") != std::string::npos);
  const Story story = story_of(memory.files);
  CHECK_FALSE(story.error);
  CHECK_FALSE(story.differs);
  REQUIRE(story.steps > 5);
  // The complaint names the first step that is missing.
  const StepId next{story.last.incarnation, story.last.step + 1};
  CHECK(complaints[0].find("before step " + name_of(next) + ":") != std::string::npos);
}

TEST_CASE("a write that failed is recorded with its reason, and halts the replica again") {
  storage::MemoryStore memory;
  auto journal = Journal::open(memory, {});
  REQUIRE(journal);
  raft::Config config;
  config.self = NodeId{1};
  config.voters = {NodeId{1}};
  Output out;
  RecordedDriver driver(config, {}, {}, out, std::move(*journal), {});
  const Instant due = driver.deadline();
  driver.step({{due, due}, due}, raft::TimerDue{}, out);
  const Error broken{ErrorCode::kNoSpace, false, "no room"};
  driver.step({{due, due}, due}, raft::Written{WriteId{1}, broken}, out);
  driver.finish();
  REQUIRE(driver.replica().role() == wire::Role::kHalted);
  auto playback = open(memory.files);
  REQUIRE(playback);
  const Story story = play(*playback);
  CHECK_FALSE(story.differs);
  CHECK(story.unverified == 0);
  CHECK(story.end == driver.replica());
  REQUIRE(playback->input());
  CHECK(input_line(*playback->input()) ==
        R"({"in":"written","write":1,"ok":false,"error":"no room"})");
}

TEST_CASE("names of segments and only those have a number") {
  CHECK(journal_segment_name(42) == "journal-0000000042.seg");
  CHECK(journal_segment_number("journal-0000000042.seg") == 42);
  CHECK(journal_segment_number(journal_segment_name(123456789012)) == 123456789012);
  for (const char* name : {"journal-42.seg", "journal-0000000000.seg", "journal-00000000x2.seg",
                           "log-0000000042.seg", "journal-0000000042.seg.tmp", ""}) {
    CHECK_FALSE(journal_segment_number(name));
  }
}

TEST_CASE("effects are told in order: what was traced before what was done") {
  raft::Config config;
  config.self = NodeId{1};
  config.voters = {NodeId{1}, NodeId{2}, NodeId{3}};
  Output out;
  Driver driver(config, {}, {}, out);
  const Instant due = driver.deadline();
  const Moment moment{{due, due}, due};
  driver.step(moment, raft::TimerDue{}, out);
  const auto lines = effect_lines(NodeId{1}, 1, 9, moment, out);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].find(R"("s":9)") != std::string::npos);
  CHECK(lines[0].find(R"("role":"pre-candidate")") != std::string::npos);
  CHECK(lines[1].find(R"("ev":"tx")") != std::string::npos);
  CHECK(lines[2].find(R"({"do":"send","to":"n2")") == 0);
  CHECK(lines[4].find(R"({"do":"send","to":"n3")") == 0);
}

}  // namespace ww::host::testing
