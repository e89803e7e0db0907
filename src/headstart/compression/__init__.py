"""Stage 8, compress: a bundle becomes a smaller or faster one, where that is proven to cost no accuracy that counts."""

from headstart.compression.compress import compress
from headstart.compression.compressed import Compressed

__all__ = ["Compressed", "compress"]
