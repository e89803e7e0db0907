"""A rare class in the report: how many of its items are among those that look likeliest, and how many of these are real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.report import Report, Section
from headstart.reporting import Part, Rendering, template_of
from headstart.reporting.charts import ACCENT, BASELINE, WIDTH_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray
    from headstart.reporting.charts import Spec

_SHARES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_N_POINTS = 80
_N_BINS = 30
RARE = 0.2
"""Share of the items: a more frequent class is seen well enough in the other pictures, except in a table."""


@dataclass(frozen=True, kw_only=True)
class RareClassSection(Section):
    """How well the rarer of two classes is found among the held-out items.

    Attributes
    ----------
    label : of the class
    n, n_rare : held-out items, and those of the class
    top : {share, n, found, precision, recall, lift}, of the items with the highest probability, `share` of all
    curve : {recall, precision}, of a falling threshold
    distribution : {low, high, others, rare}, the share of each class with a probability in a bin; bins are even in log-odds
    """

    section_name: ClassVar[str] = "rare_class"

    label: str = ""
    n: int = 0
    n_rare: int = 0
    top: tuple[dict[str, Any], ...] = ()
    curve: tuple[dict[str, Any], ...] = ()
    distribution: tuple[dict[str, Any], ...] = ()

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """The curve, the table of the likeliest items, and the distribution of probabilities."""
        if not self.curve:
            return Rendering()
        charts = {"curve": _curve(self.curve), "distribution": _distribution(self.distribution, self.label)}
        values = {"is_rare": self.n_rare < RARE * self.n}
        title = f"How well '{self.label}' is found"
        part = Part(order=430, title=title, template=template_of(__name__, "html"), charts=charts, values=values)
        return Rendering(page=(part,))


def describe_rare_class(
    targets: FloatArray, outputs: FloatArray, labels: tuple[str, ...], *, at_most: float = RARE
) -> RareClassSection | None:
    """Describe how the rarer of two classes is found; None for more classes, and where none of the two is rare.

    Parameters
    ----------
    targets, outputs : shape (n, 2), of held-out items
    at_most : share of the items that may be of the rarer class
    """
    if targets.shape[1] != 2 or not 0 < targets.mean(axis=0).min() <= at_most:
        return None
    rare = int(targets.sum(axis=0).argmin())
    is_rare, probability = targets[:, rare] > 0, outputs[:, rare]
    order = np.argsort(-probability, kind="stable")
    found = np.cumsum(is_rare[order], dtype=np.float64)
    n, n_rare = len(order), int(is_rare.sum())
    return RareClassSection(
        label=labels[rare],
        n=n,
        n_rare=n_rare,
        top=tuple(_top(found, share, n_rare) for share in _SHARES if round(share * n) >= 1),
        curve=tuple(_points(found, probability[order], n_rare)),
        distribution=tuple(_bins(probability, is_rare)),
    )


def _top(found: FloatArray, share: float, n_rare: int) -> dict[str, Any]:
    n_asked = round(share * len(found))
    n_found = int(found[n_asked - 1])
    precision = n_found / n_asked
    return {
        "share": share,
        "n": n_asked,
        "found": n_found,
        "precision": precision,
        "recall": n_found / n_rare,
        "lift": precision / (n_rare / len(found)),
    }


def _points(found: FloatArray, ordered: FloatArray, n_rare: int) -> list[dict[str, float]]:
    """Precision and recall where the probability falls, at places that are even in recall."""
    last = np.flatnonzero(np.append(np.diff(ordered) != 0, True))  # items of equal probability are taken together
    recall, precision = found[last] / n_rare, found[last] / (last + 1)
    picked = np.unique(np.searchsorted(recall, np.linspace(recall[0], 1, _N_POINTS)).clip(0, len(last) - 1))
    return [{"recall": float(recall[i]), "precision": float(precision[i])} for i in picked]


def _bins(probability: FloatArray, is_rare: NDArray[np.bool_]) -> list[dict[str, float]]:
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    odds = np.log(clipped / (1 - clipped))
    edges = np.linspace(odds.min(), odds.max() + 1e-9, _N_BINS + 1)
    shares = [np.histogram(odds[kind], edges)[0] / max(kind.sum(), 1) for kind in (~is_rare, is_rare)]
    at = 1 / (1 + np.exp(-edges))
    return [
        {"low": float(at[i]), "high": float(at[i + 1]), "others": float(shares[0][i]), "rare": float(shares[1][i])}
        for i in range(_N_BINS)
    ]


def _curve(points: tuple[dict[str, Any], ...]) -> Spec:
    unit = {
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1]},
    }
    encoding = {
        "x": {"field": "recall", "title": "share of them that is found (recall)", **unit},
        "y": {"field": "precision", "title": "share of alarms that is right (precision)", **unit},
    }
    return {
        "data": {"values": list(points)},
        "width": WIDTH_PX - 70,
        "height": 220,
        "mark": {"type": "line", "color": ACCENT, "strokeWidth": 2},
        "encoding": encoding,
    }


def _distribution(bins: tuple[dict[str, Any], ...], label: str) -> Spec:
    numbered = [{"bin": i, **one} for i, one in enumerate(bins)]
    ticks = [0, len(bins) // 3, 2 * len(bins) // 3, len(bins) - 1]
    said = [f"{100 * bins[i]['low']:.2g} %" for i in ticks]
    words = " : ".join(f"datum.value == {tick} ? '{text}'" for tick, text in zip(ticks, said, strict=True))
    x = {
        "field": "bin",
        "type": "quantitative",
        "title": f"probability of {label} (even in log-odds)",
        "axis": {"values": ticks, "labelExpr": f"{words} : ''"},
    }
    y = {"type": "quantitative", "title": "share of the items", "axis": {"format": ".0%", "tickCount": 4}}
    layer = [
        {
            "mark": {"type": "area", "interpolate": "step", "color": colour, "opacity": 0.45},
            "encoding": {"x": x, "y": {**y, "field": field, "stack": None}},
        }
        for field, colour in (("others", BASELINE), ("rare", ACCENT))
    ]
    return {"data": {"values": numbered}, "width": WIDTH_PX - 70, "height": 220, "layer": layer}
