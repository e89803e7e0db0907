"""The OpenAPI document: schemathesis asks what it says may be asked, and its page needs no other host."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from contextlib import suppress

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

N_EXAMPLES = int(os.environ.get("HEADSTART_EXAMPLES", "3"))  # `make fuzz` tries many
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def test_no_answer_is_a_failure_of_the_server(server):
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")
    statuses = Counter()
    for found in schema.get_all_operations():
        for mode in MODES if found.ok().method == "post" else MODES[:1]:

            @given(case=found.ok().as_strategy(generation_mode=mode))
            @settings(max_examples=N_EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
            def ask(case):
                reply = case.call()
                statuses[reply.status_code] += 1
                assert reply.status_code < 500
                if reply.status_code >= 400:
                    assert set(reply.json()) == {"error"}

            with suppress(Unsatisfiable):  # nothing wrong can be sent where nothing is taken
                ask()
    assert statuses[200] > 3
    assert statuses[400] > 3


def test_the_examples_work(server):
    openapi = server.get("/openapi.json").json
    tried = 0
    for path, operations in openapi["paths"].items():
        for content_type, content in operations.get("post", {}).get("requestBody", {}).get("content", {}).items():
            if "example" not in content or path == "/v1/predict":
                continue
            values = {one["name"]: one["example"] for one in operations.get("parameters", ())}
            example = content["example"]
            body = example if isinstance(example, str) else json.dumps(example)
            reply = server.post(path.format(**values), body, content_type=content_type)
            assert reply.status == 200, (path, content_type, reply.body)
            tried += 1
    assert tried == 8


def test_the_page_loads_nothing_from_elsewhere(server):
    page = server.get("/docs")
    assert not re.search(r"(https?:)?//[a-z]", page.body.decode())
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_metrics_count_requests_by_model_and_status(server):
    for body in ({"items": ["plum"]}, {"items": []}):
        server.post("/v1/models/words/predict", body)
    describe_plan = server.get("/metrics").body.decode()
    for status in (200, 400):
        found = re.search(
            rf'^headstart_requests_total{{model="words",status="{status}",version="1"}} (.*)',
            describe_plan,
            re.MULTILINE,
        )
        assert float(found[1]) >= 1
    for name in ("request_seconds_bucket", "batch_size_bucket", "queue_items"):
        assert f"headstart_{name}{{" in describe_plan
