"""Plain encoders, one a file: features that owe nothing to pretraining, learned from the training part alone, inside every fold.

A part of the kind `encoders` is a class with the methods of `Encoder`, registered by an entry point.
"""

from headstart.features.encoders.encoder import Encoder, FittedEncoder, plain_encoders, row_encoders

__all__ = ["Encoder", "FittedEncoder", "plain_encoders", "row_encoders"]
