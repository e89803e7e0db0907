"""What a broker's connector promises beyond the published checks, for each broker that answers."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from brokers import USUAL

from bench.robustness.cut import CuttingProxy
from headstart.core.errors import MissingExtraError, OptionError, ServiceError
from headstart.streaming.record import Output
from servers import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brokers import Broker

    from headstart.streaming.connector import Inlet
    from headstart.streaming.record import Delivery

pytestmark = pytest.mark.parametrize("broker", sorted(USUAL), indirect=True)
_LONG_S = 20.0
_EVENT = {"ce_id": "1", "ce_source": "/desk", "ce_specversion": "1.0", "ce_type": "ticket"}
_LIBRARY = {"nats": "nats", "redis": "redis", "rabbitmq": "aio_pika", "mqtt": "paho", "kafka": "aiokafka"}


def output(n: int, **more: Any) -> Output:
    return Output(key=f"key {n}", value={"n": n, "text": "spät"}, **more)


async def all_of(inlet: Inlet, n: int, *, at_once: int = 64) -> list[Delivery]:
    """Receive `n` records, or what comes in time."""
    found: list[Delivery] = []
    end = time.monotonic() + _LONG_S
    while len(found) < n and time.monotonic() < end:
        found += await inlet.receive(min(at_once, n - len(found)), 0.5)
    return found


def numbers(deliveries: Sequence[Delivery]) -> list[int]:
    return [delivery.record.content["n"] for delivery in deliveries if delivery.record]


async def filled(broker: Broker, queue: str, n: int, **options: str) -> Inlet:
    """An open inlet with `n` records before it; a topic of MQTT keeps only what comes after its reader."""
    inlet, outlet = broker.inlet(queue, **options), broker.outlet(queue)
    await inlet.open()
    await outlet.open()
    await outlet.send([output(i) for i in range(n)])
    await outlet.close()
    return inlet


def test_what_is_sent_comes_with_all_that_was_said(broker: Broker, queue: str) -> None:
    async def run() -> None:
        inlet, outlet = broker.inlet(queue), broker.outlet(queue)
        await inlet.open()
        await outlet.open()
        attributes = {"trace": "a-1", **_EVENT}
        await outlet.send([output(7, attributes={**attributes, "ce_time": "2026-11-29T08:00:00Z"})])
        (delivery,) = await all_of(inlet, 1)
        record = delivery.record
        assert record is not None
        assert record.key == "key 7"
        assert record.content == {"n": 7, "text": "spät"}
        assert record.time == 1_795_939_200
        assert record.attributes.items() >= attributes.items()
        assert record.attributes["content-type"] == "application/json"
        await inlet.acknowledge([delivery])
        await inlet.close()
        await outlet.close()

    asyncio.run(run())


def test_many_come_once_each(broker: Broker, queue: str) -> None:
    async def run() -> None:
        inlet = await filled(broker, queue, 500)
        found: list[Delivery] = []
        while len(found) < 500 and (more := await inlet.receive(64, _LONG_S)):
            await inlet.acknowledge(more)
            found += more
        assert sorted(numbers(found)) == list(range(500))
        assert not await inlet.receive(10, 0.3)
        await inlet.close()

    asyncio.run(run())


def test_a_key_twice_is_dropped_where_the_outlet_says_so(broker: Broker, queue: str) -> None:
    async def run() -> None:
        inlet, outlet = await filled(broker, queue, 3), broker.outlet(queue)
        await outlet.open()
        await outlet.send([output(2), output(3), output(3)])
        expected = [0, 1, 2, 3] if outlet.is_idempotent else [0, 1, 2, 2, 3, 3]
        assert sorted(numbers(await all_of(inlet, len(expected)))) == expected
        assert not await inlet.receive(10, 0.3)
        await outlet.close()
        await inlet.close()

    asyncio.run(run())


def test_a_lost_connection_is_an_error_and_a_new_one_gives_the_rest(broker: Broker, queue: str) -> None:
    if broker.name == "kafka":  # its client makes connections anew by itself, and to the port that the broker names
        return

    async def run(proxy: CuttingProxy) -> None:
        await (await filled(broker, queue, 0)).close()  # makes what is missing, past the proxy
        inlet, outlet = broker.at(proxy.port).inlet(queue), broker.at(proxy.port).outlet(queue)
        await inlet.open()
        await outlet.open()
        await outlet.send([output(i) for i in range(6)])
        found = await all_of(inlet, 6)
        await inlet.acknowledge(found[:3])
        await asyncio.sleep(0.3)
        proxy.cut()
        with pytest.raises(ServiceError, match=str(proxy.port)):
            await outlet.send([output(6)])
        with pytest.raises(ServiceError, match=str(proxy.port)):
            await all_of(inlet, 10)
        await outlet.open()
        await outlet.send([output(6)])
        await inlet.open()
        again = await all_of(inlet, 4)
        assert sorted(numbers(again)) == sorted([*numbers(found[3:]), 6])
        await inlet.close()
        await outlet.close()

    with CuttingProxy(broker.place.port or 0) as proxy:
        asyncio.run(run(proxy))


def test_another_takes_over_what_a_dead_worker_held(broker: Broker, queue: str) -> None:
    if broker.name == "mqtt":  # a session belongs to one name: the worker that is started again has it
        return
    options = {"wait_s": "1"} if broker.name in {"nats", "redis"} else {}

    async def run(proxy: CuttingProxy) -> None:
        dead = await filled(broker if broker.name == "kafka" else broker.at(proxy.port), queue, 6, **options)
        found = await all_of(dead, 6)
        assert len(found) == 6
        if broker.name == "kafka":
            await dead.close()
        else:
            _kill(dead)
            proxy.cut()
        living = broker.inlet(queue, **options)
        await living.open()
        assert sorted(numbers(await all_of(living, 6))) == list(range(6))
        await living.close()
        await dead.close()

    with CuttingProxy(broker.place.port or 0) as proxy:
        asyncio.run(run(proxy))


def _kill(inlet: Any) -> None:
    """It says nothing any more, as after kill -9."""
    if getattr(inlet, "_renewing", None):
        inlet._renewing.cancel()


def test_a_living_worker_keeps_what_it_holds(broker: Broker, queue: str) -> None:
    if broker.name not in {"nats", "redis"}:  # the others give a record away only when its worker's connection ends
        return

    async def run() -> None:
        slow = await filled(broker, queue, 3, wait_s="1")
        found = await all_of(slow, 3)
        other = broker.inlet(queue, wait_s="1")
        await other.open()
        assert not await other.receive(10, 3.0)
        await slow.acknowledge(found)
        await slow.close()
        await other.close()

    asyncio.run(run())


def test_a_missing_queue_is_named_with_the_remedy(broker: Broker, queue: str) -> None:
    if broker.name == "mqtt":  # has topics of any name
        return

    async def run() -> None:
        for place in (
            broker.connector.inlet(broker.address(queue)),
            broker.connector.outlet(broker.address(queue)),
        ):
            with pytest.raises(OptionError, match=rf"no \w+ '{queue}' at .*{queue}\?create=1"):
                await place.open()
            await place.close()

    asyncio.run(run())


def test_what_cannot_be_read_comes_with_the_reason(broker: Broker, queue: str) -> None:
    async def run() -> None:
        inlet, outlet = await filled(broker, queue, 0), broker.outlet(queue)
        await outlet.open()
        await outlet.send([output(1, attributes={**_EVENT, "ce_time": "yesterday"}), output(2)])
        bad, good = sorted(await all_of(inlet, 2), key=lambda delivery: delivery.record is not None)
        assert bad.record is None
        assert "yesterday" in bad.error
        assert b'"n": 1' in bad.raw
        assert numbers([good]) == [2]
        await inlet.acknowledge([bad, good])
        assert not await inlet.receive(10, 0.3)
        await outlet.close()
        await inlet.close()

    asyncio.run(run())


def test_no_answer_is_an_error_that_names_the_address(broker: Broker) -> None:
    async def run() -> None:
        port = free_port()
        for place in (broker.at(port).inlet("anything"), broker.at(port).outlet("anything")):
            with pytest.raises(ServiceError, match=f"127.0.0.1:{port}"):
                await place.open()
            await place.close()
            await place.close()

    asyncio.run(run())


def test_an_unknown_option_is_refused(broker: Broker) -> None:
    for open_place in (broker.connector.inlet, broker.connector.outlet):
        with pytest.raises(OptionError, match="option of"):
            open_place(broker.address("anything", colour="red"))


def test_an_address_needs_a_name(broker: Broker) -> None:
    with pytest.raises(OptionError, match=r"names no (stream|queue|topic)"):
        broker.connector.inlet(broker.address(""))


def test_a_missing_library_is_named(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, _LIBRARY[broker.name], None)
    with pytest.raises(MissingExtraError, match=r'pip install "headstart\[stream\]"'):
        broker.connector.inlet(broker.address("anything"))
