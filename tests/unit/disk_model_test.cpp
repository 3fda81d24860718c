#include "faults/disk/disk_model.hpp"

#include <catch2/catch.hpp>

#include "base/rng.hpp"

using namespace ww;
using namespace ww::faults;
using wire::trace::Store;
using wire::trace::StoreOp;

namespace {

Store creates(const std::string& file) {
  return {StoreOp::kCreate, file, "", 0, "", true};
}
Store unlinks(const std::string& file) {
  return {StoreOp::kUnlink, file, "", 0, "", true};
}
Store renames(const std::string& from, const std::string& to) {
  return {StoreOp::kRename, from, to, 0, "", true};
}
Store truncates(const std::string& file, std::uint64_t size) {
  return {StoreOp::kTruncate, file, "", size, "", true};
}
Store writes(const std::string& file, std::uint64_t at, const std::string& data) {
  return {StoreOp::kWrite, file, "", at, data, true};
}
Store sync_file(const std::string& file, bool ok = true) {
  return {StoreOp::kSyncFile, file, "", 0, "", ok};
}
Store sync_dir(bool ok = true) {
  return {StoreOp::kSyncDir, "", "", 0, "", ok};
}

DiskModel after(const DiskImage& found, const std::vector<Store>& ops) {
  DiskModel model;
  model.reset(found);
  for (const Store& op : ops) model.apply(op);
  return model;
}

std::set<DiskImage> states(const DiskImage& found, const std::vector<Store>& ops) {
  return after(found, ops).permitted_states().value();
}

const std::string kSector(kSectorBytes, 's');
const std::string kHole(kSectorBytes, '\0');

}  // namespace

TEST_CASE("What was synced is the only state left") {
  const std::vector<Store> ops = {creates("a"), writes("a", 0, "one"), sync_file("a"), sync_dir()};
  CHECK(states({}, ops) == std::set<DiskImage>{{{"a", "one"}}});
  CHECK(after({}, ops).unsynced_ops() == 0);
}

TEST_CASE("A synced file without a synced name is there whole or not at all") {
  CHECK(states({}, {creates("a"), writes("a", 0, "one"), sync_file("a")}) ==
        std::set<DiskImage>{{}, {{"a", "one"}}});
}

TEST_CASE("A synced name of an unsynced file shows any part of it") {
  CHECK(states({}, {creates("a"), sync_dir(), writes("a", 0, "one")}) ==
        std::set<DiskImage>{{{"a", ""}}, {{"a", "one"}}, {{"a", std::string(3, '\0')}}});
}

TEST_CASE("Sectors of one write survive each on its own, and holes read as zeros") {
  const std::string both = kSector + kSector;
  CHECK(states({{"a", ""}}, {writes("a", 0, both)}) == std::set<DiskImage>{{{"a", ""}},
                                                                           {{"a", kSector}},
                                                                           {{"a", both}},
                                                                           {{"a", kHole + kSector}},
                                                                           {{"a", kSector + kHole}},
                                                                           {{"a", kHole + kHole}}});
}

TEST_CASE("Sectors are those of the file, not of the write") {
  const std::string old(kSectorBytes + 2, 'o');
  const auto with = [&](std::size_t at, const std::string& data) {
    std::string bytes = old;
    return DiskImage{{"a", bytes.replace(at, data.size(), data)}};
  };
  CHECK(states({{"a", old}}, {writes("a", kSectorBytes - 1, "xy")}) ==
        std::set<DiskImage>{with(0, ""), with(kSectorBytes - 1, "x"), with(kSectorBytes, "y"),
                            with(kSectorBytes - 1, "xy")});
}

TEST_CASE("A later write may survive an earlier one, and a truncation may survive or not") {
  CHECK(states({{"a", "old"}}, {truncates("a", 0), writes("a", 0, "n")}) ==
        std::set<DiskImage>{{{"a", "old"}},
                            {{"a", ""}},
                            {{"a", "nld"}},
                            {{"a", "n"}},
                            {{"a", std::string(1, '\0')}}});
  CHECK(states({{"a", "old"}}, {truncates("a", 1), sync_file("a")}) ==
        std::set<DiskImage>{{{"a", "o"}}});
}

TEST_CASE("A rename is atomic, and shows the old file, the new one, but never neither") {
  const DiskImage found = {{"a", "old"}, {"tmp", "new"}};
  CHECK(states(found, {renames("tmp", "a")}) == std::set<DiskImage>{found, {{"a", "new"}}});
  CHECK(states(found, {renames("tmp", "a"), sync_dir()}) == std::set<DiskImage>{{{"a", "new"}}});
}

TEST_CASE("A rename before the new file's sync can leave it empty under the old one's name") {
  const std::vector<Store> careless = {creates("tmp"), writes("tmp", 0, "new"),
                                       renames("tmp", "a")};
  CHECK(states({{"a", "old"}}, careless).contains({{"a", ""}}));
  const std::vector<Store> careful = {creates("tmp"), writes("tmp", 0, "new"), sync_file("tmp"),
                                      renames("tmp", "a")};
  for (const DiskImage& state : states({{"a", "old"}}, careful)) {
    CHECK((state.at("a") == "old" || state.at("a") == "new"));
  }
}

TEST_CASE("A file has one name, also when of two renames only the second survives") {
  const std::set<DiskImage> all = states({{"a", "x"}}, {renames("a", "b"), renames("b", "c")});
  CHECK(all == std::set<DiskImage>{{{"a", "x"}}, {{"b", "x"}}, {{"c", "x"}}});
}

TEST_CASE("An unlinked name may come back, and a file made anew is not the old one") {
  CHECK(states({{"a", "old"}}, {unlinks("a")}) == std::set<DiskImage>{{}, {{"a", "old"}}});
  CHECK(states({{"a", "old"}}, {unlinks("a"), creates("a")}) ==
        std::set<DiskImage>{{}, {{"a", "old"}}, {{"a", ""}}});
  CHECK(states({{"a", "old"}}, {unlinks("a"), sync_dir(), creates("a"), writes("a", 0, "n"),
                                sync_file("a"), sync_dir()}) == std::set<DiskImage>{{{"a", "n"}}});
}

TEST_CASE("A failed sync settles nothing") {
  CHECK(states({}, {creates("a"), sync_dir(false)}) == std::set<DiskImage>{{}, {{"a", ""}}});
  CHECK(states({{"a", ""}}, {writes("a", 0, "x"), sync_file("a", false)}).size() == 3);
}

TEST_CASE("Operations that cannot have succeeded change nothing") {
  const DiskImage found = {{"a", "x"}};
  const DiskModel model =
      after(found, {creates("a"), writes("b", 0, "y"), truncates("b", 0), unlinks("b"),
                    renames("b", "a"), renames("a", "a"), writes("a", 5, ""), sync_file("b")});
  CHECK(model.unsynced_ops() == 0);
  CHECK(model.volatile_image() == found);
}

TEST_CASE("Too many coins to enumerate are refused with their number") {
  const auto r = after({{"a", ""}}, {writes("a", 0, std::string(20 * kSectorBytes, 'x'))})
                     .permitted_states(16);
  REQUIRE_FALSE(r.ok());
  CHECK(r.error().message == "21 coins are unsettled, over the limit of 16");
}

TEST_CASE("Crash styles have names") {
  for (const auto style :
       {CrashStyle::kNothing, CrashStyle::kAll, CrashStyle::kPrefix, CrashStyle::kTorn}) {
    CHECK(crash_style_of(name_of(style)) == style);
  }
  CHECK_FALSE(crash_style_of("some").has_value());
}

TEST_CASE("Every crash is a permitted state, the same for the same key, and all come up") {
  const DiskImage found = {{"a", "0123"}, {"b", ""}};
  const DiskModel model =
      after(found, {writes("a", 2, "xy"), creates("c"), writes("c", 0, kSector + "t"), unlinks("b"),
                    truncates("a", 3), renames("c", "d")});
  const std::set<DiskImage> permitted = model.permitted_states().value();
  std::set<DiskImage> seen;
  for (std::uint64_t key = 0; key < 4000; ++key) {
    for (const auto style :
         {CrashStyle::kNothing, CrashStyle::kAll, CrashStyle::kPrefix, CrashStyle::kTorn}) {
      Loss loss, same_loss;
      const DiskImage state = model.crash(key, style, loss);
      REQUIRE(permitted.contains(state));
      REQUIRE(state == model.crash(key, style, same_loss));
      REQUIRE(loss.effective() == (state != model.volatile_image()));
      if (style == CrashStyle::kNothing) REQUIRE(state == found);
      if (style == CrashStyle::kAll) REQUIRE(state == model.volatile_image());
      seen.insert(state);
    }
  }
  CHECK(seen == permitted);
}

TEST_CASE("A prefix crash keeps the operations up to one, whole, and never all of them") {
  const std::vector<Store> ops = {creates("a"),      writes("a", 0, kSector + kSector),
                                  renames("a", "b"), writes("b", 3, "x"),
                                  creates("a"),      truncates("b", 1)};
  std::set<DiskImage> prefixes;
  for (std::size_t n = 0; n < ops.size(); ++n) {
    prefixes.insert(
        after({}, {ops.begin(), ops.begin() + static_cast<std::ptrdiff_t>(n)}).volatile_image());
  }
  const DiskModel model = after({}, ops);
  std::set<DiskImage> seen;
  for (std::uint64_t key = 0; key < 200; ++key) {
    Loss loss;
    seen.insert(model.crash(key, CrashStyle::kPrefix, loss));
  }
  CHECK(seen == prefixes);
}

TEST_CASE("A loss counts bytes, names and torn writes") {
  const DiskModel model =
      after({{"old", "12"}}, {creates("a"), writes("a", 0, "abc"), unlinks("old")});
  Loss loss;
  (void)model.crash(1, CrashStyle::kNothing, loss);
  CHECK(loss.bytes_lost == 3);
  CHECK(loss.files_lost == 2);
  CHECK(loss.effective());
  const DiskModel torn = after({{"a", ""}}, {writes("a", 0, std::string(4 * kSectorBytes, 'x'))});
  std::uint64_t torn_writes = 0;
  for (std::uint64_t key = 0; key < 100; ++key) {
    (void)torn.crash(key, CrashStyle::kTorn, loss);
    torn_writes += loss.ops_torn;
    CHECK((loss.torn_sectors > 0) == (loss.ops_torn > 0));
    CHECK(loss.ops_lost + loss.ops_torn <= 1);
  }
  CHECK(torn_writes > 20);
  (void)model.crash(1, CrashStyle::kAll, loss);
  CHECK_FALSE(loss.effective());
}

TEST_CASE("An operation in another file leaves the coins of a crash as they were") {
  const std::vector<Store> one = {writes("a", 0, std::string(9 * kSectorBytes, 'x'))};
  std::vector<Store> two = one;
  two.insert(two.begin(), writes("b", 0, "y"));
  const DiskImage found = {{"a", ""}, {"b", ""}};
  for (std::uint64_t key = 0; key < 50; ++key) {
    Loss loss;
    CHECK(after(found, one).crash(key, CrashStyle::kTorn, loss).at("a") ==
          after(found, two).crash(key, CrashStyle::kTorn, loss).at("a"));
  }
}

TEST_CASE("After a kill the files show the log, the last intent done, undone, or in part") {
  const DiskImage found = {{"a", "12345"}};
  const auto agrees = [&](const std::vector<Store>& ops, const DiskImage& actual) {
    return after(found, ops).agrees_with(actual).ok();
  };
  const std::vector<Store> two = {writes("a", 5, "67"), writes("a", 4, "xyz")};
  CHECK(agrees(two, {{"a", "1234xyz"}}));
  CHECK(agrees(two, {{"a", "1234xy7"}}));
  CHECK(agrees(two, {{"a", "1234567"}}));
  CHECK_FALSE(agrees(two, {{"a", "12345"}}));
  CHECK_FALSE(agrees(two, {{"a", "1234xY7"}}));
  CHECK_FALSE(agrees(two, {{"a", "12345z7"}}));
  CHECK(agrees({writes("a", 5, "67")}, {{"a", "123456"}}));
  CHECK_FALSE(agrees({writes("a", 5, "67"), sync_file("a")}, {{"a", "123456"}}));
  CHECK(agrees({truncates("a", 2)}, {{"a", "12345"}}));
  CHECK(agrees({truncates("a", 2)}, {{"a", "12"}}));
  CHECK_FALSE(agrees({truncates("a", 2)}, {{"a", "123"}}));
  CHECK(agrees({creates("b")}, {{"a", "12345"}}));
  CHECK(agrees({renames("a", "b")}, {{"b", "12345"}}));
  CHECK(agrees({renames("a", "b")}, {{"a", "12345"}}));
  CHECK(agrees({unlinks("a")}, {}));
  CHECK(after(found, {creates("b")}).agrees_with({{"b", ""}}).error().message ==
        "disk and store log disagree: a is missing");
  CHECK(after(found, {sync_dir()}).agrees_with({{"a", "12x45"}}).error().message ==
        "disk and store log disagree: a differs at offset 2 (5 bytes, 5 logged)");
  CHECK(after(found, {sync_dir()}).agrees_with({{"a", "12345"}, {"b", ""}}).error().message ==
        "disk and store log disagree: b was never created");
}

TEST_CASE("What a kill left unsynced a later power loss may still take") {
  const DiskImage found = {{"a", "1"}};
  DiskModel model = after(found, {creates("b"), writes("a", 1, "234")});
  REQUIRE(model.survive_kill({{"a", "12"}, {"b", ""}}).ok());
  CHECK(model.volatile_image() == DiskImage{{"a", "12"}, {"b", ""}});
  CHECK(model.durable_image() == found);
  CHECK(model.unsynced_ops() == 2);
  // The intent is settled: the next kill cannot undo it.
  CHECK_FALSE(model.agrees_with({{"a", "1"}, {"b", ""}}).ok());
  model.apply(sync_file("a"));
  model.apply(sync_dir());
  CHECK(model.durable_image() == DiskImage{{"a", "12"}, {"b", ""}});

  DiskModel undone = after(found, {creates("b")});
  REQUIRE(undone.survive_kill(found).ok());
  undone.apply(creates("b"));
  undone.apply(writes("b", 0, "x"));
  CHECK(undone.volatile_image() == DiskImage{{"a", "1"}, {"b", "x"}});
}

TEST_CASE("Synced operations are folded away, and unlinked files forgotten") {
  DiskModel model;
  model.reset({});
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "f" + std::to_string(i);
    model.apply(creates(name));
    model.apply(writes(name, 0, "x"));
    model.apply(sync_file(name));
    if (i > 0) model.apply(unlinks("f" + std::to_string(i - 1)));
    model.apply(sync_dir());
    REQUIRE(model.unsynced_ops() == 0);
  }
  CHECK(model.durable_image() == DiskImage{{"f999", "x"}});
}

TEST_CASE("Of a torn write a first part survives, and of everything else all of it") {
  const DiskModel model =
      after({{"a", "old"}}, {writes("a", 3, "first"), creates("b"), writes("a", 8, "second")});
  std::set<std::size_t> sizes;
  for (std::uint64_t key = 0; key < 100; ++key) {
    Loss loss;
    const DiskImage image = model.torn(key, loss);
    const std::string& a = image.at("a");
    CHECK(std::string("oldfirstsecond").starts_with(a));
    CHECK(image.contains("b"));
    CHECK(loss.bytes_lost == 14 - a.size());
    sizes.insert(a.size());
  }
  CHECK(sizes == std::set<std::size_t>{9, 10, 11, 12, 13});
  Loss loss;
  CHECK(after({{"a", "x"}}, {}).torn(1, loss) == DiskImage{{"a", "x"}});
  CHECK_FALSE(loss.effective());
}
