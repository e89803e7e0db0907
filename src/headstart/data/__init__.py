"""Stage 1, load: a path or an object in memory becomes a `Dataset`; unlabelled inputs become `Items`."""

from headstart.data.demos import demo, find_demo, list_demos
from headstart.data.duplicates import exact_duplicates
from headstart.data.image import check_image, open_image
from headstart.data.items import Items, read_items
from headstart.data.loading import load
from headstart.data.modalities import Modality, get_modality
from headstart.data.text import Texts
from headstart.data.unreadable_items import UnreadableItems

__all__ = [
    "Items",
    "Modality",
    "Texts",
    "UnreadableItems",
    "check_image",
    "demo",
    "exact_duplicates",
    "find_demo",
    "get_modality",
    "list_demos",
    "load",
    "open_image",
    "read_items",
]
