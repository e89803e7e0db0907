"""A folder with a subfolder a class becomes a model, and the model says what it is unsure of.

python examples/photos_in_folders.py PHOTOS BUNDLE [full|simple|none]
"""

import sys
from pathlib import Path

import headstart


def main(photos: str, bundle: str, baselines: str = "full") -> None:
    fitted = headstart.fit(photos, out=bundle, baselines=baselines)
    print(fitted.report.evaluation.sentence)
    files = sorted(path for path in Path(photos).rglob("*.jpg"))
    answers = headstart.load_bundle(bundle).predictions(files, top=2)
    print("Worth a second look:")
    for answer in sorted(answers, key=lambda answer: answer.probability or 0.0)[:5]:
        print(f"  {answer.item}: " + ", ".join(f"{label} {probability:.2f}" for label, probability in answer.top))


if __name__ == "__main__":
    main(*sys.argv[1:])
