"""headstart serve: bundles answer over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli.options import Trust, TrustGraphs


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL…",
            help="Bundles, folders of them, registries (folders or addresses), NAME=BUNDLE, or NAME@VERSION=BUNDLE.",
        ),
    ],
    host: Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for all of this machine's.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes; they share the weights' memory.")] = 1,
    trust: Trust = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="Bearer tokens that are accepted, one a line.")
    ] = None,
    max_batch: Annotated[int, typer.Option("--max-batch", min=1, help="Most items that are run together.")] = 16,
    max_latency_ms: Annotated[
        float, typer.Option("--max-latency-ms", min=1, help="How long a batch may be expected to run.")
    ] = 100.0,
    max_queue: Annotated[int, typer.Option("--max-queue", min=1, help="Items that may wait for one model.")] = 512,
    max_items: Annotated[int, typer.Option("--max-items", min=1, help="Items of one request.")] = 256,
    max_body_mib: Annotated[float, typer.Option("--max-body-mib", min=0.001, help="Size of one request.")] = 32.0,
    max_megapixels: Annotated[float, typer.Option("--max-megapixels", min=0.001, help="Size of one photo.")] = 50.0,
    timeout_s: Annotated[float, typer.Option("--timeout-s", min=0.01, help="Time for one request.")] = 30.0,
    max_held_mib: Annotated[
        float, typer.Option("--max-held-mib", min=0.001, help="Size of all requests that are in memory, of a process.")
    ] = 128.0,
    max_connections: Annotated[
        int, typer.Option("--max-connections", min=1, help="Clients of a process at the same time.")
    ] = 1_000,
    host_name: Annotated[
        list[str] | None,
        typer.Option("--host-name", metavar="NAME", help="Answer only requests for this host name; repeatable."),
    ] = None,
    cors: Annotated[
        list[str] | None, typer.Option("--cors", metavar="ORIGIN", help="Let pages of this origin ask; repeatable.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option("--certificate", help="PEM file, for TLS.")] = None,
    private_key: Annotated[Path | None, typer.Option("--private-key", help="PEM file of its key.")] = None,
    prediction_log: Annotated[
        Path | None, typer.Option("--prediction-log", help="Folder for Parquet files of what was answered.")
    ] = None,
    log_share: Annotated[float, typer.Option("--log-share", help="Share of the answers that is written there.")] = 1.0,
    *,
    log_items: Annotated[
        bool, typer.Option("--log-items", help="Write the items there too, for `headstart label`.")
    ] = False,
    trust_graphs: TrustGraphs = False,
    trace: Annotated[bool, typer.Option("--trace", help="Send OpenTelemetry spans, as OTEL_… variables say.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Write no line for each request.")] = False,
) -> None:
    """Let MODELS answer over HTTP: /v1/predict, the Open Inference Protocol V2, /metrics, /docs.

    SIGHUP looks at the disk again and serves what has changed; of a registry the champion is served, and a new one within a second; SIGTERM answers what was accepted, then ends.
    """
    import os
    import sys

    from headstart.serving import ServerSettings
    from headstart.serving import serve as serve_models

    serve_models(
        models,
        ServerSettings(
            host=host,
            port=port,
            workers=workers,
            trust=trust,
            trust_graphs=trust_graphs or None,
            token_file=token_file,
            max_batch=max_batch,
            max_latency_ms=max_latency_ms,
            max_queue=max_queue,
            max_items=max_items,
            max_body_mib=max_body_mib,
            max_megapixels=max_megapixels,
            timeout_s=timeout_s,
            max_held_mib=max_held_mib,
            max_connections=max_connections,
            host_names=tuple(host_name or ()),
            cors=tuple(cors or ()),
            certificate=certificate,
            private_key=private_key,
            prediction_log=prediction_log,
            log_share=log_share,
            log_items=log_items,
            trace=trace,
            quiet=quiet,
        ),
    )
    sys.stdout.flush()
    os._exit(0)  # a thread that is still at work for a request which was given up would be waited for
