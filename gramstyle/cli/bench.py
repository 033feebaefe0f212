"""gramstyle bench: how long the core takes here, beside torch doing the same."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from gramstyle import bench, check
from gramstyle.bench.allocator import can_tune
from gramstyle.bench.layers import layers_of
from gramstyle.cli import options
from gramstyle.cli.console import check_writable, emit, say, show, table
from gramstyle.cli.run import run_settings
from gramstyle.errors import StyleError
from gramstyle.versions import versions

app = typer.Typer(
    no_args_is_help=True,
    help="Time the core on this machine's processor, beside torch doing the same.\n\n"
    "Contenders take turns; medians are shown. `docs/performance.md` says what they are.",
)

NETWORKS = ["vgg16", "mobilenet_v2", "efficientnet_b0"]
Size = Annotated[int, typer.Option(min=32, help="Side of the image, in pixels.")]
Repeat = Annotated[int, typer.Option(min=1, help="Timed rounds.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Of torch. Default: as torch chooses.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE.json", help="Also write all times, with date and versions."),
]
Compile = Annotated[
    bool, typer.Option("--compile", help="Also torch.compile; it compiles for minutes first.")
]
Networks = Annotated[
    list[str] | None,
    typer.Option(
        "--backbone",
        "-b",
        metavar="NAME[@WEIGHTS]",
        help=f"May be repeated. Default: {', '.join(NETWORKS)}, with random weights.",
    ),
]


@app.command()
def gram(
    size: Size = 512,
    repeat: Repeat = 15,
    dtype: str = "float32",
    threads: Threads = None,
    output: Output = None,
) -> None:
    """Gram matrices of maps in memory, at the shapes of networks' taps."""
    with options.usage():
        kind = run_settings("cpu", dtype, 1).dtype
    machine = _begin(threads, output)
    rows = _collect(bench.time_gram(size, repeat, kind, machine))
    _show(f"Gram matrices, {dtype}, {size} x {size}", bench.gram_table(rows))
    _write(output, machine, rows)


@app.command("conv-gram")
def conv_gram(
    backbone: Networks = None,
    size: Size = 512,
    repeat: Repeat = 9,
    threads: Threads = None,
    compile: Compile = False,
    output: Output = None,
) -> None:
    """Every convolution of networks with the Gram matrix of its features, float32."""
    machine = _begin(threads, output)
    names = backbone or [f"{name}@random" for name in NETWORKS]
    rows = []
    for name in names:
        rows += _collect(
            bench.time_convolutions(layers_of(name, size), repeat, machine, compiled=compile),
            f"{name.partition('@')[0]} ",
        )
    _show(f"Convolution, activation and Gram matrix, float32, {size} x {size}", bench.layer_table(rows))
    _write(output, machine, rows)


@app.command()
def descriptor(
    images: Annotated[
        list[Path] | None,
        typer.Argument(metavar="IMAGE...", help="At least two. Default: photographs of installed packages."),
    ] = None,
    backbone: Networks = None,
    size: Size = 512,
    repeat: Repeat = 9,
    threads: Threads = None,
    compile: Compile = False,
    weights_dir: options.WeightsDir = None,
    output: Output = None,
) -> None:
    """Whole style descriptors of an image: eager, tuned torch, and this package."""
    machine = _begin(threads, output)
    names = backbone or [f"{name}@random" for name in NETWORKS]
    found = _images(images or [], size)
    rows = _collect(bench.time_descriptor(names, found, repeat, compiled=compile, weights_dir=weights_dir))
    _show(f"Style descriptors, {size} x {size}", bench.descriptor_table(rows))
    _write(output, machine, rows)


@app.command()
def transfer(
    backbone: Networks = None,
    size: Size = 512,
    repeat: Repeat = 5,
    threads: Threads = None,
    weights_dir: options.WeightsDir = None,
    output: Output = None,
) -> None:
    """A step of a style transfer: plain torch, and this package."""
    machine = _begin(threads, output)
    names = backbone or [f"{name}@random" for name in NETWORKS]
    content, style, *_ = _images([], size)
    rows = _collect(bench.time_transfer(names, content, style, repeat, weights_dir=weights_dir))
    _show(f"A step of a style transfer, float32, {size} x {size}", bench.transfer_table(rows))
    _write(output, machine, rows)


SWEEPS = {
    "networks": "every convolution of the networks",
    "taps": "kernels of 1 to 31 taps along a side",
    "banks": "many filters on one image, many images under one bank",
    "volumes": "three dimensions",
    "complex": "complex input and kernels",
    "sparse": "kernels that were pruned",
}


USUAL = {"stride": 1, "dilation": 1, "groups": 1, "complex": False}


@app.command()
def conv(
    sweep: Annotated[
        list[str] | None,
        typer.Option(help=f"Of {', '.join(SWEEPS)}; may be repeated. Default: all, or none with --shape."),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BxCxHxW:NxTAPSxTAPS",
            help="A convolution of your own; of volumes with one dimension more. May be repeated.",
        ),
    ] = None,
    stride: Annotated[int, typer.Option(min=1, help="Of every --shape.")] = 1,
    dilation: Annotated[int, typer.Option(min=1, help="Of every --shape.")] = 1,
    groups: Annotated[int, typer.Option(min=1, help="Of every --shape.")] = 1,
    complex_: Annotated[bool, typer.Option("--complex", help="Of every --shape: complex numbers.")] = False,
    sparsity: Annotated[
        list[float] | None,
        typer.Option(help="Of every --shape: the share of weights that is zero. May be repeated."),
    ] = None,
    backbone: Networks = None,
    size: Size = 224,
    repeat: Repeat = 5,
    device: options.Device = "cpu",
    dtype: str = "float32",
    threads: Threads = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.json",
            help="Write all times, and beside it FILE.csv and FILE.png.",
        ),
    ] = None,
) -> None:
    """Every algorithm of gramstyle.conv on the same convolutions, beside the libraries that are there."""
    with options.usage():
        settings = run_settings(device, dtype, 1)
        problems = _problems(sweep or ([] if shape else list(SWEEPS)), backbone, size)
        kinds: dict[str, Any] = {
            "stride": stride,
            "dilation": dilation,
            "groups": groups,
            "complex": complex_,
        }
        own = [
            bench.of_text(text, **kinds, sparsity=share)
            for text in shape or []
            for share in (sparsity or (None,))
        ]
        if not own and (sparsity or kinds != USUAL):
            raise StyleError(
                "--stride, --dilation, --groups, --complex and --sparsity are of --shape: give one"
            )
    place = settings.device
    machine = _begin(threads, output, place, convolution=True)
    found = bench.time_algorithms(chain(problems, own), repeat, machine, device=place, dtype=settings.dtype)
    rows = _collect(found)
    _show(f"Convolutions, {dtype}", bench.algorithm_table(rows))
    record = _write(output, machine, rows)
    if output is not None:
        from gramstyle.report import convolution_figure, save, to_csv

        long = bench.algorithm_records(rows)
        emit(to_csv(long.header, [tuple(cells) for cells in long.cells]), output.with_suffix(".csv"))
        picture = output.with_suffix(".png")
        save(convolution_figure(record), picture, "Which algorithm of a convolution wins where")
        say.note(f"wrote {picture}")


def _problems(sweeps: Sequence[str], backbones: Sequence[str] | None, size: int) -> Iterator[bench.Problem]:
    for name in sweeps:
        check.name_in("--sweep", name, SWEEPS)
    networks = backbones or [f"{name}@random" for name in NETWORKS]
    makers = {
        "networks": lambda: chain.from_iterable(bench.of_network(name, size) for name in networks),
        "taps": bench.of_taps,
        "banks": bench.of_banks,
        "volumes": bench.of_volumes,
        "complex": bench.of_complex,
        "sparse": bench.of_sparse,
    }
    return chain.from_iterable(makers[name]() for name in sweeps)


def _begin(
    threads: int | None,
    output: Path | None,
    device: torch.device | None = None,
    *,
    convolution: bool = False,
) -> bench.Machine:
    if threads is not None:
        torch.set_num_threads(threads)
    if output is not None and output.suffix != ".json":
        raise StyleError(f"--output must end in .json, got {output}")
    check_writable(output, "--output")
    machine = bench.measure_machine(device, convolution=convolution)
    shared = f"{machine.threads} threads, " if machine.threads else ""
    say.note(
        f"{machine.processor}, {shared}{machine.instructions}; measured roof: "
        f"{machine.flops / 1e9:.0f} GFLOP/s float32, {machine.bandwidth / 1e9:.0f} GB/s"
    )
    if not can_tune():
        say.note("memory is not kept between calls here: glibc only")
    return machine


def _collect(rows: Iterable[bench.Row], prefix: str = "") -> list[bench.Row]:
    found = []
    for row in rows:
        say.note(f"timed {prefix}{row.job}")
        found.append(bench.Row(job=prefix + row.job, facts=row.facts, seconds=row.seconds))
    return found


def _images(paths: Sequence[Path], size: int) -> list[torch.Tensor]:
    from gramstyle.corpus import bundled_images
    from gramstyle.images import ResizePolicy, find_images, load_image, resize

    files: Iterable[Any] = find_images(list(paths)) if paths else list(bundled_images().values())[:4]
    policy = ResizePolicy.parse(f"exact:{size}x{size}")
    found = [resize(load_image(file), policy)[None] for file in files]
    if len(found) < 2:
        raise StyleError(f"bench descriptor needs at least two images for its distances, got {len(found)}")
    return found


def _show(title: str, found: bench.Table) -> None:
    show(table(found.header, found.cells, title))


def _write(output: Path | None, machine: bench.Machine, rows: Sequence[bench.Row]) -> dict[str, Any]:
    record = {
        "command": shlex.join(["gramstyle", *sys.argv[1:]]),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": versions(),
        "machine": asdict(machine),
        "rows": [row.record() for row in rows],
    }
    if output is not None:
        emit(json.dumps(record, indent=1), output)
    return record
