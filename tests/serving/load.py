"""Clients that ask a server of words without a pause, while a test does something to it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter

_BODY = json.dumps({"items": ["kiwi plum plum"]})


class Load:
    """Clients that keep asking over connections they keep; what they were answered is counted."""

    def __init__(self, server, n_clients=4, path="/v1/models/words/predict"):
        self.answers = Counter()
        self.lost = []
        self._server, self._path = server, path
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(n_clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.wait_for(20)
        return self

    def __exit__(self, *_):
        self._is_over.set()
        for thread in self._threads:
            thread.join(20)

    def wait_for(self, n_more):
        """Let so many more requests be answered."""
        wanted, end = self.answers.total() + n_more, time.monotonic() + 20
        while self.answers.total() < wanted and time.monotonic() < end:
            time.sleep(0.01)
        assert self.answers.total() >= wanted

    def _ask(self):
        headers = {"content-type": "application/json", "authorization": f"Bearer {self._server.token}"}
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=20)
        while not self._is_over.is_set():
            try:
                connection.connect() if connection.sock is None else None
            except OSError:
                return  # nobody listens any more: nothing was sent, nothing is lost
            try:
                connection.request("POST", self._path, _BODY, headers)
                reply = connection.getresponse()
                describe_plan = json.loads(reply.read())
                self.answers[describe_plan.get("version", reply.status)] += 1
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.lost.append(repr(error))
                connection.close()
        connection.close()
