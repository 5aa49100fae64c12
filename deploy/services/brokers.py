"""Apache Kafka (KRaft, one or three brokers), Redis and RabbitMQ for tests, each on 127.0.0.1 only.

Called by `services.py`. Each function starts what does not run yet, without waiting; `answers` says when it is up.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from processes import LOOPBACK, Failed, Server, free_ports

JAVA = ("-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
#: One id for every cluster of tests: they live on this machine only.
CLUSTER_ID = "cGFpZGFuLXRlc3RzLTAwMQ"
REQUEST_S = 5.0
RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"

_KAFKA = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={replication}
offsets.topic.replication.factor={replication}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={replication}
transaction.state.log.min.isr={insync}
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor={replication}
share.coordinator.state.topic.min.isr={insync}
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
log.segment.delete.delay.ms=1000
"""

_LOG4J = """\
Configuration:
  Appenders:
    Console:
      name: STDOUT
      PatternLayout:
        pattern: "[%d] %p %m (%c)%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        - ref: STDOUT
"""


def kafka(servers: list[Server], jars: Path, more: str = "", enter: Sequence[str] = ()) -> None:
    """Start the brokers that do not run, all in one quorum, with the data they had.

    `more`: settings that go before. `enter`: what their command lines begin with.
    """
    ports = [server.ports for server in servers]
    if not all(ports):
        fresh = free_ports(2 * len(servers))
        ports = [fresh[2 * n : 2 * n + 2] for n in range(len(servers))]
    voters = ",".join(f"{n}@{LOOPBACK}:{controller}" for n, (_, controller) in enumerate(ports, 1))
    for node, (server, (port, controller)) in enumerate(zip(servers, ports, strict=True), 1):
        if server.running():
            continue
        server.data.mkdir(parents=True, exist_ok=True)
        settings = server.data / "server.properties"
        words = {
            "node": node,
            "voters": voters,
            "host": LOOPBACK,
            "port": port,
            "controller": controller,
            "data": (server.data / "log").resolve(),
            "replication": len(servers),
            "insync": max(1, len(servers) - 1),
        }
        settings.write_text(_KAFKA.format(**words) + more.format(**words), encoding="utf-8")
        logging = server.data / "log4j2.yaml"
        logging.write_text(_LOG4J, encoding="utf-8")
        java = [*enter, "java", *JAVA, f"-Dlog4j2.configurationFile={logging.resolve()}", "-cp", f"{jars.resolve()}/*"]
        _format(server, java, settings)
        server.start([*java, "kafka.Kafka", str(settings.resolve())], [port, controller])


def kafka_answers(servers: list[Server]) -> Callable[[], None]:
    """Say when every broker is in the cluster."""
    from confluent_kafka.admin import AdminClient

    addresses = kafka_address(servers)
    admin = AdminClient({"bootstrap.servers": addresses, "log_level": 0})

    def ask() -> None:
        seen = len(admin.list_topics(timeout=REQUEST_S).brokers)
        if seen < len(servers):
            raise ConnectionError(f"{seen} of {len(servers)} brokers are there")

    return ask


def kafka_address(servers: list[Server]) -> str:
    """Return the bootstrap servers."""
    return ",".join(f"{LOOPBACK}:{server.ports[0]}" for server in servers)


def redis(server: Server) -> None:
    """Start Redis; it keeps nothing on disk."""
    if not server.running():
        (port,) = server.ports or free_ports(1)
        options = ["--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no"]
        server.start(["redis-server", *options], [port])


def redis_answers(server: Server) -> Callable[[], None]:
    """Say when Redis answers."""
    from redis import Redis

    def ask() -> None:
        with Redis(host=LOOPBACK, port=server.ports[0], socket_timeout=REQUEST_S) as client:
            client.ping()

    return ask


def epmd(server: Server) -> None:
    """Start Erlang's name service ourselves: the one that RabbitMQ starts listens everywhere and outlives it."""
    if not server.running():
        (port,) = server.ports or free_ports(1)
        server.start(["epmd", "-address", LOOPBACK, "-port", str(port)], [port])


def rabbitmq(server: Server, names: Server) -> None:
    """Start RabbitMQ as a node of its own."""
    if server.running():
        return
    port, distribution = server.ports or free_ports(2)
    home = server.data.resolve()
    environment = {
        "HOME": str(home),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "ERL_EPMD_PORT": str(names.ports[0]),
        "RABBITMQ_NODENAME": f"paidan{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_CONFIG_FILE": str(home / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
    server.start([RABBITMQ], [port, distribution], environment)


def rabbitmq_answers(server: Server) -> Callable[[], None]:
    """Say when RabbitMQ lets a client in."""
    from amqp import Connection

    def ask() -> None:
        with Connection(f"{LOOPBACK}:{server.ports[0]}", connect_timeout=REQUEST_S, read_timeout=REQUEST_S):
            pass

    return ask


def _format(server: Server, java: list[str], settings: Path) -> None:
    """Prepare an empty data folder; one that has data keeps them."""
    if (server.data / "log" / "meta.properties").exists():
        return
    command = [*java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-g", "-c", str(settings.resolve())]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        raise Failed(f"{server.name} could not be formatted:\n{done.stdout.decode(errors='replace')[-2000:]}")
