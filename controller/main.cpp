// whitewater-controller: what ./whitewater hands its arguments to.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>

#include "base/memory.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/exit_codes.hpp"

namespace {

/// The node stands beside the controller; WHITEWATER_NODE names another one.
std::string node_executable() {
  if (const char* other = std::getenv("WHITEWATER_NODE")) return other;
  std::error_code ec;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ec);
  return (self.parent_path() / "whitewater-node").string();
}

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

int dispatch(const ww::cli::Parsed& parsed) {
  using namespace ww::cli;
  const Common& common = parsed.common;
  return std::visit(
      Overloaded{
          [&](const RunCommand& c) { return do_run(common, c, node_executable()); },
          [&](const CampaignCommand& c) { return do_campaign(common, c, node_executable()); },
          [&](const MergeCommand& c) { return do_merge(common, c); },
          [&](const ReplayCommand& c) { return do_replay(common, c, node_executable()); },
          [&](const ShrinkCommand& c) { return do_shrink(common, c, node_executable()); },
          [&](const BenchCommand& c) { return do_bench(common, c, node_executable()); },
          [&](const CompareCommand& c) { return do_compare(common, c); },
          [&](const CheckCommand& c) { return do_check(common, c); },
          [&](const ReportCommand& c) { return do_report(common, c); },
          [&](const ListCommand& c) { return do_list(common, c); },
          [&](const DoctorCommand&) { return do_doctor(common, node_executable()); }},
      parsed.command);
}

}  // namespace

int main(int argc, char** argv) {
  ww::keep_freed_memory();
  try {
    const auto parsed = ww::cli::parse(argc, argv, ww::cli::known_names());
    if (const auto* message = std::get_if<ww::cli::Message>(&parsed)) {
      std::fputs(message->text.c_str(),
                 message->exit_code == ww::cli::kExitValid ? stdout : stderr);
      return message->exit_code;
    }
    return dispatch(std::get<ww::cli::Parsed>(parsed));
  } catch (const std::exception& e) {
    // A library's exception that nobody expected: a bug of this program, said plainly.
    std::fprintf(stderr, "whitewater: internal error: %s\n", e.what());
    return ww::cli::kExitHarness;
  }
}
