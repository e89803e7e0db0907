"""A small device: answers what comes over MQTT with a bundle, and tells a centre what it learned as Moments, never as rows.

python examples/edge/device.py BUNDLE NAME [--broker HOST:PORT] [--topic edge] [--every 50]

TOPIC/NAME/items    in: {"id": …, "text": …}, an item
TOPIC/NAME/labels   in: {"id": …, "label": …}, the true label of an item, sooner or later
TOPIC/NAME/answers  out: {"id": …, "label": …, "head": N}; N counts the heads that came, 0 is the bundle's own
TOPIC/NAME/moments  out: sums over `--every` labelled items
TOPIC/head          in: the newest head
"""

import argparse
import json
import sys
import uuid
from collections import OrderedDict

import numpy as np
from wire import Connection, packed, unpacked

from headstart import load_bundle
from headstart.core.moments import Moments
from headstart.heads.head import LinearHead

REMEMBERED = 5_000  # items whose label may still come: their features, not themselves


class Device:
    """Bundle, head, and what was learned since the last Moments left."""

    def __init__(self, bundle, name, every):
        self.bundle, self.name, self.every = load_bundle(bundle), name, every
        self.labels = list(self.bundle.labels)
        self.head, self.version = None, 0
        self.features = OrderedDict()
        self.rows, self.targets = [], []

    def answer(self, said):
        """Answer one item."""
        row = self.bundle.features([said["text"]])
        self.features[said["id"]] = row[0]
        if len(self.features) > REMEMBERED:
            self.features.popitem(last=False)
        if self.head is None:
            label = self.bundle.predict([said["text"]])[0]
        else:
            label = self.labels[int(self.head.scores(row)[0].argmax())]
        return {"id": said["id"], "label": label, "head": self.version}

    def learn(self, said):
        """Join a label to its item; give Moments when there are enough of them."""
        row = self.features.pop(said["id"], None)
        if row is None or said["label"] not in self.labels:
            return None
        self.rows.append(row)
        self.targets.append([1.0 if name == said["label"] else -1.0 for name in self.labels])
        if len(self.rows) < self.every:
            return None
        moments = Moments.of(np.array(self.rows), np.array(self.targets))
        self.rows, self.targets = [], []
        return packed(moments.arrays(), id=f"{self.name}/{uuid.uuid4().hex}", labels=self.labels)

    def take(self, content):
        """Use another head from now on, unless it is of other labels or another network."""
        found = unpacked(content)
        if found is None or found[1]["labels"] != self.labels:
            return
        arrays, said = found
        self.head, self.version = LinearHead(transform="identity", **arrays), said["version"]


def main():
    """Go on until the process is ended."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("bundle")
    words.add_argument("name")
    words.add_argument("--broker", default="127.0.0.1:1883")
    words.add_argument("--topic", default="edge")
    words.add_argument("--every", type=int, default=50)
    said = words.parse_args()
    if said.every < 20:
        words.error("--every must be 20 or more: from sums over a few rows the rows can be found")
    device = Device(said.bundle, said.name, said.every)
    mine, heads = f"{said.topic}/{said.name}", f"{said.topic}/head"
    connection = Connection(f"{said.topic}-{said.name}", said.broker, [f"{mine}/items", f"{mine}/labels", heads])
    print(f"{said.name} listens", flush=True)
    while True:
        message = connection.inbox.get()
        try:
            if message.topic == heads:
                device.take(message.payload)
            elif message.topic == f"{mine}/items":
                connection.publish(f"{mine}/answers", json.dumps(device.answer(json.loads(message.payload))))
            elif (moments := device.learn(json.loads(message.payload))) is not None:
                connection.publish(f"{mine}/moments", moments)
        except (ValueError, KeyError, TypeError) as error:
            print(f"{message.topic}: not readable ({error!r})", file=sys.stderr, flush=True)
        connection.done(message)


if __name__ == "__main__":
    main()
