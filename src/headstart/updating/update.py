"""Update: new labelled records judge the champion, and challengers made of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import OptionError
from headstart.engines.context import RunContext
from headstart.updating.betting import Bet
from headstart.updating.challenger import challenger_names, get_challengers
from headstart.updating.comparison import CHALLENGE, GUARD, Comparison
from headstart.updating.judging import Records, error_scale, load_records, losses_of
from headstart.updating.old_items import worse_slices
from headstart.updating.opening import open_registry
from headstart.updating.outcome import Decision, Tried, Update
from headstart.updating.trying import Made, make_challengers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headstart.engines.reporters import ProgressOutput
    from headstart.packaging.model import Bundle
    from headstart.updating.registry import Registry

BUDGET_S = 300.0
NO_CHALLENGER = "none"
LEVEL = 0.05
GUARD_RECORDS = 2000
_SHADOW_SHARE = 1 / 3  # of the records: the latest ones, which judge
_PATIENCE = 200  # records after which a challenger without a gain is given up


def update(
    registry: str | Path,
    data: Any,
    *,
    challengers: str | Sequence[str] | None = None,
    budget_s: float = BUDGET_S,
    level: float = LEVEL,
    guard_records: int = GUARD_RECORDS,
    approve: bool = False,
    confirm: Callable[[str], bool] | None = None,
    seed: int = 0,
    max_unreadable: float = 0.01,
    progress: ProgressOutput = None,
    **columns: Any,
) -> Update:
    """Judge the champion of a registry on recent labelled records, and promote what is better.

    First the former champion is compared with the present one (rollback), then the challenger of earlier updates; then new challengers are made of
    the earlier two thirds of the records and judged on the later third. A record that a version learned from never judges it, and one that comes
    again counts once.

    Parameters
    ----------
    registry : its folder, or its address: `postgresql://host/database?registry=NAME` or `mlflow+http://host:port/NAME`
    data : whatever `headstart.load` takes, the oldest record first unless `time` names a column
    challengers : which are made, by name; all if None, and with 'none' those of earlier updates are only judged further
    budget_s : seconds that all of it may take; challengers for which there is no time are not begun, or stopped at their next step
    level : probability at which anything of one set of challengers is promoted although none of it is better; of a rollback likewise
    guard_records : after a promotion, records on which the former champion may come back by itself
    approve : whether a person must agree to a promotion
    confirm : asks that person; None to leave it for later (`promote_challenger`)
    columns : `input`, `target`, `group`, `time`, `split`, `images`, `missing`, `columns`, `sql`, as for `headstart.load`

    Raises
    ------
    UserError
        There is no registry, or the data is not as the champion reads it; nothing is changed then.
    """
    started = time.perf_counter()
    words = challenger_names() if challengers is None else challengers
    names = tuple(words.split(",")) if isinstance(words, str) else tuple(words)
    if not names:
        raise OptionError(f"name at least one challenger of {', '.join(challenger_names())}, or '{NO_CHALLENGER}'.")
    names = () if names == (NO_CHALLENGER,) else names
    get_challengers(names)
    if not budget_s > 0 or guard_records < 0:
        raise OptionError(
            f"a budget is above 0 s, and {budget_s} came; records of the guard are 0 or more, {guard_records} came."
        )
    Bet(level=level)
    context = RunContext.default(seed=seed, budget_s=budget_s, progress=progress)
    with open_registry(registry) as store:
        champion = store.open_version(store.champion)
        records = load_records(champion, data, max_unreadable=max_unreadable, **columns)
        run = _Run(store, champion, records, names, level, guard_records, approve, confirm, context)
        decision, sentence, tried = run.guard() or run.pending() or run.fresh()
        return Update(
            decision=decision,
            sentence=sentence,
            champion=store.champion,
            former=store.former,
            challenger=store.challenger,
            n_records=len(records),
            tried=tuple(tried),
            seconds=round(time.perf_counter() - started, 2),
        )


def promote_challenger(registry: str | Path, guard_records: int = GUARD_RECORDS) -> str:
    """Promote a challenger that was shown to be better, for a person who agrees; give a sentence.

    Raises
    ------
    OptionError
        There is none, or it is not shown to be better.
    """
    with open_registry(registry) as store:
        judged = store.comparison(CHALLENGE)
        if judged is None or not judged.bet.is_shown:
            raise OptionError(
                f"{store.shown} has no challenger that was shown to be better. See: headstart update {store.shown} --history"
            )
        return _promote(store, judged, guard_records, LEVEL, "a person agreed")


Found = tuple[Decision, str, list[Tried]]


@dataclass
class _Run:
    store: Registry
    champion: Bundle
    records: Records
    names: tuple[str, ...]
    level: float
    guard_records: int
    approve: bool
    confirm: Callable[[str], bool] | None
    context: RunContext

    def guard(self) -> Found | None:
        """Compare the former champion; it comes back if it was better."""
        judged = self.store.comparison(GUARD)
        if judged is None:
            return None
        judged = self._judge(judged)
        if judged.bet.is_shown:
            lost = self.store.champion
            why = f"version {judged.second} is better than version {lost} by {judged.bet.mean:.4f} on {judged.bet.n} records"
            back = self.store.roll_back(why)
            return "rolled back", f"Rolled back to version {back}: {why}.", [_tried(f"version {back}", judged)]
        if judged.is_over:
            self.store.end_guard(f"{judged.bet.n} records were counted")
        return None

    def pending(self) -> Found | None:
        """Judge the challenger of earlier updates further."""
        judged = self.store.comparison(CHALLENGE)
        if judged is None:
            return None
        judged = self._judge(judged)
        if judged.bet.is_shown:
            tried = _tried(f"version {judged.second}", judged, self._worse(self.store.open_version(judged.second)))
            if not tried.worse_on:
                return self._agreed(judged, [tried])
            self.store.drop_challenger(f"worse on old items: {'; '.join(tried.worse_on)}")
        elif judged.bet.n >= _PATIENCE and judged.bet.mean <= 0:
            self.store.drop_challenger("it is no better")
        return None

    def fresh(self) -> Found:
        """Make challengers and judge them."""
        cut = len(self.records) - round(_SHADOW_SHARE * len(self.records))
        early, late = self.records.take(np.arange(cut)), self.records.take(np.arange(cut, len(self.records)))
        late = late.without(set(early.keys) | self.store.has_learned(self.store.champion))
        tried: list[Tried] = []
        with make_challengers(self.names, self.champion, early, late, self._to_make()) as made:
            judged = self._judged(made, late)
            for one, comparison in judged:
                worse = self._worse(one.bundle) if comparison.bet.is_shown else []
                tried.append(replace(_tried(one.name, comparison, worse), seconds=one.seconds, n_fitted=len(early)))
            tried += [Tried(name=one.name, seconds=one.seconds, error=one.error) for one in made if one.error]
            able = [
                (one, c) for (one, c), said in zip(judged, tried, strict=False) if c.bet.mean > 0 and not said.worse_on
            ]
            self.store.note("tried", challengers=[one.words() for one in tried])
            return self._best(able, early, late, tried)

    def _to_make(self) -> RunContext:
        """The time in which challengers are made: judging them will take about as long as all that came before, at most half of what is left."""
        clock = self.context.clock
        left_s = clock.left_s
        return (
            self.context
            if left_s is None
            else self.context.with_budget(max(left_s - clock.seconds()["total"], left_s / 2))
        )

    def _best(self, able: list[tuple[Made, Comparison]], early: Records, late: Records, tried: list[Tried]) -> Found:
        """Keep the one with the most evidence as the challenger, and promote it if that is enough."""
        kept = f"Version {self.store.champion} stays the champion: "
        older = self.store.comparison(CHALLENGE)
        if not able and older is not None:
            return "kept", kept + f"version {older.second} is judged further on the next records.", tried
        if not able:
            return (
                "kept",
                kept + ("nothing better was found." if self.names else "no challenger is there to be judged."),
                tried,
            )
        one, judged = max(able, key=lambda pair: pair[1].bet.largest)
        if not judged.bet.is_shown and older is not None and older.bet.largest >= judged.bet.largest:
            return "kept", kept + f"version {older.second} is judged further on the next records.", tried
        number = self.store.add(one.folder, one.name, early.keys, n_fitted=len(early))
        judged = self.store.challenge(number, replace(judged, second=number), late.keys)
        tried = [replace(said, version=number) if said.name == one.name else said for said in tried]
        if judged.bet.is_shown:
            return self._agreed(judged, tried)
        return (
            "kept",
            kept + f"'{one.name}' (version {number}) is ahead, and is judged further on the next records.",
            tried,
        )

    def _agreed(self, judged: Comparison, tried: list[Tried]) -> Found:
        why = f"version {judged.second} is better than version {judged.first} by {judged.bet.mean:.4f} on {judged.bet.n} records"
        if self.approve and not (
            self.confirm and self.confirm(f"Promote version {judged.second}? By the test, {why}.")
        ):
            self.store.note("approval asked", version=judged.second, why=why)
            return "needs approval", f"Not promoted yet, though {why}: a person must agree, with --promote.", tried
        return "promoted", _promote(self.store, judged, self.guard_records, self.level, why), tried

    def _judged(self, made: Sequence[Made], late: Records) -> list[tuple[Made, Comparison]]:
        """Each on the same records, its test at its share of the level."""
        good = [one for one in made if one.bundle is not None]
        scale = error_scale(self.champion, self.records)
        before = losses_of(self.champion, late, scale=scale)
        number = self.store.champion
        found = []
        for one in good:
            start = Comparison(
                kind=CHALLENGE, first=number, second=0, bet=Bet(level=self.level / len(good)), scale=scale
            )
            assert one.bundle is not None
            found.append((one, start.after(before, losses_of(one.bundle, late, scale=scale))))
        return found

    def _judge(self, comparison: Comparison) -> Comparison:
        """Count the records that are new to a comparison and to both versions."""
        first, second = (self.store.open_version(number) for number in (comparison.first, comparison.second))
        learned = self.store.has_learned(max(comparison.first, comparison.second))
        new = self.records.without(learned | self.store.counted(comparison))
        if len(new):
            losses = (losses_of(one, new, scale=comparison.scale) for one in (first, second))
            comparison = comparison.after(*losses)
            self.store.count(comparison, new.keys)
        return comparison

    def _worse(self, challenger: Bundle | None) -> list[str]:
        return [] if challenger is None else worse_slices(self.store, self.champion, challenger)


def _promote(store: Registry, judged: Comparison, guard_records: int, level: float, why: str) -> str:
    guard = Comparison(
        kind=GUARD,
        first=judged.second,
        second=judged.first,
        bet=Bet(level=level),
        scale=judged.scale,
        limit=guard_records,
    )
    store.promote(judged.second, why, guard if guard_records else None)
    return f"Version {judged.second} is the champion now, in the place of version {judged.first}: {why}."


def _tried(name: str, judged: Comparison, worse: Sequence[str] = ()) -> Tried:
    said = judged.figures()
    return Tried(
        name=name,
        version=judged.second or None,
        n_judged=said["n"],
        mean_gain=said["mean_gain"],
        evidence=said["evidence"],
        needed=said["needed"],
        worse_on=tuple(worse),
    )
