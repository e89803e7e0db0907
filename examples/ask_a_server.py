"""A model that 'headstart serve' serves answers for texts and photos; a busy server is asked again.

python examples/ask_a_server.py URL MODEL ITEM…
"""

import sys
from pathlib import Path

from headstart.client import Client


def main(url: str, model: str, *items: str) -> None:
    with Client(url, model=model) as client:
        print("served here:", ", ".join(f"{one.name} {one.version}" for one in client.models()))
        for answer in client.predictions([Path(item) if Path(item).is_file() else item for item in items], top=2):
            likeliest = ", ".join(f"{label} {probability:.2f}" for label, probability in answer.top)
            print(f"{answer.item}: {answer.error or answer.value or likeliest}")


if __name__ == "__main__":
    main(*sys.argv[1:])
