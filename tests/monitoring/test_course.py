import json

import numpy as np
import pytest

from headstart.monitoring.course import MAX_BLOCKS, Course, bin_of, quantile_ms


def test_a_course_keeps_its_size_and_its_sums() -> None:
    course = Course()
    for second in range(5_000):
        course.answered(1e9 + second, {"yes": 2, "no": 1})
        course.written(1e9 + second, n_records=3, n_dead=second % 2, latencies_s=[0.01, 0.02])
    assert len(course.blocks) <= MAX_BLOCKS
    assert sum(block.n for block in course.blocks) == course.n_records == 15_000
    assert sum(block.answers["yes"] for block in course.blocks) == 10_000
    assert course.rate(1e9 + 4_999) == pytest.approx(3.0, rel=0.11)
    assert len(json.dumps(course.to_dict())) < 20_000


def test_a_course_goes_on_after_a_long_silence_and_from_its_json() -> None:
    course = Course()
    course.written(1e9, n_records=1, latencies_s=[0.001])
    course.written(2e9, n_records=2)
    again = Course.from_dict(json.loads(json.dumps(course.to_dict())))
    assert [(one.start, one.n, one.bins) for one in again.blocks] == [
        (one.start, one.n, one.bins) for one in course.blocks
    ]
    again.written(1e9, n_records=5)  # a clock that was set back
    assert again.blocks[-1].n == 7


def test_quantiles_of_latencies_are_at_most_a_quarter_too_long() -> None:
    latencies = np.random.default_rng(0).lognormal(-4, 1, 2_000)
    bins: dict[int, int] = {}
    for latency in latencies:
        bins[bin_of(latency)] = bins.get(bin_of(latency), 0) + 1
    for share in (0.5, 0.99):
        true = 1000 * np.quantile(latencies, share)
        assert true * 0.98 <= quantile_ms(bins, share) <= true * 1.28
    assert quantile_ms({}, 0.5) is None
