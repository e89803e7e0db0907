"""Benches: every measured figure of the docs as a program that prints it, `python -m bench.FOLDER.NAME`; docs/bench.md lists them.

`quality` asks how good the answers are, `speed` what they cost, `robustness` what breaks, `peers` how others do. With `--quick` each
runs the same code on a little data.
"""
