#include "tests/unit/raft_transcript.hpp"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

namespace ww::raft::testing {

namespace {

/// Renders a record's fields as " name=value"; hashes are left out, for they say nothing to a
/// reader.
class TextFields {
 public:
  explicit TextFields(std::string& out) : out_(out) {}

  void operator()(const std::string&, Instant) {}  // a border's, which a replica does not know
  template <class T>
  void operator()(const std::string& name, const T& x) {
    if (name == "h" || name == "d" || name == "answer" || name == "eh") return;
    // Of doubt only where there is any.
    if constexpr (std::is_integral_v<T>) {
      if ((name == "doubt" || name == "covers") && x == 0) return;
    }
    out_ += ' ' + name + '=';
    put(x);
  }

 private:
  void put(bool x) { out_ += x ? "yes" : "no"; }
  void put(const std::string& x) { out_ += x; }
  void put(NodeId x) { out_ += x == kNobody ? "-" : name_of(x); }
  void put(ClientId x) { out_ += name_of(x); }
  void put(const LogPosition& x) { out_ += std::to_string(x.index) + '/' + std::to_string(x.term); }
  void put(Duration x) { out_ += std::to_string(to_ns(x)) + "ns"; }
  template <class Tag>
  void put(Id<Tag, std::uint64_t> x) {
    out_ += std::to_string(x.value);
  }
  template <class T>
  void put(const std::vector<T>& items) {
    out_ += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ' ';
      put(items[i]);
    }
    out_ += ']';
  }
  template <class T>
  void put(const T& x) {
    if constexpr (wire::Record<T>) {
      std::string nested;
      TextFields fields(nested);
      T::fields(x, fields);
      out_ += nested.empty() ? nested : nested.substr(1);
    } else if constexpr (std::is_enum_v<T>) {
      out_ += name_of(x);
    } else {
      out_ += std::to_string(x);
    }
  }
  std::string& out_;
};

template <class T>
std::string fields_of(const T& record) {
  std::string out;
  TextFields fields(out);
  T::fields(record, fields);
  return out;
}

std::string text_of(const wire::PeerMessage& message) {
  std::string out = std::string(wire::name_of(wire::type_of(message)));
  out += " term=" + std::to_string(wire::term_of(message));
  std::visit([&](const auto& m) { out += fields_of(m); }, message);
  return out;
}

std::string text_of(const Packet& packet) {
  const Result<wire::PeerFrame> frame = wire::decode_peer(packet.payload);
  return name_of(packet.from) + "->" + name_of(packet.to) + ' ' + text_of(frame->message);
}

std::string text_of(const Save& save) {
  return "#" + std::to_string(save.id.value) + " at=" + std::to_string(save.at.index) + '/' +
         std::to_string(save.at.term);
}

std::string text_of(const Write& write) {
  std::string out = "#" + std::to_string(write.id.value);
  if (write.term) {
    out += " term=" + std::to_string(*write.term) + " vote=";
    out += write.voted_for == kNobody ? "-" : name_of(write.voted_for);
  }
  if (write.reset_to) {
    out += " reset=" + std::to_string(write.reset_to->index) + '/' +
           std::to_string(write.reset_to->term);
  }
  if (write.truncate_from) out += " truncate=" + std::to_string(*write.truncate_from);
  if (write.entries.count != 0) {
    out += " entries=" + std::to_string(write.entries.first) + ".." +
           std::to_string(write.entries.end() - 1);
  }
  return out + (write.sync ? "" : " unsynced");
}

std::string text_of(const Answer& answer) {
  const wire::ClientReply& r = answer.reply;
  std::string out = name_of(answer.id.connection) + '/' + std::to_string(answer.id.request) + ' ' +
                    std::string(wire::name_of(r.outcome));
  if (r.refusal != wire::Refusal::kNone) out += " " + std::string(wire::name_of(r.refusal));
  if (r.leader_hint != kNobody) out += " leader=" + name_of(r.leader_hint);
  if (r.outcome != wire::Outcome::kOk) return out;
  out += " at=" + std::to_string(r.at.index) + '/' + std::to_string(r.at.term);
  if (r.session != SessionId{0}) out += " session=" + std::to_string(r.session.value);
  if (!r.matched) out += " unmatched";
  out += r.exists ? " existed" : "";
  return out + (r.value.empty() ? "" : " value=" + r.value);
}

std::string text_of(const Notice& notice) {
  const wire::WatchFrame& f = notice.frame;
  std::string out = name_of(notice.id.connection) + '/' + std::to_string(f.request) + '.' +
                    std::to_string(f.number);
  if (f.refusal != wire::Refusal::kNone) {
    out += " ends: " + std::string(wire::name_of(f.refusal));
    return f.oldest == 0 ? out : out + ", oldest " + std::to_string(f.oldest);
  }
  out += ' ' + std::to_string(f.first) + ".." + std::to_string(f.upto);
  for (const wire::Change& change : f.changes) {
    out += ' ' + std::to_string(change.revision) + ':' + change.key +
           (change.exists ? '=' + change.value : " deleted");
  }
  return out;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// The value of "name=value" among the words, or `otherwise`.
std::string option(const std::vector<std::string>& words, const std::string& name,
                   const std::string& otherwise) {
  for (const std::string& word : words) {
    if (word.rfind(name + '=', 0) == 0) return word.substr(name.size() + 1);
  }
  return otherwise;
}

std::uint64_t number(const std::string& word) {
  return std::stoull(word);
}

}  // namespace

std::string Transcript::run(const std::string& line) {
  out_.clear();
  const Words words = words_of(line);
  if (words[0] != "cluster" && words[0] != "show" && !cluster_)
    return "error: begin with a cluster\n";
  verb(words);
  return out_;
}

void Transcript::verb(const Words& words) {
  const std::string& name = words[0];
  const std::string first = words.size() > 1 ? words[1] : "";
  if (name == "cluster") return make_cluster(words);
  if (name == "show") {
    shown_ = first == "all" ? std::set<std::string>() : std::set(words.begin() + 1, words.end());
  } else if (name == "timer") {
    cluster_->advance_to(cluster_->member(node(first)).replica->deadline());
    cluster_->timer(node(first));
  } else if (name == "advance") {
    cluster_->advance_to(cluster_->now() + milliseconds(number(first)));
  } else if (name == "deliver" || name == "drop" || name == "copy") {
    on_packet(words);
  } else if (name == "written") {
    written(words);
  } else if (name == "saved") {
    saved(words);
  } else if (name == "settle") {
    settle();
  } else if (name == "elect") {
    quiet_ = true;
    verb({"timer", first});
    settle();
    quiet_ = false;
  } else if (name == "beat") {
    quiet_ = true;
    for (std::uint64_t i = number(words[2]); i > 0; --i) {
      verb({"timer", first});
      settle();
    }
    quiet_ = false;
  } else if (name == "request") {
    request(words);
  } else if (name == "watch" || name == "ack" || name == "unwatch") {
    watch(words);
  } else if (name == "transfer") {
    cluster_->transfer(node(first), words.size() > 2 ? node(words[2]) : kNobody);
  } else if (name == "cut") {
    const std::size_t arrow = first.find("->");
    cluster_->cut(node(first.substr(0, arrow)), node(first.substr(arrow + 2)), true);
  } else if (name == "heal") {
    for (const Member& a : cluster_->members()) {
      for (const Member& b : cluster_->members()) cluster_->cut(a.id, b.id, false);
    }
  } else if (name == "crash") {
    cluster_->crash(node(first), words.size() > 2 ? number(words[2]) : 0, words.size() > 3);
  } else if (name == "wipe") {
    cluster_->wipe(node(first));
  } else if (name == "start") {
    cluster_->start(node(first));
  } else if (name == "change") {
    change(words);
  } else if (name == "members") {
    members();
  } else if (name == "state") {
    state();
  } else if (name == "messages") {
    messages();
  } else {
    out_ += "error: no verb " + name + '\n';
  }
}

NodeId Transcript::node(const std::string& word) {
  return NodeId{static_cast<std::uint32_t>(number(word.substr(1)))};
}

void Transcript::make_cluster(const Words& words) {
  Config config;
  const auto limit = [&](const char* name, std::uint64_t otherwise) {
    return number(option(words, name, std::to_string(otherwise)));
  };
  Limits& limits = config.limits;
  limits.max_append_bytes =
      static_cast<std::uint32_t>(limit("append-bytes", limits.max_append_bytes));
  limits.max_pending_requests =
      static_cast<std::uint32_t>(limit("pending", limits.max_pending_requests));
  limits.max_uncommitted_bytes = limit("uncommitted", limits.max_uncommitted_bytes);
  limits.machine.max_sessions =
      static_cast<std::uint32_t>(limit("sessions", limits.machine.max_sessions));
  limits.machine.history_entries = limit("watch-entries", limits.machine.history_entries);
  limits.max_watchers = static_cast<std::uint32_t>(limit("watchers", limits.max_watchers));
  const std::string drift = option(words, "leases", "");
  config.leases = !drift.empty();
  if (config.leases) config.lease_drift_percent = static_cast<std::uint32_t>(number(drift));
  config.follower_reads = std::find(words.begin(), words.end(), "follower-reads") != words.end();
  SnapshotOptions& snapshots = config.snapshots;
  snapshots.entries = limit("snapshot-entries", 0);
  snapshots.bytes = limit("snapshot-bytes", 0);
  snapshots.interval = milliseconds(limit("snapshot-interval-ms", 0));
  snapshots.trailing = limit("snapshot-trailing", 0);
  snapshots.piece_bytes =
      static_cast<std::uint32_t>(limit("snapshot-piece", snapshots.piece_bytes));
  const std::string bug = option(words, "bug", "");
  if (!bug.empty()) {
    if (!bugs::bug_of(bug)) {
      out_ += "error: no bug " + bug + '\n';
      return;
    }
    config.bugs.turn_on(*bugs::bug_of(bug));
  }
  cluster_ = std::make_unique<Cluster>(
      number(words[1]), config,
      [this](const Member& member, const Effect& effect) { see(member, effect); },
      limit("voters", 0));
}

void Transcript::request(const Words& words) {
  static const std::map<std::string, wire::CommandKind> kKinds = {
      {"open", wire::CommandKind::kOpenSession}, {"read", wire::CommandKind::kRead},
      {"logread", wire::CommandKind::kRead},     {"write", wire::CommandKind::kWrite},
      {"cas", wire::CommandKind::kCas},          {"append", wire::CommandKind::kAppend},
      {"delete", wire::CommandKind::kDelete}};
  const std::string& id = words[2];
  const std::size_t slash = id.find('/');
  Request r;
  r.id = {ClientId{static_cast<std::uint32_t>(number(id.substr(1, slash - 1)))},
          number(id.substr(slash + 1))};
  r.command.kind = kKinds.at(words[3]);
  r.read_mode = words[3] == "logread" ? wire::ReadMode::kLog : wire::ReadMode::kIndex;
  r.command.session = SessionId{number(option(words, "session", "0"))};
  r.command.seq = number(option(words, "seq", "0"));
  const bool is_cas = r.command.kind == wire::CommandKind::kCas;
  if (r.command.kind != wire::CommandKind::kOpenSession) r.command.key = words[4];
  if (is_cas) r.command.expected = words[5];
  if (is_cas) r.command.value = words[6];
  if (words[3] == "write" || words[3] == "append") r.command.value = words[5];
  cluster_->request(node(words[1]), r);
}

void Transcript::change(const Words& words) {
  ChangeMembership change;
  change.mode = wire::MembershipMode::kJoint;
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "single") {
      change.mode = wire::MembershipMode::kSingle;
    } else {
      change.voters.push_back(node(words[i]));
    }
  }
  cluster_->change(node(words[1]), change);
}

void Transcript::members() {
  for (const Member& member : cluster_->members()) {
    if (!member.replica) continue;
    out_ += name_of(member.id) + ' ' + std::string(wire::name_of(member.replica->role())) +
            fields_of(member.replica->configuration()) + '\n';
  }
}

/// watch NODE CONN/REQUEST from=R [keys=a,b]; ack NODE CONN/STREAM frames=N; unwatch NODE
/// CONN/STREAM.
void Transcript::watch(const Words& words) {
  const std::size_t slash = words[2].find('/');
  Watch w;
  w.connection = ClientId{static_cast<std::uint32_t>(number(words[2].substr(1, slash - 1)))};
  const std::uint64_t id = number(words[2].substr(slash + 1));
  if (words[0] == "watch") {
    w.request.request = id;
    w.request.from = number(option(words, "from", "0"));
    std::istringstream keys(option(words, "keys", ""));
    for (std::string key; std::getline(keys, key, ',');) w.request.keys.push_back(key);
  } else {
    w.request.verb = words[0] == "ack" ? wire::WatchVerb::kAcknowledge : wire::WatchVerb::kClose;
    w.request.stream = id;
    w.request.frames = number(option(words, "frames", "0"));
  }
  cluster_->watch(node(words[1]), w);
}

void Transcript::on_packet(const Words& words) {
  const auto act = [&](std::size_t place) {
    print("deliver", words[0] + ' ' + text_of(cluster_->packets()[place]));
    if (words[0] == "deliver") return cluster_->deliver(place);
    if (words[0] == "drop") return cluster_->drop(place);
    cluster_->duplicate(place);
  };
  if (words[1] == "all") {
    while (!cluster_->packets().empty()) act(0);
    return;
  }
  const auto& packets = cluster_->packets();
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (name_of(packets[i].from) + "->" + name_of(packets[i].to) != words[1]) continue;
    if (words.size() > 2 && wire::name_of(packets[i].type) != words[2]) continue;
    return act(i);
  }
  out_ += "error: no such message\n";
}

void Transcript::written(const Words& words) {
  Result<void> outcome;
  if (words.size() > 2) outcome = Error{ErrorCode::kIo, false, "Input/output error"};
  for (const Member& member : cluster_->members()) {
    if (words[1] != "all" && words[1] != name_of(member.id)) continue;
    if (words[1] != "all" && member.pending.empty()) out_ += "error: nothing to write\n";
    while (!member.pending.empty() && member.replica) {
      cluster_->complete_write(member.id, outcome);
      if (words[1] != "all") return;
    }
  }
}

void Transcript::saved(const Words& words) {
  Result<void> outcome;
  if (words.size() > 2) outcome = Error{ErrorCode::kIo, false, "Input/output error"};
  for (const Member& member : cluster_->members()) {
    if (words[1] != "all" && words[1] != name_of(member.id)) continue;
    if (words[1] != "all" && !member.saving) out_ += "error: nothing to save\n";
    if (member.saving) cluster_->complete_save(member.id, outcome);
  }
}

void Transcript::settle() {
  for (bool busy = true; busy;) {
    busy = !cluster_->packets().empty();
    if (busy)
      verb({"deliver",
            name_of(cluster_->packets()[0].from) + "->" + name_of(cluster_->packets()[0].to)});
    for (const Member& member : cluster_->members()) {
      if (member.replica && member.saving) {
        cluster_->complete_save(member.id);
        busy = true;
      }
      if (!member.replica || member.pending.empty()) continue;
      cluster_->complete_write(member.id);
      busy = true;
    }
  }
}

void Transcript::state() {
  for (const Member& member : cluster_->members()) {
    std::string line = name_of(member.id);
    if (!member.replica) {
      out_ += line + " down\n";
      continue;
    }
    const Replica& r = *member.replica;
    line +=
        ' ' + std::string(wire::name_of(r.role())) + " term=" + std::to_string(r.current_term());
    line += " vote=" + (r.voted_for() == kNobody ? std::string("-") : name_of(r.voted_for()));
    line += " leader=" + (r.leader() == kNobody ? std::string("-") : name_of(r.leader()));
    line += " commit=" + std::to_string(r.commit_index());
    line += " stable=" + std::to_string(r.durability().stable_index());
    if (r.snapshot().at.index != 0) line += " snapshot=" + std::to_string(r.snapshot().at.index);
    if (r.log().base().index != 0) {
      line += " base=" + std::to_string(r.log().base().index) + '/' +
              std::to_string(r.log().base().term);
    }
    line += " terms=[";
    for (Index i = r.log().first_index(); i <= r.last().index; ++i) {
      line += (i > r.log().first_index() ? " " : "") + std::to_string(r.log().term_at(i));
    }
    out_ += line + "]\n";
  }
}

void Transcript::messages() {
  for (const Packet& packet : cluster_->packets()) out_ += text_of(packet) + '\n';
}

void Transcript::see(const Member& member, const Effect& effect) {
  const std::string who = "  " + name_of(member.id) + ' ';
  if (const auto* write = std::get_if<Write>(&effect)) {
    print("write", who + "WRITE " + text_of(*write));
  } else if (const auto* send = std::get_if<Send>(&effect)) {
    print("send", who + "SEND to " + name_of(send->to) + ' ' + text_of(send->message));
  } else if (const auto* answer = std::get_if<Answer>(&effect)) {
    print("answer", who + "ANSWER " + text_of(*answer));
  } else if (const auto* save = std::get_if<Save>(&effect)) {
    print("save", who + "SAVE " + text_of(*save));
  } else if (const auto* notice = std::get_if<Notice>(&effect)) {
    print("notice", who + "NOTICE " + text_of(*notice));
  } else {
    const wire::trace::Event& event = std::get<Trace>(effect).event;
    const std::string name(wire::trace::name_of(event));
    std::string text;
    if (const auto* store = std::get_if<wire::trace::Store>(&event)) {
      text = store->file;
    } else {
      std::visit([&](const auto& e) { text = fields_of(e); }, event);
    }
    print(name, who + name + text);
  }
}

void Transcript::print(const std::string& kind, const std::string& line) {
  if (!quiet_ && (shown_.empty() || shown_.count(kind) != 0)) out_ += line + '\n';
}

std::string replay(const std::string& text) {
  Transcript transcript;
  std::istringstream in(text);
  std::string out;
  std::string block;
  for (std::string line; std::getline(in, line);) {
    out += line + '\n';
    if (line == "----") {
      out += (block.empty() ? "ok\n" : block) + '\n';
      block.clear();
      while (std::getline(in, line) && !line.empty()) {
      }
    } else if (!line.empty() && line[0] != '#') {
      block += transcript.run(line);
    }
  }
  return out;
}

}  // namespace ww::raft::testing
