"""`selfplay serve-verifiers`: verifiers over HTTP. Heavy libraries are imported inside the verb."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from selfplay.cli.refusal import one_sentence


def serve_verifiers(
    verifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[AS=]NAME",
            help="A verifier to serve, once for each: a name, or `path/to/file.py:name`. Default: math.",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME.KEY=VALUE", help="A setting, such as `math.answer=whole`."),
    ] = None,
    host: Annotated[str, typer.Option(help="Others than this machine need a token; see below.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8010,
    workers: Annotated[int, typer.Option(min=1, help="Processes for each verifier.")] = 1,
    timeout: Annotated[float | None, typer.Option(min=0.001, help="A completion's own budget in seconds.")] = None,
    queue: Annotated[int, typer.Option(min=1, help="Rows that may wait; more are answered 429.")] = 8192,
    certificate: Annotated[Path | None, typer.Option(help="PEM file, for TLS.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's key.")] = None,
) -> None:
    """Serve verifiers over HTTP, until Ctrl-C: POST /verify, with the API's page at /docs.

    Which verifiers, and with which settings, is fixed here; a request can change neither. Where SELFPLAY_SERVE_TOKEN
    is set, requests must carry it; outside this machine it must be set.
    """
    with one_sentence():
        from selfplay.errors import ConfigError
        from selfplay.experiment.file import apply_override
        from selfplay.verifiers.serve.service import offers, serve

        settings: dict[str, Any] = {}
        for override in set_ or ():
            apply_override(settings, override)
        for name, given in settings.items():
            if not isinstance(given, dict):
                raise ConfigError(f"`--set {name}=...` names no setting; write `--set {name}.KEY=VALUE`")
        serve(
            offers(verifier or ["math"], settings),
            host=host,
            port=port,
            workers=workers,
            timeout=timeout,
            queue=queue,
            certificate=certificate,
            key=key,
        )
