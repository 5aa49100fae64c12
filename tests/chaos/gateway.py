"""Where people are told: a webhook that counts every message by its key and by what it says, and can hold its answer.

Runs in threads of the runner. A message counts as soon as it is here: whoever sent it may be killed before the answer.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOLD_S_MAX = 60.0


@dataclass(frozen=True)
class Told:
    """One message that arrived. `what`: zone, person, offer, about."""

    at_s: float
    key: str
    what: tuple[str, str, str, str]


class Gateway:
    """Serves until `close`."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self._answering = threading.Event()
        self._answering.set()
        self._held: list[threading.Event] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name is http.server's
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                zone, person = self.path.strip("/").split("/")
                what = (zone, person, body["offer"], body["about"])
                answering = gateway._answering
                gateway.told.append(Told(time.time(), self.headers["Idempotency-Key"], what))
                answering.wait(HOLD_S_MAX)
                try:
                    self.send_response(204)
                    self.end_headers()
                except OSError:
                    return  # the worker was killed meanwhile

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def webhook(self, zone: str, person: str) -> str:
        """Where this person is told."""
        return f"http://127.0.0.1:{self._server.server_port}/{zone}/{person}"

    def hold(self) -> None:
        """Take messages, answer none."""
        self._answering = threading.Event()
        self._held.append(self._answering)

    def answer_others(self) -> None:
        """Answer what comes from now on; what waits goes on waiting."""
        self._answering = threading.Event()
        self._answering.set()

    def go_on(self) -> None:
        """Answer again, also those that wait."""
        self.answer_others()
        for held in self._held:
            held.set()

    def close(self) -> None:
        """End it."""
        self.go_on()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def keys(self) -> dict[tuple[str, str, str, str], set[str]]:
        """Return, by what was said to whom, the keys under which it came: more than one would be told again."""
        found: dict[tuple[str, str, str, str], set[str]] = {}
        for told in list(self.told):
            found.setdefault(told.what, set()).add(told.key)
        return found

    def repeats(self) -> int:
        """Return how many deliveries a receiver that knows its keys has thrown away."""
        counted = Counter(told.key for told in list(self.told))
        return sum(count - 1 for count in counted.values())
