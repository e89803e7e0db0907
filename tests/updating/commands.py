"""`headstart update` as a command, of a registry of any kind."""

from __future__ import annotations

import json

from headstart.cli import _run


def run(capsys, *words):
    """Run it; give its exit code and its JSON."""
    code = _run(["update", *map(str, words), "--json", "--progress", "none"])
    said = capsys.readouterr().out
    return code, json.loads(said) if said else {}


def go_through(capsys, place, shown, bundle, path):
    """From a bundle to a second version and back; all is whole in the end."""
    assert run(capsys, place, "--init", bundle) == (0, {"registry": shown, "champion": 1})
    code, figures = run(capsys, place, "--data", path, "--target", "label", "--challenger", "residual", "--approve")
    assert (code, figures["decision"]) == (3, "needs approval")
    assert run(capsys, place, "--promote")[1]["champion"] == 2
    assert run(capsys, place, "--rollback")[1]["champion"] == 1
    assert run(capsys, place, "--history")[1]["history"][-1]["step"] == "rollback done"
    code, figures = run(capsys, place, "--verify")
    assert (code, figures["problems"]) == (0, [])
