#!/usr/bin/env python3
"""A small Raft node that speaks Whitewater's stepped contract (docs/stepped.md).

It shows what another implementation needs to be tortured in the stepped world: one frame in, one
frame out; no clock, no thread, no random source; writes at once, and nothing is promised before
the world says that they are durable. Elections, replication, recovery from a torn file, reads and
writes through the log, sessions. The names are those of the Raft paper, figure 2.

    WHITEWATER_NODE=examples/python/raft_node.py ./whitewater run --world stepped --ignore-traces
"""

import argparse
import hashlib
import os
import re
import socket
import struct
import sys
import zlib

NEVER = (1 << 63) - 1
FOLLOWER, CANDIDATE, LEADER = 0, 2, 3  # wire::Role
VOTE, VOTE_REPLY, APPEND, APPEND_REPLY = 2, 3, 4, 5  # wire::MessageType
OPEN, READ, WRITE, CAS, CONCAT, DELETE = range(6)  # wire::CommandKind
OK, FAILED, UNKNOWN = range(3)  # wire::Outcome
NOT_LEADER, EXPIRED, LOST = 1, 3, 6  # wire::Refusal
CREATE, TRUNCATE, SYNC_FILE, SYNC_DIR = 0, 3, 5, 6  # trace::StoreOp
NOOP, COMMAND = 0, 1  # wire::EntryKind
MAX_ENTRIES = 64  # in one append


# ---- the encoding: LEB128 numbers, byte strings with their length before them


def varint(*numbers):
    out = bytearray()
    for n in numbers:
        while n >= 0x80:
            out.append(n & 0x7F | 0x80)
            n >>= 7
        out.append(n)
    return bytes(out)


def lenbytes(data):
    return varint(len(data)) + data


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def varint(self):
        n = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    def varints(self, count):
        return [self.varint() for _ in range(count)]

    def bytes(self):
        size = self.varint()
        self.at += size
        return self.data[self.at - size : self.at]


class Output:
    """What one event led to, in order."""

    def __init__(self):
        self.items = bytearray()
        self.last_words = b""  # the node ends after this

    def trace(self, kind, fields):
        self.items += bytes([0, kind]) + fields

    def store(self, op, file=b"", offset=0):
        self.trace(16, varint(op) + lenbytes(file) + b"\0" + varint(offset) + b"\0\1")

    def stored(self, file, offset, length):
        self.items += b"\4" + lenbytes(file) + varint(offset, length)

    def write(self, number):
        self.items += b"\1" + varint(number) + b"\1"

    def send(self, message):
        self.items += b"\2" + lenbytes(message)

    def reply(self, connection, fields):
        self.items += b"\3" + varint(connection) + fields

    def frame(self, deadline):
        payload = struct.pack("<qQB", deadline, 0, bool(self.last_words))
        if self.last_words:
            payload += lenbytes(self.last_words)
        payload += self.items
        return struct.pack("<I", len(payload)) + payload


def reply_fields(request, outcome, refusal=0, at=(0, 0), matched=True, exists=False, value=b"",
                 session=0, leader=0):
    return (varint(request, outcome, refusal, *at) + bytes([matched, exists]) + lenbytes(value) +
            varint(session, leader))


# ---- the log on disk: records {u32 length, u32 crc, body}, only ever appended to


class Disk:
    FILE = b"raft.log"

    def __init__(self, directory):
        self.directory = directory
        self.fd = None
        self.end = 0
        self.written = 0  # number of the last write
        self.in_flight = []  # [number, end in the file, last index after it]

    def open(self, out):
        """Yields the bodies of all whole records, and cuts off what is torn."""
        path = os.path.join(self.directory, self.FILE.decode())
        fresh = not os.path.exists(path)
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if fresh:
            out.store(CREATE, self.FILE)
        data = os.pread(self.fd, os.fstat(self.fd).st_size, 0)
        bodies = []
        while self.end + 8 <= len(data):
            size, crc = struct.unpack_from("<II", data, self.end)
            body = data[self.end + 8 : self.end + 8 + size]
            # The checksum covers the place: bytes of an older tail are no records of this one.
            if len(body) < size or size == 0 or zlib.crc32(body, self.end) != crc:
                break
            bodies.append(body)
            self.end += 8 + size
        if self.end < len(data):
            out.store(TRUNCATE, self.FILE, self.end)
            os.ftruncate(self.fd, self.end)
        # After a kill the file may be in the page cache only: it counts from here on.
        out.store(SYNC_FILE, self.FILE)
        out.store(SYNC_DIR)
        return bodies

    def append(self, out, bodies, last_index):
        data = b"".join(self.record(body) for body in bodies)
        os.pwrite(self.fd, data, self.end - len(data))
        out.stored(self.FILE, self.end - len(data), len(data))
        self.written += 1
        out.write(self.written)
        self.in_flight.append([self.written, self.end, last_index])

    def record(self, body):
        out = struct.pack("<II", len(body), zlib.crc32(body, self.end)) + body
        self.end += len(out)
        return out

    def done(self, out, upto):
        """Yields the last index that the completed writes made durable."""
        durable = 0
        while self.in_flight and self.in_flight[0][0] <= upto:
            _, end, durable = self.in_flight.pop(0)
            if not self.in_flight or self.in_flight[0][0] > upto:
                out.store(SYNC_FILE, self.FILE, end)
        return durable

    def truncated(self, last_index):
        for write in self.in_flight:
            write[2] = min(write[2], last_index)


# ---- the state machine: keys, values, and sessions that execute a command once


class Machine:
    def __init__(self):
        self.data = {}
        self.sessions = {}  # id -> (sequence number, answer)
        self.digest = 0

    def apply(self, index, term, command):
        """Returns the answer as the keyword arguments of reply_fields."""
        self.digest = zlib.crc32(command, self.digest)
        r = Reader(command)
        kind, session, seq = r.varints(3)
        key, value, expected = r.bytes(), r.bytes(), r.bytes()
        if kind == OPEN:
            answer = dict(outcome=OK, at=(index, term), session=index)
            self.sessions[index] = (0, answer)
            return answer
        if session:
            last, answer = self.sessions.get(session, (None, None))
            if last is None:
                return dict(outcome=FAILED, refusal=EXPIRED)
            if seq < last or seq == 0:
                return dict(outcome=UNKNOWN, refusal=EXPIRED)
            if seq == last:
                return answer
        answer = self.execute(kind, key, value, expected)
        answer.update(outcome=OK, at=(index, term))
        if session:
            self.sessions[session] = (seq, answer)
        return answer

    def execute(self, kind, key, value, expected):
        old = self.data.get(key)
        answer = dict(exists=old is not None)
        if kind in (READ, CAS):
            answer["value"] = old or b""
        if kind == CAS:
            answer["matched"] = old is not None and old == expected
        if kind == WRITE or kind == CAS and answer["matched"]:
            self.data[key] = value
        elif kind == CONCAT:
            self.data[key] = (old or b"") + value
        elif kind == DELETE:
            self.data.pop(key, None)
        return answer


# ---- Raft


class Node:
    def __init__(self, options):
        self.me = options.id
        self.nodes = options.nodes
        self.others = [n for n in self.nodes if n != self.me]
        self.seed = options.seed
        self.timeout, self.heartbeat = options.election_timeout, options.heartbeat
        self.message_id = options.incarnation << 44
        self.disk = Disk(options.data)
        self.current_term = self.voted_for = 0
        self.log = [(0, NOOP, b"")]  # (term, kind, command); the entry at 0 stands for "none"
        self.stable = 0  # the log is durable up to here
        self.commit_index = self.last_applied = 0
        self.role, self.leader = FOLLOWER, 0
        self.machine = Machine()
        self.held = []  # (write it waits for, what is to be said then)
        self.pending = {}  # index -> (term, connection, request)
        self.deadline = NEVER

    def last(self):
        return len(self.log) - 1, self.log[-1][0]

    # -- events

    def step(self, event, out):
        self.out = out
        self.now = struct.unpack_from("<q", event, 8)[0]  # mono
        kind, r = event[24], Reader(event, 25)
        if kind == 0:
            self.boot()
        elif kind == 1:
            self.timer()
        elif kind == 2:
            self.message(Reader(r.bytes()))
        elif kind == 3:
            self.request(r)
        elif kind == 4:
            self.durable(r.varint())
        elif kind == 5:
            # What of it is on the disk nobody knows: no answer can be trusted any more.
            out.last_words = b"write %d failed: " % r.varint() + r.bytes()
        return out.frame(self.deadline)

    def boot(self):
        for body in self.disk.open(self.out):
            if body[0:1] == b"S":
                self.current_term, self.voted_for = Reader(body, 1).varints(2)
            else:
                r = Reader(body, 1)
                index, term, kind = r.varints(3)
                del self.log[index:]
                self.log.append((term, kind, r.bytes()))
        self.stable = self.last()[0]
        self.out.trace(0, varint(self.current_term, self.voted_for, 1, *self.last(), 0, 0))
        self.become(FOLLOWER)
        self.wait_for_leader()

    def timer(self):
        if self.now < self.deadline:
            return
        if self.role == LEADER:
            return self.broadcast()
        self.current_term += 1
        self.voted_for, self.leader, self.votes = self.me, 0, {self.me}
        self.become(CANDIDATE)
        self.save([])
        self.wait_for_leader()
        for n in self.others:
            self.send(n, VOTE, varint(*self.last(), 0))
        self.count_votes()

    def message(self, r):
        sender, _, kind, term, _, _ = r.varints(6)
        if term > self.current_term:
            self.current_term, self.voted_for, self.leader = term, 0, 0
            if self.role == LEADER:
                self.wait_for_leader()
            self.become(FOLLOWER)
            self.save([])
        if kind == VOTE:
            self.vote(sender, term, tuple(r.varints(2)))
        elif kind == VOTE_REPLY and term == self.current_term and self.role == CANDIDATE:
            if r.varint():
                self.votes.add(sender)
                self.count_votes()
        elif kind == APPEND:
            self.append(sender, term, r)
        elif kind == APPEND_REPLY and term == self.current_term and self.role == LEADER:
            self.append_reply(sender, *r.varints(5))

    def request(self, r):
        connection, number, _ = r.varints(3)
        command = bytes(r.data[r.at :])
        if self.role != LEADER:
            fields = reply_fields(number, FAILED, NOT_LEADER, leader=self.leader)
            return self.out.reply(connection, fields)
        self.pending[len(self.log)] = (self.current_term, connection, number)
        self.add([(self.current_term, COMMAND, command)])
        self.broadcast()

    def durable(self, upto):
        durable = self.disk.done(self.out, upto)
        self.stable = max(self.stable, durable)
        while self.held and self.held[0][0] <= upto:
            self.out.send(self.held.pop(0)[1])
        if self.role == CANDIDATE:
            self.count_votes()
        if self.role == LEADER:
            self.advance_commit()

    # -- elections

    def become(self, role):
        if self.role == LEADER and role != LEADER:
            for _, connection, number in self.pending.values():
                self.out.reply(connection, reply_fields(number, UNKNOWN, LOST))
            self.pending = {}
        self.role = role
        granters = sorted(self.votes) if role == LEADER else []
        self.out.trace(1, varint(role, self.current_term, len(granters), *granters))

    def wait_for_leader(self):
        key = f"{self.seed}/{self.me}/{self.current_term}/{self.now}".encode()
        draw = int.from_bytes(hashlib.sha256(key).digest()[:8], "little")
        self.deadline = self.now + self.timeout + draw % self.timeout

    def vote(self, candidate, term, candidate_last):
        index, last_term = self.last()
        up_to_date = (candidate_last[1], candidate_last[0]) >= (last_term, index)
        granted = (term == self.current_term and self.role == FOLLOWER and
                   self.voted_for in (0, candidate) and up_to_date)
        if granted and self.voted_for == 0:
            self.voted_for = candidate
            self.save([])
        if granted:
            self.wait_for_leader()
        self.send(candidate, VOTE_REPLY, bytes([granted]))

    def count_votes(self):
        # Its own vote counts once it is durable.
        if self.disk.in_flight or 2 * len(self.votes) <= len(self.nodes):
            return
        self.become(LEADER)
        self.leader = self.me
        self.next_index = {n: len(self.log) for n in self.others}
        self.match_index = {n: 0 for n in self.others}
        self.round = 0
        self.add([(self.current_term, NOOP, b"")])
        self.broadcast()

    # -- replication

    def add(self, entries):
        first = len(self.log)
        self.log += entries
        self.save(range(first, len(self.log)))
        marks = b"".join(varint(t, zlib.crc32(command, t)) for t, _, command in entries)
        self.out.trace(3, varint(first, len(entries)) + marks)

    def save(self, indices):
        """Writes term and vote, and these entries."""
        bodies = [b"S" + varint(self.current_term, self.voted_for)]
        for index in indices:
            term, kind, command = self.log[index]
            bodies.append(b"E" + varint(index, term, kind) + lenbytes(command))
        self.disk.append(self.out, bodies, self.last()[0])

    def broadcast(self):
        self.round += 1
        self.deadline = self.now + self.heartbeat
        for n in self.others:
            self.send_append(n)
        self.advance_commit()

    def send_append(self, n):
        prev = self.next_index[n] - 1
        entries = self.log[prev + 1 : prev + 1 + MAX_ENTRIES]
        body = varint(prev, self.log[prev][0], self.commit_index, self.round, len(entries), 0)
        for term, kind, command in entries:
            body += lenbytes(varint(term, kind) + command)
        self.next_index[n] = prev + 1 + len(entries)
        self.send(n, APPEND, body, content=prev + 1)

    def append(self, sender, term, r):
        prev, prev_term, commit, round_, count, _ = r.varints(6)
        if term < self.current_term:
            return self.send(sender, APPEND_REPLY, b"\0" + varint(prev, 0, 0, round_, 0))
        if self.role != FOLLOWER:
            self.become(FOLLOWER)
        self.leader = sender
        self.wait_for_leader()
        if prev >= len(self.log) or self.log[prev][0] != prev_term:
            conflict = min(prev, len(self.log))
            while conflict > 1 and self.log[conflict - 1][0] > prev_term:
                conflict -= 1
            conflict = max(1, conflict)
            return self.send(sender, APPEND_REPLY, b"\0" + varint(prev, conflict, 0, round_, 0))
        fresh = []
        for index in range(prev + 1, prev + 1 + count):
            entry = Reader(r.bytes())
            entry_term, kind = entry.varints(2)
            if not fresh and index < len(self.log) and self.log[index][0] == entry_term:
                continue
            if not fresh and index < len(self.log):
                self.truncate(index)
            fresh.append((entry_term, kind, entry.data[entry.at :]))
        if fresh:
            self.add(fresh)
        self.send(sender, APPEND_REPLY, b"\1" + varint(prev + count, 0, 0, round_, 0))
        self.commit_to(min(commit, prev + count))

    def truncate(self, index):
        del self.log[index:]
        self.stable = min(self.stable, index - 1)
        self.disk.truncated(index - 1)
        self.out.trace(4, varint(index))

    def append_reply(self, sender, success, match, conflict, *_):
        if success:
            self.match_index[sender] = max(self.match_index[sender], match)
            if self.next_index[sender] <= match:
                self.next_index[sender] = match + 1
            self.advance_commit()
            behind = self.next_index[sender] < len(self.log)
        else:
            back = max(self.match_index[sender] + 1, min(conflict, self.next_index[sender]))
            behind, self.next_index[sender] = back < self.next_index[sender], back
        if behind:
            self.send_append(sender)

    def advance_commit(self):
        held = sorted(list(self.match_index.values()) + [self.stable])
        majority = held[(len(held) - 1) // 2]
        # Only entries of the own term are committed by counting (section 5.4.2).
        if self.log[majority][0] == self.current_term:
            self.commit_to(majority)

    def commit_to(self, index):
        if index <= self.commit_index:
            return
        self.commit_index = index
        self.out.trace(6, varint(index, self.log[index][0]))
        while self.last_applied < index:
            self.last_applied += 1
            self.apply(self.last_applied)

    def apply(self, index):
        term, kind, command = self.log[index]
        answer = self.machine.apply(index, term, command) if kind == COMMAND else None
        executed = 0 if answer is None else 1
        self.out.trace(7, varint(index, term, zlib.crc32(command, term), self.machine.digest,
                                 0, 0, executed, 0))
        asked = self.pending.pop(index, None)
        if asked and asked[0] == term:
            self.out.reply(asked[1], reply_fields(asked[2], **answer))

    # -- messages

    def send(self, to, kind, body, content=0):
        """Says nothing before all that was written is durable: simple, and never a lie."""
        self.message_id += 1
        message = varint(self.me, to, kind, self.current_term, self.message_id, content) + body
        if self.disk.in_flight:
            self.held.append((self.disk.written, message))
        else:
            self.out.send(message)


# ---- the process


def parse_duration(text):
    number, unit = re.fullmatch(r"(\d+)(ns|us|ms|s|m|h)", text).groups()
    return int(number) * {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9,
                          "h": 3600 * 10**9}[unit]


def parse_node(text):
    return int(re.fullmatch(r"n(\d+)", text).group(1))


def parse_options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--id", type=parse_node, required=True)
    p.add_argument("--nodes", type=lambda text: [parse_node(n) for n in text.split(",")])
    p.add_argument("--data", required=True)
    p.add_argument("--stepped", type=int, required=True, help="the world's socket")
    p.add_argument("--incarnation", type=int, default=1)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--election-timeout", type=parse_duration, default=parse_duration("300ms"))
    p.add_argument("--heartbeat", type=parse_duration, default=parse_duration("50ms"))
    options, _ = p.parse_known_args()  # Others are of whitewater-node.
    options.nodes = sorted(options.nodes or [options.id])
    return options


def receive(world):
    frame = b""
    while len(frame) < 4 or len(frame) < 4 + struct.unpack_from("<I", frame)[0]:
        packet = world.recv(1 << 16)
        if not packet:
            return None
        frame += packet
    return frame[4:]


def main():
    options = parse_options()
    node = Node(options)
    world = socket.socket(fileno=options.stepped)
    out = Output()
    while not out.last_words and (event := receive(world)) is not None:
        out = Output()
        answer = node.step(event, out)
        for at in range(0, len(answer), 1 << 16):
            world.send(answer[at : at + (1 << 16)])


if __name__ == "__main__":
    sys.exit(main())
