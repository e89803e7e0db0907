"""Embed: items become features, one forward pass each, kept on disk by content."""

from headstart.features.embedding import Features, comparable, embed

__all__ = ["Features", "comparable", "embed"]
