"""Where the brokers are: those of `make services` for faults that leave them alone, own ones for those that do not.

Own servers are those of deploy/services: loopback, free ports, a folder of their own, stopped by their ids.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.disks import SmallDisk
from tests.chaos.wires import HOST, Wire

ROOT = Path(__file__).parents[2]
# At the end: one of those scripts has the name of our own package.
sys.path.append(str(ROOT / "deploy/services"))

import brokers as scripts  # noqa: E402
import installing  # noqa: E402
from processes import Server, free_ports  # noqa: E402

POLL_S = 0.05
SMALL_KAFKA = "kafka-on-a-small-disk"
DISK_MIB = 96
CTL_S = 60.0
#: Not the one on the PATH: that becomes another user, with another cookie.
RABBITMQCTL = "/usr/lib/rabbitmq/bin/rabbitmqctl"

#: A second way in, whose address leads clients over a wire: a broker tells them where to go.
_WIRED = """\
listeners=PLAINTEXT://{{host}}:{{port}},CONTROLLER://{{host}}:{{controller}},WIRED://{{host}}:{behind}
advertised.listeners=PLAINTEXT://{{host}}:{{port}},WIRED://{{host}}:{wire}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,WIRED:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""


@dataclass(frozen=True)
class Brokers:
    """Addresses. `amqp` None: the jobs travel over Redis."""

    kafka: str
    redis: str
    amqp: str | None
    replication: int = 1


class Sites:
    """Starts what is asked for, once; everything that it has started is stopped by `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: dict[str, Server] = {}
        #: by server: what leads to it, for those who shall be cut off
        self.wires: dict[str, Wire] = {}
        #: what an own broker lives on that shall have no room left
        self.disk: SmallDisk | None = None

    def kafka(self, own: bool, count: int = 1) -> str:
        """Return the bootstrap servers: $PAIDAN_KAFKA, or `count` own brokers."""
        given = os.environ.get("PAIDAN_KAFKA")
        if given and not own and count == 1:
            return given
        nodes = self.nodes(count)
        scripts.kafka(nodes, installing.kafka(ROOT / ".services"), self._wired_kafka() if count == 1 else "")
        answers = scripts.kafka_answers(nodes)
        for node in nodes:
            node.wait(answers)
        return str(scripts.kafka_address(nodes))

    def small_kafka(self) -> str:
        """Return the address of an own broker on a small disk."""
        node = self._server(SMALL_KAFKA)
        if self.disk is None:
            self.disk = SmallDisk(node.data / "log", DISK_MIB)
        scripts.kafka([node], installing.kafka(ROOT / ".services"), enter=self.disk.enter)
        node.wait(scripts.kafka_answers([node]))
        return str(scripts.kafka_address([node]))

    def wire(self, name: str, address: str) -> str:
        """Lay a wire to a server, once; return its address with the wire's port in place of the server's."""
        port = address.rpartition("@")[2].removeprefix("redis://").partition(":")[2].partition("/")[0]
        if name not in self.wires:
            self.wires[name] = Wire(int(port))
        return address.replace(f":{port}", f":{self.wires[name].port}")

    def wired_kafka(self) -> str:
        """Return the own broker's address over its wire."""
        return f"{HOST}:{self.wires['kafka'].port}"

    def _wired_kafka(self) -> str:
        """Lay the wire to an own broker, which has to know its port before it starts."""
        if "kafka" not in self.wires:
            self.wires["kafka"] = Wire(free_ports(1)[0])
        wire = self.wires["kafka"]
        return _WIRED.format(behind=wire.target, wire=wire.port)

    def nodes(self, count: int) -> list[Server]:
        """The own Kafka brokers of a cluster of so many."""
        return [self._server(f"kafka-{n}-of-{count}") for n in range(1, count + 1)]

    def redis(self, own: bool) -> str:
        """Return the URL of $PAIDAN_REDIS, or of an own Redis."""
        given = os.environ.get("PAIDAN_REDIS")
        if given and not own:
            return given
        server = self._server("redis")
        scripts.redis(server)
        server.wait(scripts.redis_answers(server))
        return f"redis://127.0.0.1:{server.ports[0]}/0"

    def rabbitmq(self, own: bool) -> str:
        """Return the URL of $PAIDAN_AMQP, or of an own RabbitMQ."""
        given = os.environ.get("PAIDAN_AMQP")
        if given and not own:
            return given
        names, server = self._server("epmd"), self._server("rabbitmq")
        scripts.epmd(names)
        scripts.rabbitmq(server, names)
        server.wait(scripts.rabbitmq_answers(server))
        return f"amqp://guest:guest@127.0.0.1:{server.ports[0]}//"

    def rabbitmqctl(self, *words: str) -> str:
        """Tell the own RabbitMQ something; return what it says."""
        server, names = self._servers["rabbitmq"], self._servers["epmd"]
        environment = {
            **os.environ,
            "HOME": str(server.data.resolve()),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(names.ports[0]),
        }
        node = f"paidan{server.ports[0]}@localhost"
        done = subprocess.run(
            [RABBITMQCTL, "--node", node, *words],
            env=environment,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=CTL_S,
        )
        return done.stdout.decode()

    def pids(self, name: str) -> list[int]:
        """The living processes of one own server."""
        return self._servers[name].pids()

    def kill(self, name: str) -> None:
        """kill -9 one own server; its data and its port stay. Returns when it is gone."""
        server = self._servers[name]
        server.signal(signal.SIGKILL)
        while server.running():
            time.sleep(POLL_S)

    def close(self) -> None:
        """Stop every own server, take every wire away."""
        for wire in self.wires.values():
            wire.close()
        # RabbitMQ before its name service.
        for name in sorted(self._servers, key=lambda each: each == "epmd"):
            self._servers[name].stop()
        if self.disk is not None:
            self.disk.close()

    def _server(self, name: str) -> Server:
        return self._servers.setdefault(name, Server(self._folder, name))
