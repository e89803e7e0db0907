"""Stage 8, compress: make a bundle smaller or faster without a significant loss of accuracy."""

from headstart.compression.compress import compress
from headstart.compression.compressed import Compressed

__all__ = ["Compressed", "compress"]
