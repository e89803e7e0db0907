"""What device and centre have in common: an MQTT connection, and arrays as bytes."""

import json
import queue

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from safetensors import SafetensorError
from safetensors.numpy import load, save

KEPT_S = 3600  # how long the broker keeps what comes for one that is away


class Connection:
    """Messages in a queue; each is acknowledged when it is done, so that the broker sends it again to one that died."""

    def __init__(self, name, broker, topics):
        host, _, port = broker.partition(":")
        self.inbox = queue.Queue()
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, manual_ack=True
        )
        self._client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in topics])
        self._client.on_message = lambda _client, _data, message: self.inbox.put(message)
        kept = Properties(PacketTypes.CONNECT)
        kept.SessionExpiryInterval = KEPT_S
        self._client.connect(host, int(port or 1883), clean_start=False, properties=kept)
        self._client.loop_start()

    def publish(self, topic, content, *, retain=False):
        """Return when the broker has it."""
        self._client.publish(topic, content, qos=1, retain=retain).wait_for_publish(timeout=60)

    def done(self, message):
        """Tell the broker not to send this again."""
        self._client.ack(message.mid, message.qos)


def packed(arrays, **said):
    """Arrays by name, and a few words, as bytes that hold nothing else."""
    return save(arrays, metadata={name: json.dumps(value) for name, value in said.items()})


def unpacked(content):
    """Inverse of `packed`; None where the bytes are something else."""
    try:
        arrays = load(content)
    except SafetensorError:
        return None
    size = int.from_bytes(content[:8], "little")
    words = json.loads(content[8 : 8 + size]).get("__metadata__", {})
    return arrays, {name: json.loads(value) for name, value in words.items()}
