"""The wire that faults cut: what it carries, what it holds back, what it does when it heals."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from tests.chaos.wires import HOST, Wire

DEADLINE_S = 10.0
#: Long enough that an answer would have come; nothing hangs on how long exactly.
SILENT_S = 0.2


class Echo(socketserver.BaseRequestHandler):
    """Answers what it is told."""

    def handle(self) -> None:
        while data := self.request.recv(1024):
            self.request.sendall(data)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with socketserver.ThreadingTCPServer((HOST, 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made = Wire(server.server_address[1])
        yield made
        made.close()
        server.shutdown()


def joined(wire: Wire) -> socket.socket:
    return socket.create_connection((HOST, wire.port), timeout=DEADLINE_S)


def heard(line: socket.socket, within_s: float) -> bytes:
    line.settimeout(within_s)
    try:
        return line.recv(1024)
    except TimeoutError:
        return b""


def test_a_whole_wire_carries_both_ways(wire: Wire) -> None:
    with joined(wire) as line:
        line.sendall(b"hello")
        assert heard(line, DEADLINE_S) == b"hello"


def test_a_cut_wire_is_silent_and_brings_what_was_said_when_it_heals(wire: Wire) -> None:
    with joined(wire) as line:
        line.sendall(b"before")
        assert heard(line, DEADLINE_S) == b"before"
        wire.cut()
        line.sendall(b"meanwhile")
        assert heard(line, SILENT_S) == b""
        wire.heal()
        assert heard(line, DEADLINE_S) == b"meanwhile"


def test_who_joins_a_cut_wire_is_taken_and_waits(wire: Wire) -> None:
    wire.cut()
    with joined(wire) as line:
        line.sendall(b"hello?")
        assert heard(line, SILENT_S) == b""
        wire.heal()
        assert heard(line, DEADLINE_S) == b"hello?"


def test_a_slow_wire_is_late_by_its_delay_each_way(wire: Wire) -> None:
    wire.slow(SILENT_S)
    with joined(wire) as line:
        began_s = time.monotonic()
        line.sendall(b"slowly")
        assert heard(line, DEADLINE_S) == b"slowly"
        assert time.monotonic() - began_s >= 2 * SILENT_S


def test_a_hang_up_reaches_the_other_side(wire: Wire) -> None:
    with joined(wire) as line:
        line.sendall(b"bye")
        assert heard(line, DEADLINE_S) == b"bye"
        line.shutdown(socket.SHUT_WR)
        assert heard(line, DEADLINE_S) == b""
        assert line.recv(1) == b""


def test_a_closed_wire_hangs_up() -> None:
    with socketserver.ThreadingTCPServer((HOST, 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made = Wire(server.server_address[1])
        with joined(made) as line:
            line.sendall(b"here")
            assert heard(line, DEADLINE_S) == b"here"
            made.close()
            assert heard(line, DEADLINE_S) == b""
        server.shutdown()
