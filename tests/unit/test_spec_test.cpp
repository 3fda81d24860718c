#include "controller/run/test_spec.hpp"

#include <catch2/catch.hpp>

#include "base/nearest.hpp"

using namespace ww;
using namespace ww::run;

TEST_CASE("durations are read in every unit and printed in the largest that fits") {
  CHECK(*parse_duration("40s") == seconds(40));
  CHECK(*parse_duration("1.5s") == milliseconds(1500));
  CHECK(*parse_duration("250ms") == milliseconds(250));
  CHECK(*parse_duration("2m") == seconds(120));
  CHECK(*parse_duration("6h") == seconds(21600));
  CHECK(format_duration(milliseconds(1500)) == "1500ms");
  CHECK(format_duration(seconds(120)) == "2m");
  CHECK(format_duration(Duration{}) == "0s");
  for (const char* bad : {"", "s", "40", "-3s", "4 s", "1.s", "40sec", "99999999999999999999s"}) {
    INFO(bad);
    CHECK_FALSE(parse_duration(bad));
  }
}

TEST_CASE("a test survives its JSON, and every key is checked") {
  TestSpec spec;
  spec.seed = 42;
  spec.faults = {"kill", "packet"};
  spec.bugs = {"no-dedupe"};
  spec.time_limit = seconds(7);
  spec.small_domain = true;
  const auto again = parse_test(to_json(spec), "test.json");
  REQUIRE(again);
  CHECK(*again == spec);

  const auto misspelt =
      parse_test(R"({"schema":"whitewater.test","v":1,"time_limt":"4s"})", "t.json");
  REQUIRE_FALSE(misspelt);
  CHECK(misspelt.error().message ==
        "t.json: unknown key \"time_limt\"; did you mean \"time_limit\"?");
  const auto mistyped = parse_test(R"({"schema":"whitewater.test","v":1,"nodes":-3})", "t.json");
  REQUIRE_FALSE(mistyped);
  CHECK(mistyped.error().message.find("\"nodes\"") != std::string::npos);
  CHECK_FALSE(parse_test("{", "t.json"));
  CHECK_FALSE(parse_test(R"({"schema":"whitewater.test","v":2})", "t.json"));
}

TEST_CASE("the command line of a test names what is not the default, and nothing else") {
  TestSpec spec;
  spec.seed = 7;
  CHECK(command_line(spec) == "./whitewater run --seed 7");
  spec.nodes = 3;
  spec.faults = {"kill", "clock"};
  spec.small_domain = true;
  CHECK(command_line(spec) ==
        "./whitewater run --seed 7 --nodes 3 --faults kill,clock --small-domain");
}

TEST_CASE("numbers out of their bounds are refused with the flag's name") {
  TestSpec spec;
  CHECK(validate(spec));
  spec.nodes = kMaxNodes + 1;
  CHECK(validate(spec).error().message.find("--nodes") != std::string::npos);
  spec = TestSpec{};
  spec.heartbeat_interval = spec.election_timeout;
  CHECK(validate(spec).error().message.find("--election-timeout") != std::string::npos);
}

TEST_CASE("the nearest name is near, or there is none") {
  const std::vector<std::string> names = {"kill", "pause", "partition"};
  CHECK(nearest("partitoin", names) == std::optional<std::string>("partition"));
  CHECK(nearest("kil", names) == std::optional<std::string>("kill"));
  CHECK_FALSE(nearest("zebra", names));
}
