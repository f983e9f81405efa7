"""A real Kafka broker (KRaft, one node) from Maven Central, as a process that can be killed and started again on the
same files; and Kafka's own console consumer, which says what is in a topic.
"""

import asyncio
import contextlib
import json
import re
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from interop import install

from tests.freezing import freeze, thaw
from tests.ports import free_port

from .certificates import Authority

USER, PASSWORD = "whimbrel", "right"
_JAVA = ("-Xmx320m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_START_S = 180.0
_LONG_S = 300
_CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk"
_JAAS = "org.apache.kafka.common.security"


class Stored(NamedTuple):
    """A record of a topic, as Kafka's consumer prints it."""

    partition: int
    headers: dict[str, str]
    key: str
    event: dict


class KafkaBroker:
    """One broker on loopback, with a port in the clear, one with user and password, and one with TLS."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port, self.sasl_port, self.tls_port, self._control = (free_port() for _ in range(4))
        self._classes = install.kafka()
        self._process: subprocess.Popen[bytes] | None = None
        self._write_config(authority)
        self._tool("kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(self._config),
                   "--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]")  # fmt: skip

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def _config(self) -> Path:
        return self.folder / "server.properties"

    def _write_config(self, authority: Authority) -> None:
        issued = authority.issue("localhost")
        keys = self.folder / "keys.pem"
        keys.write_text(Path(issued.key).read_text() + Path(issued.cert).read_text())
        listeners = {"CLEAR": self.port, "SASL": self.sasl_port, "TLS": self.tls_port, "CONTROL": self._control}
        named = ",".join(f"{name}://127.0.0.1:{port}" for name, port in listeners.items())
        told = named.replace(f"TLS://127.0.0.1:{self.tls_port}", f"TLS://localhost:{self.tls_port}")
        plain = f'{_JAAS}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        self._config.write_text(
            f"""
            process.roles=broker,controller
            node.id=1
            controller.quorum.voters=1@127.0.0.1:{self._control}
            controller.listener.names=CONTROL
            inter.broker.listener.name=CLEAR
            listeners={named}
            advertised.listeners={told.rpartition(",")[0]}
            listener.security.protocol.map=CLEAR:PLAINTEXT,CONTROL:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL
            listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
            listener.name.sasl.scram-sha-512.sasl.jaas.config={_JAAS}.scram.ScramLoginModule required;
            listener.name.sasl.plain.sasl.jaas.config={plain}
            listener.name.tls.ssl.keystore.type=PEM
            listener.name.tls.ssl.keystore.location={keys}
            log.dirs={self.folder / "logs"}
            offsets.topic.replication.factor=1
            transaction.state.log.replication.factor=1
            transaction.state.log.min.isr=1
            auto.create.topics.enable=true
            group.initial.rebalance.delay.ms=0
            """.replace("            ", "")
        )

    def start(self) -> None:
        """Begin; `ready` waits until it takes connections."""
        out = (self.folder / "out").open("ab")
        self._process = subprocess.Popen(
            ["java", *_JAVA, "-cp", self._classes, "kafka.Kafka", str(self._config)], stdout=out, stderr=out
        )
        out.close()

    async def ready(self) -> None:
        """Until it answers."""
        async with asyncio.timeout(_START_S):
            while True:
                assert self._process is not None
                assert self._process.poll() is None, (self.folder / "out").read_text()
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                    return
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It holds its connections and says nothing any more."""
        assert self._process is not None
        freeze(self._process.pid)

    def thaw(self) -> None:
        """It goes on."""
        assert self._process is not None
        thaw(self._process.pid)

    def make_topic(self, name: str, *, partitions: int = 3, **configs: object) -> None:
        """As an operator does it beforehand."""
        more = [word for key, value in configs.items() for word in ("--config", f"{key.replace('_', '.')}={value}")]
        self._tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", self.address, "--create",
                   "--topic", name, "--partitions", str(partitions), *more)  # fmt: skip

    def topics(self) -> str:
        """What the broker says of all topics."""
        return self._tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", self.address, "--describe")

    def everything(self, topic: str) -> list[Stored]:
        """All records of a topic; those of a partition in its order."""
        ends = self._tool("org.apache.kafka.tools.GetOffsetShell", "--bootstrap-server", self.address,
                          "--topic", re.escape(topic))  # fmt: skip
        count = sum(int(line.rpartition(":")[2]) for line in ends.splitlines() if line.startswith(f"{topic}:"))
        if not count:
            return []
        printed = self._tool(
            "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", self.address, "--topic", topic,
            "--from-beginning", "--max-messages", str(count), "--timeout-ms", "60000",
            *[word for name in ("partition", "headers", "key") for word in ("--property", f"print.{name}=true")],
        )  # fmt: skip
        return [_stored(line) for line in printed.splitlines() if line.startswith("Partition:")]

    def _tool(self, name: str, *words: str) -> str:
        command = ["java", *_JAVA, "-cp", self._classes, name, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LONG_S)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _stored(line: str) -> Stored:
    partition, headers, key, body = line.split("\t", 3)
    named = dict(header.split(":", 1) for header in headers.split(","))
    return Stored(int(partition.partition(":")[2]), named, key, json.loads(body))


@contextlib.asynccontextmanager
async def kafka_broker(folder: Path) -> AsyncIterator[KafkaBroker]:
    """A broker that runs as long as the block."""
    broker = KafkaBroker(folder, Authority(folder.parent, "kafka"))
    broker.start()
    try:
        await broker.ready()
        yield broker
    finally:
        broker.kill()
