"""The doors by which inputs come in, and what came of one: an answer, a refusal of one line, or a crash."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from unittest.mock import patch
from urllib.error import HTTPError
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Judgement = Literal["right", "refused", "WRONG", "CRASH"]


@dataclass(frozen=True)
class Outcome:
    """What a door did with an input: `value` is its answer, or else `message` says why there is none."""

    value: Any = None
    message: str = ""
    has_crashed: bool = False

    @property
    def is_answer(self) -> bool:
        """Whether there is an answer."""
        return not self.message


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is right.

    Attributes
    ----------
    value : the answer; of a dict these keys are compared alone; None where a refusal alone is right
    says : words of the notices that go with the answer
    refusal : patterns that a refusal has; None where it may not be refused
    """

    value: Any = None
    says: tuple[str, ...] = ()
    refusal: tuple[str, ...] | None = field(default=None)

    def judge(self, outcome: Outcome) -> Judgement:
        """Compare with what came."""
        if outcome.has_crashed:
            return "CRASH"
        if not outcome.is_answer:
            return "refused" if self.refusal is not None and _is_clear(outcome.message, self.refusal) else "WRONG"
        return "right" if self.value is not None and self._fits(outcome.value) else "WRONG"

    def _fits(self, value: Any) -> bool:
        if not isinstance(self.value, dict):
            return bool(value == self.value)
        notices = " ".join(value.get("notices", ()))
        return all(value.get(key) == wanted for key, wanted in self.value.items()) and all(
            words in notices for words in self.says
        )


def _is_clear(message: str, words: Sequence[str]) -> bool:
    one_line = "\n" not in message.strip() and len(message) < 700
    return one_line and all(re.search(word, message, re.IGNORECASE) for word in words)


def in_python(call: Callable[[], Any]) -> Outcome:
    """Call a function of ours; what is no `UserError`, or scikit-learn's own ValueError, is a crash."""
    from headstart.core.errors import UserError

    try:
        return Outcome(call())
    except UserError as error:
        return Outcome(message=str(error))
    except Exception as error:  # noqa: BLE001  the bench counts them
        return Outcome(message=f"{type(error).__name__}: {error}", has_crashed=True)


def in_scikit_learn(call: Callable[[], Any]) -> Outcome:
    """Call an estimator, which refuses by a ValueError too."""
    outcome = in_python(call)
    return Outcome(message=outcome.message) if outcome.message.startswith("ValueError: ") else outcome


def on_the_command_line(*words: Any, stdin: str = "") -> Outcome:
    """Run a command as its entry point does, in this process; the answer is the JSON of its standard output."""
    from headstart.cli import main

    out, said = io.StringIO(), io.StringIO()
    code = 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(said),
        patch.object(sys, "argv", ["headstart", *map(str, words)]),
        patch.object(sys, "stdin", io.StringIO(stdin)),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    if code == 0:
        return Outcome(json.loads(out.getvalue()) if out.getvalue().strip() else {})
    lines = said.getvalue().strip().splitlines()
    refusal = next((line for line in lines if line.startswith("headstart: ")), said.getvalue() or "said nothing")
    return Outcome(message=refusal, has_crashed=code != 2)


def over_http(url: str, body: bytes, media_type: str) -> Outcome:
    """Send a body; the answer is the JSON that came back."""
    try:
        with urlopen(Request(url, body, {"Content-Type": media_type}), timeout=60) as answer:
            return Outcome(json.load(answer))
    except HTTPError as error:
        text = error.read().decode(errors="replace")
        with contextlib.suppress(ValueError, AttributeError):
            text = str(json.loads(text).get("error", text))
        return Outcome(message=text or f"HTTP {error.code}", has_crashed=error.code >= 500)
