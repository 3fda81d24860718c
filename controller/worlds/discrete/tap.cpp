#include "controller/worlds/discrete/tap.hpp"

namespace ww::discrete {

void Tap::on_start(NodeId node, Incarnation incarnation, Instant time) {
  if (recorder_) recorder_->add_start(node, incarnation, time);
  if (coverage_) coverage_->on_start(node);
  observer_.on_start(node, incarnation, time);
}

void Tap::on_event(NodeId node, Incarnation incarnation, std::uint64_t sequence, Instant time,
                   wire::trace::Event&& event) {
  record_.sequence = sequence;
  record_.time = time;
  record_.event = std::move(event);
  if (recorder_) recorder_->add_record(node, incarnation, record_);
  if (coverage_) coverage_->on_event(node, record_.event);
  observer_.on_trace(node, incarnation, record_);
}

void Tap::on_death(NodeId node, Incarnation incarnation, Instant time, Death how, bool torn) {
  if (recorder_) recorder_->add_death(node, incarnation, time, how);
  if (coverage_) coverage_->on_death(node);
  observer_.on_death(node, incarnation, time, how, torn);
}

void Tap::on_disk(NodeId node, Instant time, const DiskImage& before, const DiskImage& after) {
  if (recorder_) {
    recorder_->add_disk(node, time, "found", before);
    recorder_->add_disk(node, time, "left", after);
  }
  observer_.on_disk(node, time, before, after);
}

void Tap::on_frame(Instant time, const wire::Envelope& envelope, std::string_view payload) {
  if (recorder_) recorder_->add_frame(time, envelope, payload);
  observer_.on_frame(time, envelope, payload);
}

void Tap::on_digest(NodeId node, Instant now, std::uint64_t digest) {
  if (recorder_) recorder_->add_digest(node, now, digest);
}

}  // namespace ww::discrete
