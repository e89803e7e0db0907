"""Real datasets out of public packages, as the plain folders and files that people have."""

from headstart.data.demos.card import DemoCard, find_demo, list_demos
from headstart.data.demos.making import demo

__all__ = ["DemoCard", "demo", "find_demo", "list_demos"]
