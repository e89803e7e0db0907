"""The example of an edge loop: a device and a centre are two processes, with a real MQTT broker between them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from brokers import find
from safetensors.numpy import load

from headstart.core.moments import Moments
from headstart.testing.small_bundles import make_items

EXAMPLE = Path(__file__).parents[2] / "examples" / "edge"
PATIENCE_S = 90
SWAPPED = {"apple": "kiwi", "kiwi": "apple"}


@pytest.fixture
def broker():
    pytest.importorskip("paho.mqtt.client")
    place = find("mqtt").place
    return place.host, place.port or 1883


@pytest.fixture
def start(broker):
    """Start a program of the example; all are ended with the test."""
    begun = []

    def one(name, *words):
        command = [sys.executable, EXAMPLE / name, *map(str, words), "--broker", ":".join(map(str, broker))]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        begun.append(process)
        assert "listens" in process.stdout.readline()
        return process

    yield one
    for process in begun:
        process.kill()
        process.communicate()


class Mind:
    """Whoever uses the device: sends items and labels, hears answers, and sees all that is sent upstream."""

    def __init__(self, broker, topic):
        import paho.mqtt.client as mqtt

        self.topic, self.answers, self.upstream, self.heads = topic, {}, [], []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_message = self.hear
        self.client.connect(*broker)
        self.client.subscribe([(f"{topic}/#", 1)])
        self.client.loop_start()

    def hear(self, client, data, message):
        if message.topic.endswith("/answers"):
            said = json.loads(message.payload)
            self.answers[said["id"]] = said
        elif message.topic.endswith("/moments"):
            self.upstream.append(message.payload)
        elif message.topic.endswith("/head"):
            self.heads.append(message.payload)

    def say(self, what, **said):
        self.client.publish(f"{self.topic}/one/{what}", json.dumps(said), qos=1)

    def asked(self, texts, start):
        """Labels that the device answers."""
        for number, text in enumerate(texts, start):
            self.say("items", id=number, text=text)
        numbers = range(start, start + len(texts))
        wait(lambda: all(number in self.answers for number in numbers))
        return [self.answers[number]["label"] for number in numbers]


def wait(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)


def share(answers, truth):
    return sum(a == b for a, b in zip(answers, truth, strict=True)) / len(truth)


def test_a_device_learns_a_changed_world_without_sending_a_row(broker, start, texts_bundle, tmp_path):
    topic = f"headstart-test-{uuid4().hex[:8]}"
    start("centre.py", texts_bundle, tmp_path / "state", "--topic", topic)
    start("device.py", texts_bundle, "one", "--topic", topic, "--every", 60)
    mind = Mind(broker, topic)
    texts, labels = make_items("products", seed=1)
    truth = [SWAPPED[label] for label in labels]  # the world has changed: every label is the other one
    before = mind.asked(texts[:180], 0)
    assert share(before, truth[:180]) < 0.2
    for number in range(180):
        mind.say("labels", id=number, label=truth[number])
    wait(lambda: len(mind.upstream) == 3 and mind.heads)
    time.sleep(0.5)
    after = mind.asked(texts[180:], 180)
    assert share(after, truth[180:]) > 0.9
    assert mind.answers[180]["head"] >= 1
    for content in mind.upstream:
        shapes = {name: array.shape for name, array in load(content).items()}
        assert set(shapes) == set(Moments.__dataclass_fields__)
        assert all(60 not in shape for shape in shapes.values()), "nothing has an axis of rows"
        assert len(content) < 8 * (64 * 64 + 64 * 2 + 64 + 5) + 2000, "and there is no room for them elsewhere"
    mind.client.publish(f"{topic}/head", b"", qos=1, retain=True).wait_for_publish(10)
    mind.client.loop_stop()


def test_a_centre_counts_once_what_comes_twice_and_goes_on_after_a_restart(texts_bundle, tmp_path, monkeypatch):
    pytest.importorskip("paho.mqtt.client")
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import centre
    import device

    one = device.Device(texts_bundle, "one", 40)
    texts, labels = make_items("products", seed=2)
    sent = []
    for number, (text, label) in enumerate(zip(texts[:120], labels, strict=False)):
        one.answer({"id": number, "text": text})
        sent.append(one.learn({"id": number, "label": label}))
    sent = [content for content in sent if content is not None]
    assert len(sent) == 3
    here = centre.Centre(texts_bundle, tmp_path / "state", 1.0, 0.1)
    heads = [here.receive(content) for content in (sent[0], sent[0], sent[1])]
    assert heads[:2] == [None, None]
    assert heads[2] is not None
    again = centre.Centre(texts_bundle, tmp_path / "state", 1.0, 0.1)
    assert again.receive(sent[1]) is None
    again.receive(sent[2])
    assert again.total.weight == 120
    one.take(heads[2])
    assert one.version == 1


def test_the_error_on_moments_is_the_error_on_their_rows(texts_bundle, monkeypatch):
    pytest.importorskip("paho.mqtt.client")
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import centre

    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 2, (50, 4)), rng.normal(1, 1, (50, 2))
    head = centre.fitted(Moments.of(x[:25], y[:25]), 0.1)
    exact = np.square(head.scores(x[25:]) - y[25:]).sum(1).mean()
    assert centre.squared_error(head, Moments.of(x[25:], y[25:])) == pytest.approx(exact)
