"""Kafka: `kafka://HOST:9092/TOPIC`, through a consumer group; offsets are committed after the output."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.errors import ServiceError, check_installed
from headstart.streaming.connectors.messages import (
    Message,
    as_delivery,
    body_of,
    choice_option,
    flag_option,
    headers_of,
    missing,
    need_name,
    number_option,
    service_errors,
)
from headstart.streaming.connectors.offsets import Offsets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.streaming.address import Address
    from headstart.streaming.record import Delivery, Output

_PORT, _ANSWER_S = 9092, 30

_COMMON = {
    "create": "1: create the topic if it is missing",
    "partitions": "of a created topic; 4 if it is not given",
    "tls": "1: encrypt",
}


class Kafka:
    """Topics of Kafka, and of servers that speak its protocol."""

    inlet_options: ClassVar[dict[str, str]] = {
        **_COMMON,
        "group": "name of the consumer group that workers share; `headstart` if it is not given",
        "start": "`first`: a new group begins with the oldest record, `new`: with the next one",
        "key": "header with the record's key; `key` if it is not given, and else the place in the topic",
    }
    outlet_options: ClassVar[dict[str, str]] = {
        **_COMMON,
        "idempotence": "0: for servers that have no idempotent producers; what the library sends again may then double",
    }

    def inlet(self, address: Address) -> KafkaInlet:
        """Read a topic."""
        address.check_options(self.inlet_options)
        _require()
        return KafkaInlet(address)

    def outlet(self, address: Address) -> KafkaOutlet:
        """Write to a topic."""
        address.check_options(self.outlet_options)
        _require()
        return KafkaOutlet(address)


def _require() -> None:
    check_installed("aiokafka", extra="stream", purpose="A topic of Kafka")


def _errors(address: Address) -> Any:
    from aiokafka.errors import KafkaError

    return service_errors(address, KafkaError, OSError, TimeoutError)


class _Connection:
    def __init__(self, address: Address) -> None:
        self._address = address
        self._topic = need_name(address, "topic")
        self._creates = flag_option(address, "create")
        self._n_partitions = int(number_option(address, "partitions", 4, least=1))
        self._is_encrypted = flag_option(address, "tls")

    def _settings(self) -> dict[str, Any]:
        place = self._address
        settings: dict[str, Any] = {"bootstrap_servers": f"{place.host or '127.0.0.1'}:{place.port or _PORT}"}
        if self._is_encrypted:
            from aiokafka.helpers import create_ssl_context

            settings["ssl_context"] = create_ssl_context()
        transport = "SSL" if self._is_encrypted else "PLAINTEXT"
        if place.user:
            transport = f"SASL_{transport}"
            settings |= {
                "sasl_mechanism": "PLAIN",
                "sasl_plain_username": place.user,
                "sasl_plain_password": place.password,
            }
        return {**settings, "security_protocol": transport}

    async def _find_topic(self) -> None:
        """Create the topic if it is missing and may be created."""
        from aiokafka.admin import AIOKafkaAdminClient, NewTopic

        admin = AIOKafkaAdminClient(**self._settings())
        with _errors(self._address):
            try:
                await admin.start()
                if self._topic in await admin.list_topics():
                    return
                if not self._creates:
                    raise missing(self._address, "topic")
                await admin.create_topics(
                    [NewTopic(name=self._topic, num_partitions=self._n_partitions, replication_factor=1)]
                )
            finally:
                await admin.close()


class KafkaInlet(_Connection):
    """Commits, for each partition, up to the first record that is not acknowledged."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._group = address.options.get("group", "headstart")
        self._starts = choice_option(address, "start", ("first", "new"))
        self._consumer: Any = None
        self._offsets: Offsets[Any] = Offsets()

    async def open(self) -> None:
        """Connect; join the consumer group."""
        from aiokafka import AIOKafkaConsumer

        await self.close()
        self._offsets = Offsets()
        await self._find_topic()
        self._consumer = AIOKafkaConsumer(
            self._topic,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest" if self._starts == "first" else "latest",
            isolation_level="read_committed",
            **self._settings(),
        )
        try:
            with _errors(self._address):
                await self._consumer.start()
        except BaseException:
            await self.close()
            raise

    async def receive(self, n: int, timeout_s: float) -> Sequence[Delivery]:
        """Wait for at least one record, take at most `n`."""
        if self._consumer is None:
            raise ServiceError(f"the connection to {self._address.text} is not open")
        with _errors(self._address):
            found = await self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=n)
        self._offsets.keep_only(self._consumer.assignment())
        return [self._deliver(partition, row) for partition, rows in found.items() for row in rows]

    def _deliver(self, partition: Any, row: Any) -> Delivery:
        self._offsets.delivered(partition, row.offset)
        return as_delivery(
            Message(
                body=row.value or b"",
                headers={name: value.decode(errors="replace") for name, value in row.headers},
                key=f"{self._topic}/{row.partition}/{row.offset}",
                key_header=self._address.options.get("key", ""),
                partition=row.key.decode(errors="replace") if row.key else f"{self._topic}/{row.partition}",
                time=row.timestamp / 1000 if row.timestamp and row.timestamp > 0 else None,
                token=(partition, row.offset),
            )
        )

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Commit what is done without a gap; what is done beyond a gap is delivered again after a crash."""
        if self._consumer is None:
            raise ServiceError(f"the connection to {self._address.text} is not open")
        for delivery in deliveries:
            self._offsets.done(*delivery.token)
        self._offsets.keep_only(self._consumer.assignment())
        if commits := self._offsets.to_commit():
            with _errors(self._address):
                await asyncio.wait_for(self._consumer.commit(commits), _ANSWER_S)

    async def close(self) -> None:
        """Leave the group; what was not committed goes to others."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(Exception):
                await asyncio.wait_for(consumer.stop(), _ANSWER_S)


class KafkaOutlet(_Connection):
    """Waits until the topic has every output; a resend by the library is dropped, one by another process is not."""

    is_idempotent = False

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._has_idempotence = choice_option(address, "idempotence", ("1", "0")) == "1"
        self._producer: Any = None

    async def open(self) -> None:
        """Connect."""
        from aiokafka import AIOKafkaProducer

        await self.close()
        await self._find_topic()
        self._producer = AIOKafkaProducer(
            acks="all",
            enable_idempotence=self._has_idempotence,
            request_timeout_ms=_ANSWER_S * 1000,
            **self._settings(),
        )
        try:
            with _errors(self._address):
                await self._producer.start()
        except BaseException:
            await self.close()
            raise

    async def send(self, outputs: Sequence[Output]) -> None:
        """Write all, and wait until they are acknowledged by all replicas that are in step."""
        if self._producer is None:
            raise ServiceError(f"the connection to {self._address.text} is not open")
        with _errors(self._address):
            sent = [await self._send(output) for output in outputs]
            await asyncio.wait_for(asyncio.gather(*sent), _ANSWER_S)

    async def _send(self, output: Output) -> Any:
        return await self._producer.send(
            self._topic,
            body_of(output),
            key=(output.partition or output.key).encode(),
            timestamp_ms=None if output.time is None else int(output.time * 1000),
            headers=[(name, value.encode()) for name, value in headers_of(output, event_prefix="ce_").items()],
        )

    async def close(self) -> None:
        """End."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):
                await asyncio.wait_for(producer.stop(), _ANSWER_S)
