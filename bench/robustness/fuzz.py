"""Does any decoder crash, leave the error tree, or grow, whatever bytes it is given? The goal is never, in 10,000 cases and more.

Every decoder runs in a process of its own under atheris (libFuzzer: mutations of real files, guided by the lines of ours that they
reach). A case fails where it raises anything but a `UserError`; the memory that the process holds is read a fifth of the way and at the end.
What failed is kept in bench/fuzz-failures/. Run: .venv/bin/python -m bench.robustness.fuzz [--cases 2000] [--decoders images,csv]
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.options import names, parse, parser_of
from bench.processes import memory_mib
from bench.robustness.decoders import DECODERS
from bench.robustness.mutations import mutate

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
FAILURES = ROOT / "bench" / "fuzz-failures"
TESTS = (ROOT / "tests", ROOT / "tests" / "packaging")
SLOW_S = 5.0
GROWN_MIB = 64.0
JSON_DECODERS = ("manifest", "settings", "tfjs", "tokenizer")
RSS_LIMIT_MIB = 4096


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--decoders", type=names, default=list(DECODERS), help=f"of {', '.join(DECODERS)}")
    parser.add_argument("--cases", type=int, default=2000, help="of each decoder")
    parser.add_argument("--into", type=Path, help="run the one decoder in this process, and write the result there")
    options = parse(parser, decoders=["safetensors", "settings", "manifest"], cases=100)
    if options.into is not None:
        fuzz(options.decoders[0], options.cases, options.into)
    FAILURES.mkdir(exist_ok=True)
    results = [result for name in options.decoders if (result := fuzz_in_new_process(name, options.cases))]
    with contextlib.suppress(OSError):
        FAILURES.rmdir()  # where nothing failed
    n_failed = sum(len(result.failures) for result in results) + len(options.decoders) - len(results)
    print(f"{sum(result.cases for result in results)} cases, {n_failed} failures")
    sys.exit(bool(n_failed))


@dataclass
class Result:
    """What became of one decoder's cases; `failures` by what was raised and where."""

    decoder: str
    cases: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    early_mib: float = 0.0
    late_mib: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)


def fuzz_in_new_process(name: str, n_cases: int) -> Result | None:
    """Run a decoder and print its line; None where the process ended before all cases were done."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        command = [sys.executable, "-m", "bench.robustness.fuzz", "--decoders", name]
        ended = subprocess.run(
            [*command, "--cases", str(n_cases), "--into", str(path)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, TESTS))},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if not path.exists():
            print(f"{name:<12} ended with {ended.returncode} before all cases were done:\n{ended.stderr[-2000:]}")
            return None
        result = Result(**json.loads(path.read_text()))
    print(
        f"{name:<12} {result.cases:>6} cases, {result.refused:>6} refused, slowest {result.slowest_s:.2f} s, "
        f"{result.early_mib:.0f} MiB held after a fifth, {result.late_mib:.0f} at the end",
        flush=True,
    )
    for place, message in result.failures.items():
        print(f"    {place}: {message}")
    return result


def fuzz(name: str, n_cases: int, path: Path) -> None:
    """Run one decoder in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["headstart"], enable_loader_override=False):
        decode, seeds = DECODERS[name]()
    corpus = Path(tempfile.mkdtemp())
    for number, content in enumerate(seeds):
        (corpus / str(number)).write_bytes(content)
    arguments = [sys.argv[0], f"-runs={n_cases}", f"-rss_limit_mb={RSS_LIMIT_MIB}", "-max_len=20000", "-seed=1"]
    arguments += ["-verbosity=0", f"-artifact_prefix={FAILURES}/{name}-", str(corpus)]
    how = {"custom_mutator": mutate} if name in JSON_DECODERS else {}
    atheris.Setup(arguments, one_case(decode, Result(name), n_cases, path), **how)
    atheris.Fuzz()


def one_case(decode: Callable[[bytes], Any], result: Result, n_cases: int, path: Path) -> Callable[[bytes], None]:
    """What is called with each case; the last writes the result."""
    from headstart.core.errors import UserError

    def one(content: bytes) -> None:
        started = time.perf_counter()
        try:
            decode(content)
        except UserError:
            result.refused += 1
        except BaseException as error:  # noqa: BLE001  Rust's panics are no Exceptions
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}"
            failed(result, content, where, str(error)[:200])
        took_s = time.perf_counter() - started
        result.slowest_s = max(result.slowest_s, took_s)
        if took_s > SLOW_S:
            failed(result, content, f"took {took_s:.0f} s", "")
        result.cases += 1
        if result.cases == n_cases // 5:
            result.early_mib = memory_mib("VmRSS")
        if result.cases == n_cases:
            result.late_mib = memory_mib("VmRSS")
            if result.late_mib - result.early_mib > GROWN_MIB:
                result.failures["memory grew"] = f"by {result.late_mib - result.early_mib:.0f} MiB"
            path.write_text(json.dumps(asdict(result)))

    return one


def failed(result: Result, content: bytes, where: str, message: str) -> None:
    """Note a failure, and keep the bytes."""
    result.failures.setdefault(where, message)
    FAILURES.mkdir(exist_ok=True)
    (FAILURES / f"{result.decoder}-{hashlib.sha256(content).hexdigest()[:12]}").write_bytes(content)


if __name__ == "__main__":
    main()
