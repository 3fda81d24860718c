#include "faults/registry.hpp"

#include <algorithm>
#include <array>

#include "base/nearest.hpp"
#include "faults/clock.hpp"
#include "faults/disk_trouble.hpp"
#include "faults/fault.hpp"
#include "faults/kill.hpp"
#include "faults/packet.hpp"
#include "faults/partition.hpp"
#include "faults/pause.hpp"
#include "faults/power_loss.hpp"
#include "faults/transfer.hpp"

namespace ww::faults {

namespace {

Error broken(const KindInfo& kind, std::string_view what) {
  return Error{ErrorCode::kInternal, true,
               "fault kind '" + std::string(kind.name) + "': " + std::string(what)};
}

Result<void> check_shape(const KindInfo& kind, const ShapeInfo& shape) {
  if (shape.weight == 0) return broken(kind, "a shape that is never dealt");
  if (kind.shapes.size() > 1 && shape.name.empty()) return broken(kind, "a shape without name");
  for (const ParamInfo& param : shape.params) {
    const std::string name(param.name);
    if (param.name.empty() || param.help.empty()) return broken(kind, "a nameless parameter");
    if (param.low > param.high) return broken(kind, name + " has no permitted value");
    const auto permitted = [&](std::int64_t v) { return v >= param.low && v <= param.high; };
    if (!permitted(param.fallback)) return broken(kind, name + " has a forbidden default");
    const bool drawn = param.draw_high != 0;
    if (drawn && (param.draw_low < 1 || param.draw_low > param.draw_high)) {
      return broken(kind, name + " is drawn from an empty range");
    }
    if (drawn && (!permitted(param.draw_low) || !permitted(param.draw_high) ||
                  (param.either_sign && !permitted(-param.draw_high)))) {
      return broken(kind, name + " is drawn beyond its bounds");
    }
  }
  return {};
}

}  // namespace

std::span<const KindInfo> registry() {
  static const std::array<KindInfo, 8> kKinds = {
      kill_kind(),  pause_kind(),      partition_kind(), packet_kind(),
      clock_kind(), power_loss_kind(), disk_kind(),      transfer_kind(),
  };
  return kKinds;
}

const KindInfo* find_kind(std::string_view name) {
  for (const KindInfo& kind : registry()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

const ShapeInfo* find_shape(const KindInfo& kind, std::string_view name) {
  for (const ShapeInfo& shape : kind.shapes) {
    if (shape.name == name) return &shape;
  }
  return nullptr;
}

const ParamInfo* find_param(const ShapeInfo& shape, std::string_view name) {
  for (const ParamInfo& param : shape.params) {
    if (param.name == name) return &param;
  }
  return nullptr;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> names) {
  const auto near = nearest(word, names);
  return near ? " (did you mean " + *near + "?)" : "";
}

Result<void> check_registry(std::span<const KindInfo> kinds) {
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const KindInfo& kind = kinds[i];
    if (kind.name.empty() || kind.summary.empty()) return broken(kind, "no name or summary");
    for (std::size_t j = 0; j < i; ++j) {
      if (kinds[j].name == kind.name) return broken(kind, "the name is taken");
    }
    if (kind.heal.empty()) return broken(kind, "a fault without a heal");
    if (kind.evidence.empty()) return broken(kind, "a fault without evidence");
    if (kind.verbs.empty() || kind.color.size() != 7) return broken(kind, "no verbs or no colour");
    if (kind.make == nullptr) return broken(kind, "nothing makes it");
    if (kind.shortest <= Duration{0} || kind.shortest > kind.longest) {
      return broken(kind, "durations from an empty range");
    }
    if (kind.shapes.empty()) return broken(kind, "not even a nameless shape");
    for (const ShapeInfo& shape : kind.shapes) {
      if (Result<void> checked = check_shape(kind, shape); !checked) return checked;
    }
    for (const TargetInfo& target : kind.targets) {
      if (target.target == Target::kByShape || target.target == Target::kNamed ||
          target.target == Target::kTrigger) {
        return broken(kind, "a target that cannot be dealt");
      }
    }
  }
  return {};
}

}  // namespace ww::faults
