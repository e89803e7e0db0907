"""Modalities, one kind of value a file: how an image or a text is recognised, read, cleaned, hashed, sent and shown.

A part of the kind `modalities` is a subclass of `Modality` that is made without arguments, registered by an entry point. Together
with a preprocessor, its ONNX nodes and the cards of sources that read it, such a file is all that a new modality needs.
"""

from headstart.data.modalities.cleaned import Cleaned
from headstart.data.modalities.lookup import (
    all_modalities,
    get_modality,
    item_modalities,
    modality_names,
    modality_of_file,
)
from headstart.data.modalities.modality import Expectations, FixedItems, Modality
from headstart.data.modalities.of_fields import modality_of_fields
from headstart.data.modalities.row import Row

__all__ = [
    "Cleaned",
    "Expectations",
    "FixedItems",
    "Modality",
    "Row",
    "all_modalities",
    "get_modality",
    "item_modalities",
    "modality_names",
    "modality_of_fields",
    "modality_of_file",
]
