#include "faults/packet.hpp"

#include "faults/fault.hpp"

namespace ww::faults {

namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::uint32_t kAlways = 1'000'000;

class Packet final : public Fault {
 public:
  using Fault::Fault;

  bool inject(Instant /*now*/, bool settle) override {
    nodes_ = resolve(settle, [](const NodeView&) { return true; });
    if (nodes_.empty()) return false;
    const auto ms = [&](std::string_view name) {
      return Duration(milliseconds(param(spec_, name)));
    };
    const auto ppm = [&](std::string_view name) {
      return static_cast<std::uint32_t>(param(spec_, name));
    };
    const auto number = [&](std::string_view name) {
      return static_cast<std::uint64_t>(param(spec_, name));
    };
    // The single message that is meant has no rate: it is lost or doubled for certain.
    const bool lost = spec_.shape == "single-drop";
    const bool doubled = spec_.shape == "single-duplicate";
    const bool everywhere = nodes_.size() == ports_.nodes;
    ports_.links.impair(spec_.id,
                        PacketRule{.delay = ms("delay_ms") + ms("hold_ms"),
                                   .jitter = ms("jitter_ms"),
                                   .drop_ppm = lost ? kAlways : ppm("drop_ppm"),
                                   .duplicate_ppm = doubled ? kAlways : ppm("duplicate_ppm"),
                                   .reorder_ppm = ppm("reorder_ppm"),
                                   .lag = ms("lag_ms"),
                                   .types = spec_.types,
                                   .nodes = everywhere ? std::vector<NodeId>{} : nodes_,
                                   .clients = param(spec_, "clients") != 0,
                                   .nth = number("nth"),
                                   .count = number("count")});
    return true;
  }

  void heal(Instant /*now*/) override { ports_.links.heal(spec_.id); }

  [[nodiscard]] bool effective() const override {
    const LinkCounts& counts = ports_.links.counts(spec_.id);
    return all_messages(counts.dropped) + all_messages(counts.delayed) +
               all_messages(counts.duplicated) + all_messages(counts.reordered) >
           0;
  }
  [[nodiscard]] std::string evidence() const override {
    const LinkCounts& counts = ports_.links.counts(spec_.id);
    std::string text;
    const auto add = [&](std::string_view verb, const LinkCounts::ByType& by_type) {
      if (all_messages(by_type) == 0) return;
      if (!text.empty()) text += "; ";
      text += std::string(verb) + ' ' + describe_counts(by_type);
    };
    add("dropped", counts.dropped);
    add("delayed", counts.delayed);
    add("duplicated", counts.duplicated);
    add("reordered", counts.reordered);
    return text.empty() ? "changed nothing" : text;
  }
};

ParamInfo clients() {
  return {.name = "clients", .help = "1: client links too", .low = 0, .high = 1, .fallback = 1};
}
ParamInfo delay() {
  return {.name = "delay_ms",
          .help = "every message, by itself",
          .low = 0,
          .high = kMinute,
          .draw_low = 5,
          .draw_high = 200,
          .fallback = 50};
}
ParamInfo jitter() {
  return {.name = "jitter_ms",
          .help = "delay +- jitter, uniform",
          .low = 0,
          .high = kMinute,
          .draw_low = 1,
          .draw_high = 100,
          .fallback = 10};
}
ParamInfo rate(std::string_view name, std::string_view help, std::int64_t draw_high) {
  return {.name = name,
          .help = help,
          .low = 0,
          .high = kAlways,
          .draw_low = 20'000,
          .draw_high = draw_high,
          .fallback = 200'000};
}
ParamInfo lag() {
  return {.name = "lag_ms",
          .help = "a copy or a reordered message comes up to this much later",
          .low = 1,
          .high = kMinute,
          .draw_low = 5,
          .draw_high = 400,
          .fallback = 50};
}
ParamInfo drop() {
  return rate("drop_ppm", "lost messages in a million", 400'000);
}
ParamInfo duplicate() {
  return rate("duplicate_ppm", "doubled messages in a million", 500'000);
}
ParamInfo reorder() {
  return rate("reorder_ppm", "overtaken messages in a million", 500'000);
}

ParamInfo nth() {
  return {.name = "nth",
          .help = "the first message that is meant, counted from the injection",
          .low = 1,
          .high = 1'000'000,
          .draw_low = 1,
          .draw_high = 8,
          .fallback = 1};
}
ParamInfo count() {
  return {.name = "count",
          .help = "how many are meant",
          .low = 1,
          .high = 1'000'000,
          .draw_low = 1,
          .draw_high = 16,
          .fallback = 1};
}
ParamInfo hold() {
  return {.name = "hold_ms",
          .help = "how much later: later ones overtake it, or a whole election does",
          .low = 1,
          .high = kMinute,
          .draw_low = 20,
          .draw_high = 2'000,
          .fallback = 1'500};
}

ShapeInfo shape(std::string_view name, std::string_view help, std::vector<ParamInfo> params) {
  params.push_back(clients());
  return {.name = name, .help = help, .weight = 1, .min_nodes = 1, .params = std::move(params)};
}
ShapeInfo single(std::string_view name, std::string_view help, std::vector<ParamInfo> params) {
  params.insert(params.begin(), {nth(), count()});
  ShapeInfo out = shape(name, help, std::move(params));
  out.one_type = true;
  return out;
}

}  // namespace

KindInfo packet_kind() {
  return KindInfo{
      .name = "packet",
      .summary = "messages are late, lost, doubled or out of order, by type and by node",
      .heal = "messages pass unharmed; delayed ones still come",
      .evidence = "a message of a node or client was changed",
      .verbs = "none: links",
      .color = "#2f7fc1",
      .min_nodes = 1,
      .shortest = milliseconds(1000),
      .longest = milliseconds(8000),
      .targets = {{Target::kOne, 1},
                  {Target::kMinority, 1},
                  {Target::kMajority, 1},
                  {Target::kPrimaries, 2},
                  {Target::kAll, 4}},
      .shapes = {shape("delay", "late, with jitter", {delay(), jitter()}),
                 shape("drop", "lost", {drop()}),
                 shape("duplicate", "sent twice", {duplicate(), lag()}),
                 shape("reorder", "overtaken by later ones", {reorder(), lag()}),
                 shape("mixed", "all of these at once",
                       {delay(), jitter(), drop(), duplicate(), reorder(), lag()}),
                 single("single-drop", "a single message is lost", {}),
                 single("single-hold", "a single message comes later", {hold()}),
                 single("single-duplicate", "a single message comes twice", {lag()})},
      .takes_types = true,
      .make = [](const FaultSpec& spec, Ports& ports) -> std::unique_ptr<Fault> {
        return std::make_unique<Packet>(spec, ports);
      }};
}

}  // namespace ww::faults
