#include "nodes/host/journal.hpp"

#include <charconv>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "base/wire/fields.hpp"

namespace ww::host {

namespace {

constexpr std::string_view kPrefix = "journal-";
constexpr std::string_view kSuffix = ".seg";
constexpr std::size_t kDigits = 10;

enum class Kind : std::uint8_t { kHead = 1, kBoot = 2, kCheckpoint = 3, kStep = 4, kEnd = 5 };

void put_u32(std::string& out, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<char>(value >> (8 * i));
}

std::uint32_t u32_at(std::string_view in, std::size_t at) {
  return ByteReader(in.substr(at, 4)).u32();
}

std::size_t begin_record(std::string& out, Kind kind) {
  const std::size_t begin = out.size();
  out.append(kJournalRecordHeader, '\0');
  ByteWriter(out).u8(static_cast<std::uint8_t>(kind));
  return begin;
}

void end_record(std::string& out, std::size_t begin) {
  const std::string_view payload = std::string_view(out).substr(begin + kJournalRecordHeader);
  // A longer one is refused by who writes it; its length is then not needed.
  const auto length = static_cast<std::uint32_t>(payload.size());
  const std::uint32_t checksum = crc32c(payload);
  put_u32(out, begin, length);
  put_u32(out, begin + 4, crc32c(std::string_view(out).substr(begin, 4)));
  put_u32(out, begin + 8, checksum);
}

// Without skew the three clocks agree, so the differences are a byte each.
void put_moment(std::string& out, const Moment& moment) {
  ByteWriter w(out);
  const std::int64_t true_time = to_ns(moment.true_time);
  const std::int64_t mono = to_ns(moment.now.mono);
  w.varint(wire::zigzag(true_time));
  w.varint(wire::zigzag(mono - true_time));
  w.varint(wire::zigzag(to_ns(moment.now.wall) - mono));
}

Moment get_moment(ByteReader& in) {
  // Damage may name any number; sums wrap rather than overflow.
  const auto sum = [](std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  };
  const std::int64_t true_time = wire::unzigzag(in.varint());
  const std::int64_t mono = sum(true_time, wire::unzigzag(in.varint()));
  const std::int64_t wall = sum(mono, wire::unzigzag(in.varint()));
  return {{instant_at(mono), instant_at(wall)}, instant_at(true_time)};
}

std::size_t begin_step(std::string& out, std::uint64_t effects_before, const Moment& moment,
                       std::size_t input) {
  const std::size_t begin = begin_record(out, Kind::kStep);
  ByteWriter(out).u64(effects_before);
  put_moment(out, moment);
  ByteWriter(out).u8(static_cast<std::uint8_t>(input));
  return begin;
}

constexpr std::size_t kTimerInput = 0;
constexpr std::size_t kFrameInput = 1;
constexpr std::size_t kWrittenInput = 2;
constexpr std::size_t kRequestInput = 3;
constexpr std::size_t kSavedInput = 4;
constexpr std::size_t kTransferInput = 5;
constexpr std::size_t kMembershipInput = 6;
constexpr std::size_t kWatchInput = 7;

/// The last code there is, so that damage is told.
constexpr auto kLastErrorCode = static_cast<std::uint8_t>(ErrorCode::kInternal);

/// raft::Written and raft::Saved: a number, and how it went.
template <class Completion>
Completion get_completion(ByteReader& in) {
  Completion out;
  out.id = decltype(out.id){in.varint()};
  if (in.u8() == 0) return out;
  Error error;
  const std::uint8_t code = in.u8();
  if (code > kLastErrorCode) in.fail();
  error.code = static_cast<ErrorCode>(code);
  error.definite = in.u8() != 0;
  error.message = in.bytes();
  out.outcome = std::move(error);
  return out;
}

template <class Completion>
void put_completion(std::string& out, const Completion& completion) {
  ByteWriter w(out);
  w.varint(completion.id.value);
  w.u8(completion.outcome.ok() ? 0 : 1);
  if (completion.outcome.ok()) return;
  const Error& error = completion.outcome.error();
  w.u8(static_cast<std::uint8_t>(error.code));
  w.u8(error.definite ? 1 : 0);
  w.bytes(error.message);
}

raft::Request get_request(ByteReader& in) {
  raft::Request out;
  wire::decode_record(in, out.id);
  wire::Decoder decoder(in);
  decoder("", out.read_mode);
  wire::decode_record(in, out.command);
  return out;
}

std::optional<JournalInput> get_input(ByteReader& in) {
  switch (in.u8()) {
    case kTimerInput:
      return raft::TimerDue{};
    case kFrameInput:
      return ReceivedFrame{in.rest()};
    case kWrittenInput:
      return get_completion<raft::Written>(in);
    case kRequestInput:
      return get_request(in);
    case kSavedInput:
      return get_completion<raft::Saved>(in);
    case kTransferInput: {
      raft::TransferLeadership transfer;
      wire::Decoder decoder(in);
      decoder("to", transfer.to);
      return transfer;
    }
    case kMembershipInput: {
      raft::ChangeMembership change;
      wire::decode_record(in, change);
      return change;
    }
    case kWatchInput: {
      raft::Watch watch;
      wire::Decoder decoder(in);
      decoder("connection", watch.connection);
      wire::decode_record(in, watch.request);
      return watch;
    }
    default:
      return std::nullopt;
  }
}

Result<JournalRecord> decode(std::string_view payload) {
  const Error malformed{ErrorCode::kCorrupt, true, "the record does not decode"};
  ByteReader in(payload);
  Result<JournalRecord> out = malformed;
  switch (static_cast<Kind>(in.u8())) {
    case Kind::kHead: {
      JournalHead head;
      wire::decode_record(in, head);
      out = JournalRecord(std::move(head));
      break;
    }
    case Kind::kBoot: {
      JournalBoot boot;
      boot.moment = get_moment(in);
      auto start = raft::decode_start(in.rest());
      if (!start) return start.error();
      boot.start = std::move(*start);
      out = JournalRecord(std::move(boot));
      break;
    }
    case Kind::kCheckpoint:
      out = JournalRecord(JournalCheckpoint{in.u64(), in.rest()});
      break;
    case Kind::kEnd:
      out = JournalRecord(JournalEnd{in.u64()});
      break;
    case Kind::kStep: {
      const std::uint64_t effects_before = in.u64();
      const Moment moment = get_moment(in);
      auto input = get_input(in);
      if (!input) return malformed;
      out = JournalRecord(JournalStep{effects_before, moment, std::move(*input)});
      break;
    }
  }
  if (!in.done()) return malformed;
  return out;
}

}  // namespace

std::string journal_segment_name(std::uint64_t segment) {
  const std::string digits = std::to_string(segment);
  const std::size_t zeros = digits.size() < kDigits ? kDigits - digits.size() : 0;
  return std::string(kPrefix) + std::string(zeros, '0') + digits + std::string(kSuffix);
}

std::optional<std::uint64_t> journal_segment_number(std::string_view name) {
  if (name.size() < kPrefix.size() + kDigits + kSuffix.size()) return std::nullopt;
  const std::string_view digits =
      name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  std::uint64_t segment = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), segment);
  if (ec != std::errc{} || segment == 0 || journal_segment_name(segment) != name) {
    return std::nullopt;
  }
  return segment;
}

void append_record(std::string& out, const JournalHead& head) {
  const std::size_t begin = begin_record(out, Kind::kHead);
  wire::encode_record(out, head);
  end_record(out, begin);
}

void append_record(std::string& out, const JournalBoot& boot) {
  const std::size_t begin = begin_record(out, Kind::kBoot);
  put_moment(out, boot.moment);
  raft::encode_start(out, boot.start.config, boot.start.survived);
  end_record(out, begin);
}

void append_record(std::string& out, const JournalEnd& end) {
  const std::size_t begin = begin_record(out, Kind::kEnd);
  ByteWriter(out).u64(end.effects_before);
  end_record(out, begin);
}

void append_record(std::string& out, std::uint64_t effects_before, const Driver& driver) {
  const std::size_t begin = begin_record(out, Kind::kCheckpoint);
  ByteWriter(out).u64(effects_before);
  driver.append_checkpoint(out);
  end_record(out, begin);
}

void append_record(std::string& out, std::uint64_t effects_before, const Moment& moment,
                   const raft::Input& input) {
  if (std::holds_alternative<raft::TimerDue>(input)) {
    return end_record(out, begin_step(out, effects_before, moment, kTimerInput));
  }
  if (const auto* written = std::get_if<raft::Written>(&input)) {
    const std::size_t begin = begin_step(out, effects_before, moment, kWrittenInput);
    put_completion(out, *written);
    return end_record(out, begin);
  }
  if (const auto* saved = std::get_if<raft::Saved>(&input)) {
    const std::size_t begin = begin_step(out, effects_before, moment, kSavedInput);
    put_completion(out, *saved);
    return end_record(out, begin);
  }
  if (const auto* transfer = std::get_if<raft::TransferLeadership>(&input)) {
    const std::size_t begin = begin_step(out, effects_before, moment, kTransferInput);
    ByteWriter(out).varint(transfer->to.value);
    return end_record(out, begin);
  }
  if (const auto* change = std::get_if<raft::ChangeMembership>(&input)) {
    const std::size_t begin = begin_step(out, effects_before, moment, kMembershipInput);
    wire::encode_record(out, *change);
    return end_record(out, begin);
  }
  if (const auto* watch = std::get_if<raft::Watch>(&input)) {
    const std::size_t begin = begin_step(out, effects_before, moment, kWatchInput);
    ByteWriter(out).varint(watch->connection.value);
    wire::encode_record(out, watch->request);
    return end_record(out, begin);
  }
  const auto* request = std::get_if<raft::Request>(&input);
  WW_ASSERT(request != nullptr, "messages are recorded as frames");
  const std::size_t begin = begin_step(out, effects_before, moment, kRequestInput);
  wire::encode_record(out, request->id);
  wire::Encoder encoder(out);
  encoder("", request->read_mode);
  wire::encode_record(out, request->command);
  end_record(out, begin);
}

void append_record(std::string& out, std::uint64_t effects_before, const Moment& moment,
                   const ReceivedFrame& frame) {
  const std::size_t begin = begin_step(out, effects_before, moment, kFrameInput);
  ByteWriter(out).raw(frame.payload);
  end_record(out, begin);
}

Result<std::optional<JournalRecord>> JournalReader::next() {
  const auto damaged = [this](const std::string& what) {
    return Error{ErrorCode::kCorrupt, true, "byte " + std::to_string(at_) + ": " + what};
  };
  if (at_ == 0) {
    if (file_.substr(0, kJournalMagic.size()) != kJournalMagic.substr(0, file_.size())) {
      return damaged("this is no journal, or one of another version");
    }
    if (file_.size() < kJournalMagic.size()) {
      torn_ = true;
      return std::optional<JournalRecord>();
    }
    at_ = kJournalMagic.size();
  }
  const std::size_t left = file_.size() - at_;
  torn_ = left > 0 && left < kJournalRecordHeader;
  if (left < kJournalRecordHeader) return std::optional<JournalRecord>();
  if (u32_at(file_, at_ + 4) != crc32c(file_.substr(at_, 4))) {
    return damaged("the record's length is damaged");
  }
  const std::uint32_t length = u32_at(file_, at_);
  if (length > kMaxJournalRecord) return damaged("the record is longer than any that is written");
  torn_ = length > left - kJournalRecordHeader;
  if (torn_) return std::optional<JournalRecord>();
  const std::string_view payload = file_.substr(at_ + kJournalRecordHeader, length);
  if (u32_at(file_, at_ + 8) != crc32c(payload)) return damaged("the record is damaged");
  auto record = decode(payload);
  if (!record) return damaged(record.error().message);
  at_ += kJournalRecordHeader + length;
  return std::optional<JournalRecord>(std::move(*record));
}

}  // namespace ww::host
