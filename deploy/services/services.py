"""Real brokers for tests: `make services`, `make services-three`, `make services-stop`.

Starts what does not run, waits until everything answers, writes `.services/env` to be sourced by a shell. Repeating it
changes nothing. Data live until `stop`. Nothing here is for production.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

import brokers
import installing
from processes import LOOPBACK, Failed, Server

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".services"
BROKERS_MAX = 3
UNREACHABLE = 4


def start(count: int) -> None:
    """Bring everything up with `count` Kafka brokers. Raises Failed."""
    began = time.monotonic()
    FOLDER.mkdir(exist_ok=True)
    installing.packages()
    jars = installing.kafka(FOLDER)
    _bring_tools()
    nodes = [Server(FOLDER, f"kafka-{n}") for n in range(1, BROKERS_MAX + 1)]
    known = [node for node in nodes if node.ports]
    if known and len(known) != count:
        _stop(known)
    redis, names, rabbitmq = (Server(FOLDER, name) for name in ("redis", "epmd", "rabbitmq"))
    brokers.redis(redis)
    brokers.epmd(names)
    brokers.rabbitmq(rabbitmq, names)
    brokers.kafka(nodes[:count], jars)
    redis.wait(brokers.redis_answers(redis))
    answers = brokers.kafka_answers(nodes[:count])
    for node in nodes[:count]:
        node.wait(answers)
    rabbitmq.wait(brokers.rabbitmq_answers(rabbitmq))
    lines = [
        f"export PAIDAN_KAFKA={brokers.kafka_address(nodes[:count])}",
        f"export PAIDAN_REDIS=redis://{LOOPBACK}:{redis.ports[0]}/0",
        f"export PAIDAN_AMQP=amqp://guest:guest@{LOOPBACK}:{rabbitmq.ports[0]}//",
    ]
    (FOLDER / "env").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    print(f"# up in {time.monotonic() - began:.1f} s; source {FOLDER.name}/env, end with `make services-stop`")


def stop() -> None:
    """Stop everything that was started here, by process id, and delete its data. Raises Failed."""
    names = [f"kafka-{n}" for n in range(1, BROKERS_MAX + 1)]
    _stop([Server(FOLDER, name) for name in (*names, "redis", "rabbitmq", "epmd")])
    (FOLDER / "env").unlink(missing_ok=True)


def _bring_tools() -> None:
    """Programs that only check files: without them those tests skip, and fail in CI."""
    try:
        installing.tools(FOLDER)
    except Failed as failure:
        print(f"# not installed, what they check is not checked: {failure}", file=sys.stderr)


def _stop(servers: list[Server]) -> None:
    for server in servers:
        server.stop()
        shutil.rmtree(server.data, ignore_errors=True)


def main() -> int:
    """Run one command; 0, or 4 with what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["start", "stop"])
    parser.add_argument("--brokers", type=int, choices=[1, BROKERS_MAX], default=1)
    chosen = parser.parse_args()
    try:
        start(chosen.brokers) if chosen.command == "start" else stop()
    except Failed as failure:
        print(f"services: {failure}", file=sys.stderr)
        return UNREACHABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
