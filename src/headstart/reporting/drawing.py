"""Draw Vega-Lite specifications as static SVG with the colors of the page."""

from __future__ import annotations

import re
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

from headstart.core.errors import require
from headstart.core.strict_json import to_json
from headstart.reporting.charts import MUTED, RULE, VARIABLES

if TYPE_CHECKING:
    from headstart.reporting.charts import Spec

_AXIS = {
    "labelColor": MUTED,
    "titleColor": MUTED,
    "domain": False,
    "gridColor": RULE,
    "ticks": False,
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "labelPadding": 6,
    "titlePadding": 10,
}


def draw(spec: Spec) -> str:
    """Render a specification as an SVG element without fixed size, ids or external references.

    Raises
    ------
    MissingExtraError
        vl-convert is not installed.
    """
    vl_convert = require("vl_convert", extra="train", purpose="drawing the report")
    config = {"axis": _AXIS, "view": {"stroke": None}, "background": None, "aria": False, "font": "sans-serif"}
    svg: str = vl_convert.vegalite_to_svg(to_json({**spec, "config": config, "padding": 2}))
    for colour, variable in VARIABLES.items():
        svg = svg.replace(f'"{colour}"', f'"{variable}"')
    # the page sets the size; the drawing only keeps its aspect ratio (viewBox)
    return re.sub(r'^(<svg[^>]*?) width="([\d.]+)" height="[\d.]+"', r'\1 style="max-width:calc(\2px * 1.35)"', svg)


def start_drawing() -> None:
    """Start the drawing engine in a background thread, since that takes most of a second."""
    if find_spec("vl_convert") is not None:  # if it is missing, drawing reports it
        threading.Thread(target=draw, args=({"mark": "point", "data": {"values": []}},), daemon=True).start()
