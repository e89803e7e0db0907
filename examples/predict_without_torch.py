"""A bundle answers for items named on the command line; nothing that is needed for training is loaded.

python examples/predict_without_torch.py BUNDLE ITEM…
"""

import sys

from headstart import load_bundle


def main(bundle: str, *items: str) -> None:
    for answer in load_bundle(bundle).predictions(items):
        print(f"{answer.item}: {answer.label} {answer.probability:.3f}" if answer.label else answer)
    heavy = {"torch", "sklearn", "pandas", "scipy", "onnx"} & set(sys.modules)
    print(f"loaded beside the bundle: {', '.join(sorted(heavy)) or 'nothing heavy'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
