"""Where a verdict goes: a page, figures for Prometheus, a web hook, a mail in a folder."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from email.message import EmailMessage
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from headstart.core.errors import OptionError, ServiceError
from headstart.core.report import Report
from headstart.core.strict_json import plain, to_json
from headstart.monitoring.watch_section import WatchSection
from headstart.storage.files import storage_errors, write_file

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.monitoring.incident import Incident
    from headstart.monitoring.verdict import WatchVerdict

EVENT_TYPE, INCIDENT_TYPE = "headstart.watch.verdict", "headstart.watch.incident"
_TIMEOUT_S = 10.0
_TRIES = 3


def write_report(verdict: WatchVerdict, name: str, folder: Path) -> None:
    """Write `report.html`, `report.json` and `metrics.prom` into a folder.

    Raises
    ------
    MissingExtraError
        What draws the page is not installed.
    """
    from headstart.reporting import render

    report = Report((WatchSection.of(verdict, name),))
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "report.json", to_json(report.to_dict()).encode())
    write_file(folder / "metrics.prom", prometheus(verdict, name).encode())
    write_file(folder / "report.html", render(report).encode("utf-8", "replace"))


def prometheus(verdict: WatchVerdict, name: str) -> str:
    """The figures in the text format of Prometheus, for its node exporter's folder or a page of one's own."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()

    def gauge(what: str, said: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"headstart_watch_{what}", said, ("model", *labels), registry=registry)

    gauge("records", "Records seen.").labels(name).set(verdict.n_records)
    gauge("labels", "Labels that came.").labels(name).set(verdict.n_labels)
    gauge("alarms", "Alarms of the detectors, those that are kept; several are one incident.").labels(name).set(
        len(verdict.alarms)
    )
    n_incidents = max((one.number for one in verdict.incidents), default=0)
    gauge("incidents", "Incidents so far, of this version of the model.").labels(name).set(n_incidents)
    n_open = sum(one.needs_a_person for one in verdict.incidents)
    gauge("open_incidents", "Incidents that are open and that nobody has said to know of.").labels(name).set(n_open)
    gauge("evidence_ratio", "Evidence of a change, of what raises an alarm.").labels(name).set(
        verdict.evidence / verdict.threshold
    )
    accuracy = gauge("accuracy", "Accuracy, or error of values.", ("kind", "bound"))
    for kind, one in verdict.accuracy.items():
        for bound in ("value", "low", "high"):
            accuracy.labels(name, kind, bound).set(getattr(one, bound))
    change = gauge("change", "How far a number moved.", ("name", "unit"))
    for moved in verdict.changes:
        change.labels(name, moved.name, moved.unit).set(moved.change)
    answers = gauge("answer_share", "Share of each label among the answers.", ("label",))
    for label, share in verdict.answers.items():
        answers.labels(name, label).set(share.value)
    return generate_latest(registry).decode()


def event_of(verdict: WatchVerdict, name: str, incident: Incident | None = None) -> dict[str, Any]:
    """The verdict as a CloudEvent 1.0, JSON; of an incident, with what is new of it, and the same id if it is sent again."""
    event = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": f"headstart/{name}",
        "type": EVENT_TYPE,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "datacontenttype": "application/json",
        "data": plain({**verdict.to_dict(), "course": []}),
    }
    if incident is None:
        return event
    about = {"number": incident.number, "phases": list(incident.news), "sentence": incident.sentence}
    told = f"{verdict.seal}/{incident.number}/{incident.opened.since}/{'/'.join(incident.news)}"
    return {
        **event,
        "id": hashlib.sha256(told.encode()).hexdigest()[:32],
        "type": INCIDENT_TYPE,
        "subject": f"incident {incident.number}",
        "data": {"incident": about, **event["data"]},
    }


class _NoRedirects(HTTPRedirectHandler):
    """A web hook answers where it was named; what it is sent goes nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing."""


def post(verdict: WatchVerdict, name: str, url: str, incident: Incident | None = None) -> None:
    """Send the verdict, or what is new of an incident, to a web hook; three tries.

    Raises
    ------
    OptionError
        It is no http or https URL.
    ServiceError
        It does not answer, or refuses.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise OptionError(f"a web hook begins with https:// or http://, got '{url[:80]}'.")
    body = json.dumps(event_of(verdict, name, incident), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/cloudevents+json", "User-Agent": "headstart"}
    reason = ""
    for attempt in range(_TRIES):
        try:
            with build_opener(_NoRedirects).open(Request(url, body, headers), timeout=_TIMEOUT_S):  # noqa: S310  http alone, checked above
                return
        except HTTPError as error:
            reason = f"status {error.code}"
            error.close()
            if error.code < 500:
                break
        except (URLError, OSError) as error:
            reason = str(getattr(error, "reason", error))
        time.sleep(0.2 * attempt)
    raise ServiceError(
        f"the web hook at {urlsplit(url).hostname} did not take the verdict ({reason}). Look at its log, or leave --webhook out."
    )


def write_mail(verdict: WatchVerdict, name: str, folder: Path, incident: Incident | None = None) -> Path:
    """Write a mail as an .eml file, for what sends the mails of a folder; give its path."""
    about = verdict.status if incident is None else f"incident {incident.number} {_headline(incident)}"
    message = EmailMessage()
    message["Subject"] = f"headstart: {name}: {about}".replace("\n", " ").replace("\r", " ")
    message["Date"] = formatdate(usegmt=True)
    message["X-Headstart-Status"] = verdict.status
    lines = [verdict.sentence] if incident is None else _lines(incident)
    lines += ["", f"{verdict.n_records:,} records, {verdict.n_labels:,} labels; {verdict.budget}."]
    lines += ["", *(f"- {one.message}" for one in verdict.breaks)]
    message.set_content("\n".join(lines))
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"watch-{time.time_ns()}.eml"
    write_file(path, message.as_bytes())
    return path


def _headline(incident: Incident) -> str:
    words = {"opened": "opened", "hurts": "the errors rise too", "ended": "is over"}
    return ", ".join(words[one] for one in incident.news) or ("is open" if incident.is_open else "is over")


def _lines(incident: Incident) -> list[str]:
    """An incident for a person who was not there: what, what to do, where to look, and what else shows it."""
    first = incident.culprit
    lines = [incident.sentence, "", first.advice]
    lines += [f"Look at: {', '.join(first.examples)}"] if first.examples else []
    lines += ["", f"{incident.n_alarms:,} alarm{'' if incident.n_alarms == 1 else 's'} of it so far:"]
    return [*lines, *(f"- {one.alarm.sentence}" for one in incident.named)]
