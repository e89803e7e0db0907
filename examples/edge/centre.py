"""The centre: adds up the Moments of all devices, and sends them a head when it is better on Moments that it has not seen.

python examples/edge/centre.py BUNDLE STATE [--broker HOST:PORT] [--topic edge] [--decay 0.9] [--penalty 0.1]

Each Moments first judge two heads, the one that is in use and the one fitted on all Moments before; then they are added. STATE is a
file that remembers what was added, so that nothing is added twice.
"""

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from wire import Connection, packed, unpacked

from headstart import load_bundle
from headstart.core.moments import Moments
from headstart.heads.head import LinearHead
from headstart.storage.files import write_file

N_REMEMBERED = 10_000


def fitted(moments, penalty):
    """Ridge regression from Moments alone; the penalty is relative to the mean eigenvalue."""
    d = len(moments.mean)
    eased = moments.scatter + penalty * np.trace(moments.scatter) / d * np.eye(d)
    coef = np.linalg.solve(eased, moments.cross)
    return LinearHead(
        transform="identity", centre=moments.mean, scale=np.ones(d), coef=coef, intercept=moments.target_mean
    )


def squared_error(head, moments):
    """Mean squared error of a head on rows of which only Moments are known: exact, for it is a quadratic form."""
    off = moments.target_mean - head.scores(moments.mean[None])[0]
    coef = head.coef * head.scale[:, None]
    around = moments.target_scatter - 2 * (coef * moments.cross).sum(0) + (coef * (moments.scatter @ coef)).sum(0)
    return float((around / moments.weight + off**2).sum())


class Centre:
    """All Moments so far, the head in use, and the ids of what was added."""

    def __init__(self, bundle, state, decay, penalty):
        self.labels = list(load_bundle(bundle).labels)
        self.state, self.decay, self.penalty = Path(state), decay, penalty
        self.total, self.head, self.version, self.added = None, None, 0, []
        base = Path(bundle, "moments.safetensors")
        if self.state.is_file():
            self._remember(*unpacked(self.state.read_bytes()))
        elif base.is_file():
            self.total = Moments.from_arrays(load_file(base))
            self.head = fitted(self.total, penalty)

    def receive(self, content):
        """Judge, add, and give a head if a better one is found."""
        found = unpacked(content)
        if found is None or found[1]["labels"] != self.labels or found[1]["id"] in self.added:
            return None
        arrays, said = found
        new = Moments.from_arrays(arrays)
        sent = None
        if self.total is not None:
            rival = fitted(self.total, self.penalty)
            spread = float(new.target_scatter.sum() / new.weight)
            mine = spread if self.head is None else squared_error(self.head, new)
            its = squared_error(rival, new)
            print(
                f"{said['id'].partition('/')[0]}: {new.weight:.0f} labels; in use {mine:.3f}, rival {its:.3f}",
                flush=True,
            )
            if its < mine:
                self.head, self.version = rival, self.version + 1
                sent = packed(rival.arrays(), version=self.version, labels=self.labels)
        self.total = new if self.total is None else self.total.scaled(self.decay) + new
        self.added = [*self.added, said["id"]][-N_REMEMBERED:]
        self._save()
        return sent

    def _save(self):
        arrays = {f"total.{name}": value for name, value in self.total.arrays().items()}
        if self.head is not None:
            arrays |= {f"head.{name}": value for name, value in self.head.arrays().items()}
        write_file(self.state, packed(arrays, version=self.version, added=self.added))

    def _remember(self, arrays, said):
        parts = {
            part: {name.partition(".")[2]: value for name, value in arrays.items() if name.startswith(part + ".")}
            for part in ("total", "head")
        }
        self.total, self.version, self.added = Moments.from_arrays(parts["total"]), said["version"], said["added"]
        self.head = LinearHead(transform="identity", **parts["head"]) if parts["head"] else None


def main():
    """Go on until the process is ended."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("bundle")
    words.add_argument("state")
    words.add_argument("--broker", default="127.0.0.1:1883")
    words.add_argument("--topic", default="edge")
    words.add_argument("--decay", type=float, default=0.9)
    words.add_argument("--penalty", type=float, default=0.1)
    said = words.parse_args()
    centre = Centre(said.bundle, said.state, said.decay, said.penalty)
    connection = Connection(f"{said.topic}-centre", said.broker, [f"{said.topic}/+/moments"])
    print("the centre listens", flush=True)
    while True:
        message = connection.inbox.get()
        head = centre.receive(message.payload)
        if head is not None:
            connection.publish(f"{said.topic}/head", head, retain=True)
            print(f"head {centre.version} sent", flush=True)
        connection.done(message)


if __name__ == "__main__":
    main()
