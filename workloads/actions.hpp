// What the workload engine asks of the world it runs in.
#pragma once

#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/op.hpp"
#include "base/time.hpp"
#include "base/wire/kv.hpp"
#include "base/wire/watch.hpp"

namespace ww::workloads {

/// Open a connection. Answered by on_connected or on_connection_lost.
struct Connect {
  ClientId client;
  NodeId node;
  friend bool operator==(const Connect&, const Connect&) = default;
};
/// Close the client's connection, finished or not. Nothing more is reported about it.
struct Disconnect {
  ClientId client;
  friend bool operator==(const Disconnect&, const Disconnect&) = default;
};
/// Send on the client's connection, which is open and leads to `node`.
struct SendRequest {
  ClientId client;
  NodeId node;
  wire::ClientRequest request;
  friend bool operator==(const SendRequest&, const SendRequest&) = default;
};
/// The same, of what concerns a watch.
struct SendWatch {
  ClientId client;
  NodeId node;
  wire::WatchRequest request;
  friend bool operator==(const SendWatch&, const SendWatch&) = default;
};
/// The next line of the history. `arrived` is when the op was wanted: in open loop it may have
/// waited for its worker before op.time, and an honest latency counts from `arrived`.
struct Record {
  Op op;
  Instant arrived{};
  friend bool operator==(const Record&, const Record&) = default;
};

using Action = std::variant<Connect, Disconnect, SendRequest, Record, SendWatch>;
/// To be done in order: an invocation stands before the request that it caused.
using Actions = std::vector<Action>;

}  // namespace ww::workloads
