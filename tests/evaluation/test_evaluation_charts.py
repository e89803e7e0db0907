"""The confusion matrix: whole labels, each beside its own row."""

import re

import pytest

from headstart.evaluation.evaluation_charts import confusion
from headstart.reporting.drawing import draw

LONG = (
    "Credit reporting, credit repair services, or other personal consumer reports",
    'Say "mortgage" \\ or <b>loan</b>',
    "Debt collection",
    "Money transfer, virtual currency, or money service",
)
LINE_PX = 13  # of the font


def labels_by_place(svg):
    """The texts of a drawing with their places from the top of their axis, in pixels."""
    found = re.findall(r'<text [^>]*transform="translate\(-?[\d.]+,([\d.]+)\)[^>]*>([^<]*)</text>', svg)
    return {text: float(y) for y, text in found if not text.isdigit()}


def test_long_labels_are_whole_and_stay_in_their_rows():
    spec = confusion(LONG, [[9, 1, 0, 0], [0, 9, 0, 0], [0, 0, 9, 2], [0, 0, 1, 9]])
    rows = [row for row in spec["data"]["values"] if row["column"] == 0]
    places = labels_by_place(draw(spec))
    drawn = " ".join(places).replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")
    for i, label in enumerate(LONG, start=1):
        assert f"{i}. {label}" in drawn
    starts = [place for text, place in places.items() if re.match(r"\d+\. ", text)]
    assert starts == sorted(starts)
    for (text, place), row in ((one, of_line(one[0], places, rows)) for one in places.items()):
        assert row["top"] <= place - LINE_PX / 2 <= place + LINE_PX / 2 <= row["bottom"] + LINE_PX / 2, text
    assert rows[0]["bottom"] - rows[0]["top"] > rows[2]["bottom"] - rows[2]["top"]  # a short label takes no more room


def of_line(line, places, rows):
    """The row of the label that a line belongs to: that of the last number before it."""
    before = list(places)[: list(places).index(line) + 1]
    return rows[sum(bool(re.match(r"\d+\. ", one)) for one in before) - 1]


@pytest.mark.parametrize("labels", [("ham", "spam"), ("a real disaster", "not a disaster")])
def test_labels_of_a_line_name_rows_and_columns(labels):
    svg = draw(confusion(labels, [[3, 1], [0, 4]]))
    assert all(svg.count(f">{label}<") == 2 for label in labels)
