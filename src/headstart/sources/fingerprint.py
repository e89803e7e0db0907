"""The fixed test input of each modality, and the check that a source gives the features that its card promises."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from headstart.core.errors import NotWritableError, SourceError
from headstart.data.modalities import get_modality
from headstart.storage.files import write_file

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.core.dataset import FloatArray
    from headstart.sources.in_context import InContextSource
    from headstart.sources.source import Source

TOLERANCE = 1e-3
_MARK = "fingerprint-checked"


def fixed_item(source: Source) -> Any:
    """Make the test input: of the source's modality, and of the size that its preprocessing gives."""
    return get_modality(source.modality).fixed_items(source.card.input).reference


def features_of_fixed_item(source: Source | InContextSource) -> FloatArray:
    """Run the network on the test input, shape (dimensions,)."""
    if source.card.is_in_context:
        return cast("InContextSource", source).answer_to_fixed_context()
    source = cast("Source", source)
    features: FloatArray = source.session().run(None, source.input.transform([fixed_item(source)]))[0][0]
    return features


def fingerprint_difference(source: Source | InContextSource) -> float:
    """Measure how far the first features of the test input are from the card's; infinite if there are fewer."""
    expected = np.asarray(source.card.fingerprint)
    found = features_of_fixed_item(source)[: len(expected)]
    return float(np.abs(found - expected).max()) if found.shape == expected.shape else float("inf")


def check_fingerprint(source: Source | InContextSource, folder: Path) -> None:
    """Compare the first features of the test input with the card's; once done, later runs trust the files' hashes.

    Raises
    ------
    SourceError
        They differ by more than 1e-3.
    """
    mark = folder / _MARK
    if mark.is_file() and mark.read_bytes() == source.digest.encode():
        return
    difference = fingerprint_difference(source)
    if not difference <= TOLERANCE:
        raise SourceError(
            f"{source.name}: the features of the test input differ from the card's by {difference:.2g} (at most {TOLERANCE} "
            f"allowed), so this network does not compute what was measured. Remove {folder} and run again; "
            "if it stays so, upgrade onnxruntime."
        )
    with suppress(NotWritableError):  # a read-only cache with the weights in it: measured again each time
        write_file(mark, source.digest.encode(), durable=False)
