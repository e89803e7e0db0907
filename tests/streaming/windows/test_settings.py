"""Tests of `streaming/windows/settings.py`."""

from __future__ import annotations

import pytest

from headstart.core.errors import OptionError
from headstart.streaming.windows.settings import WindowSettings


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "give one"),
        ({"size": "1m", "gap": "1m"}, "give one"),
        ({"size": "soon"}, "--window must be a length of time"),
        ({"size": "0s"}, "longer than 0"),
        ({"size": "1m", "every": "2m"}, "no window"),
        ({"gap": "1m", "every": "2m"}, "goes with --window"),
        ({"size": "1m", "lateness": "-1s"}, "--window-lateness"),
        ({"size": "4000d"}, "3660 days at most"),
        ({"gap": "9" * 400 + "d"}, "3660 days at most"),
        ({"size": "1d", "every": "1ms"}, "in 86,400,000 windows"),
        ({"size": "1m", "label_time": "known"}, "--window-label"),
    ],
)
def test_what_cannot_be_is_refused(said, words):
    with pytest.raises(OptionError, match=words):
        WindowSettings(to="x", **said).check()


def test_what_can_be_is_not():
    WindowSettings(to="x", size="1m", every="20s", lateness="1h").check()
    WindowSettings(to="x", gap="500ms").check()
