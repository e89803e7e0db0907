"""Is it worth labelling more texts? What the learning curve of a table says.

python examples/how_many_labels.py TABLE TARGET
"""

import sys

import headstart


def main(table: str, target: str) -> None:
    fitted = headstart.fit(table, target=target, source="wordllama-256", baselines="none", progress=None)
    for point in fitted.report.evaluation.curve:
        print(f"{point['n_items']:>6} labels: {point['value']:.3f} ({point['low']:.3f} to {point['high']:.3f})")
    print(fitted.report.evaluation.forecast)


if __name__ == "__main__":
    main(*sys.argv[1:])
