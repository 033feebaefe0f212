"""gramstyle weights: which there are, fetching them, checking them."""

from __future__ import annotations

from typing import Annotated

import typer

from gramstyle.cli import options
from gramstyle.cli.console import bars, say, show, table
from gramstyle.errors import StyleError, WeightsError
from gramstyle.extract import backbone as backbone_named
from gramstyle.extract import choose_weights, parse
from gramstyle.types import WeightsEntry
from gramstyle.weights import WEIGHTS, cache_folder, cached, label, pull, verify
from gramstyle.weights import describe as describe_source

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Pretrained weights: pinned by name, verified by sha256, kept in a cache.",
)


@app.command("list")
def list_weights() -> None:
    """List the weights of every backbone, with their sources in the order they are tried."""
    rows = [
        [
            label(row),
            "needs none" if row.formula else "yes" if cached(row) is not None else "no",
            ", then ".join(describe_source(source) for source in row.sources) or f"computed: {row.formula}",
            row.summary,
        ]
        for row in WEIGHTS
    ]
    show(table(["weights", "in cache", "sources", "what"], rows))
    say.note(f"cache: {cache_folder()}. Every network also takes @random[:SEED] and @PATH.")


@app.command("pull")
def pull_weights(
    names: Annotated[
        list[str],
        typer.Argument(metavar="BACKBONE[@NAME]...", help="As `gramstyle weights list` shows them."),
    ],
    force: Annotated[bool, typer.Option("--force", help="Fetch again what the cache already holds.")] = False,
    weights_dir: options.WeightsDir = None,
    quiet: options.Quiet = False,
) -> None:
    """Fetch weights into the cache, each checked against its sha256.

    `gramstyle weights pull vgg16 mobilenet_v2@KERAS`
    """
    say.quiet = quiet
    with options.usage():
        rows = [_row(name) for name in names]
    failed = []
    for row in rows:
        try:
            with bars() as progress:
                found = pull(row, force=force, weights_dir=weights_dir, progress=progress)
        except WeightsError as error:
            say.error(str(error))
            failed.append(label(row))
        else:
            say.note(f"{label(row)}: {found.identity.source}, sha256 {found.identity.sha256}")
    if failed:
        raise WeightsError(f"{len(failed)} of {len(rows)} not pulled: {', '.join(failed)}")


@app.command("verify")
def verify_weights() -> None:
    """Check every file of the cache against the sha256 recorded when it was written."""
    records = verify()
    show(
        table(
            ["weights", "status", "detail", "file"],
            [[f"{one.backbone}@{one.name}", one.status, one.detail, str(one.path)] for one in records],
        )
    )
    bad = [one for one in records if one.status != "ok"]
    if bad:
        raise WeightsError(f"{len(bad)} of {len(records)} files of the cache are not whole")
    say.note(f"{len(records)} files, all whole")


def _row(name: str) -> WeightsEntry:
    named = parse(name)
    chosen = choose_weights(backbone_named(named.backbone), named.weights)
    if not isinstance(chosen, WeightsEntry) or chosen.formula:
        raise StyleError(
            f"{name} is nothing to fetch: random weights are drawn, filters computed, files read where they "
            "lie"
        )
    return chosen
