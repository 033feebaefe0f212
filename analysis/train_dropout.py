"""Does dropout take style from a network? Small networks trained with and without it.

    python analysis/train_dropout.py -o dropout.jsonl

Two levels each of dropout before the classifier, dropout of whole channels in the trunk, shortcuts, and
batch normalisation, fully crossed, five seeds: 80 networks of eight convolutions learn to name nine styles of
procedural images. Then Gram matrices of each are asked for the other nine styles, which none was trained on.
(Networks that learn to name contents would not do: they unlearn style, with or without dropout, and their
AUC is 0.5.) As many train at once as there are processors. One JSON line per network; a run that was
stopped goes on with the networks that are missing. Effects are means over the other factors, paired by seed,
with 95 % intervals of Student's t over the five seeds: the seed is the unit.
"""

from __future__ import annotations

import argparse
import itertools
import json
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from scipy.stats import t as student
from torch import Tensor, nn
from torch.nn import functional as F

from gramstyle.corpus import STYLES, procedural_corpus
from gramstyle.diagnose import mean_absolute_correlation
from gramstyle.distance import pairwise_distance
from gramstyle.gram import covariance, gram
from gramstyle.study import separation

SIZE = 64
WIDTHS = (32, 64, 96, 128)
SEEDS = range(5)
EPOCHS, BATCH, RATE = 30, 48, 2e-3
TRAIN_SEED, TEST_SEED, STYLE_SEED = 101, 102, 0
FACTORS = ("head_dropout", "trunk_dropout", "shortcuts", "batch_norm")


@dataclass(frozen=True)
class Cell:
    """One combination of factors, and a seed."""

    head_dropout: float
    trunk_dropout: float
    shortcuts: bool
    batch_norm: bool
    seed: int


CELLS = [
    Cell(*levels, seed)
    for seed in SEEDS
    for levels in itertools.product((0.0, 0.5), (0.0, 0.2), (False, True), (False, True))
]


class Block(nn.Module):
    """Two 3x3 convolutions, the first of them strided."""

    def __init__(self, before: int, after: int, cell: Cell) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, 2, 1)
        self.second = nn.Conv2d(after, after, 3, 1, 1)
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(after) if cell.batch_norm else nn.Identity() for _ in range(2)
        )
        self.drop = nn.Dropout2d(cell.trunk_dropout)
        self.shortcuts = cell.shortcuts

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / 2, W / 2), after a ReLU."""
        middle = self.drop(F.relu(self.norms[0](self.first(x))))
        after = self.norms[1](self.second(middle))
        return F.relu(after + middle if self.shortcuts else after)


class Network(nn.Module):
    """Four blocks, a mean over positions, dropout, a classifier."""

    def __init__(self, cell: Cell, classes: int) -> None:
        super().__init__()
        pairs = zip((3, *WIDTHS), WIDTHS, strict=False)
        self.blocks = nn.ModuleList(Block(before, after, cell) for before, after in pairs)
        self.head = nn.Sequential(nn.Dropout(cell.head_dropout), nn.Linear(WIDTHS[-1], classes))
        for part in self.modules():
            if isinstance(part, nn.Conv2d):  # or networks without batch normalisation hardly learn
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                if part.bias is not None:
                    nn.init.zeros_(part.bias)
        self.to(memory_format=torch.channels_last)

    def features(self, x: Tensor) -> list[Tensor]:
        """The output of each block."""
        found = []
        for block in self.blocks:
            x = block(x)
            found.append(x)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        return self.head(self.features(x)[-1].mean((2, 3)))


def main() -> None:
    """Train what is missing, then print the effects."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("dropout.jsonl"))
    output = parser.parse_args().output
    lines = output.read_text().splitlines() if output.exists() else []
    done = {json.dumps(json.loads(line)["cell"]) for line in lines}
    missing = [cell for cell in CELLS if json.dumps(asdict(cell)) not in done]
    if missing:
        data = drawn(TRAIN_SEED, 0), drawn(TEST_SEED, 0), drawn(STYLE_SEED, 1)
        with processes() as pool:
            running = [pool.submit(row, cell, *data) for cell in missing]
            for number, one in enumerate(as_completed(running), start=1):
                with output.open("a") as file:
                    file.write(json.dumps(one.result()) + "\n")
                print(f"{number}/{len(missing)} {one.result()}", flush=True)
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    print(effects(rows))


Data = tuple[Tensor, Tensor]
"""Images (N, 3, H, W), and the number of the style of each."""


def processes() -> Executor:
    """One process of one thread per processor; started afresh, because threads do not survive a fork."""
    return ProcessPoolExecutor(
        mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    )


def row(cell: Cell, train: Data, test: Data, others: Data) -> dict[str, object]:
    """What is known of one cell."""
    return {"cell": asdict(cell), **measured(fitted(cell, train), test, others)}


def drawn(seed: int, half: Literal[0, 1]) -> Data:
    """Images of every second style, from the first or from the second on."""
    styles = tuple(STYLES)[half::2]
    corpus = procedural_corpus(seed, styles=styles, replicates=1, size=SIZE)
    pixels = torch.stack([item.origin.picture().pixels for item in corpus.items])
    pixels = ((pixels - 0.5) / 0.25).contiguous(memory_format=torch.channels_last)
    return pixels, torch.tensor([styles.index(item.style or "") for item in corpus.items])


def fitted(cell: Cell, data: Data) -> Network:
    """A network that learnt to name styles."""
    images, labels = data
    torch.manual_seed(cell.seed)
    network = Network(cell, int(labels.max()) + 1)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    order = torch.Generator().manual_seed(cell.seed)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images), generator=order)[: len(images) // BATCH * BATCH].split(BATCH):
            batch = images[rows]
            if torch.rand((), generator=order) < 0.5:
                batch = batch.flip(3)
            loss = F.cross_entropy(network(batch), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


@torch.no_grad()
def measured(network: Network, test: Data, others: Data) -> dict[str, float]:
    """Accuracy on new images, and what Gram distances of each block know of other styles."""
    accuracy = (network(test[0]).argmax(1) == test[1]).float().mean()
    found = {"accuracy": float(accuracy)}
    names = [str(style) for style in others[1].tolist()]
    for number, features in enumerate(network.features(others[0]), start=1):
        split = separation(pairwise_distance(gram(features), metric="frobenius"), names)
        found[f"auc_{number}"] = split.auc
        found[f"contrast_{number}"] = split.contrast
        correlated = mean_absolute_correlation(covariance(features), features.mean((2, 3)))
        found[f"mean_abs_r_{number}"] = float(correlated.mean())
    return found


def effects(rows: list[dict[str, Any]]) -> str:
    """Markdown: mean change of each figure when a factor is turned on."""
    names = [
        "accuracy",
        *(f"{kind}_{block}" for kind in ("auc", "contrast", "mean_abs_r") for block in (2, 4)),
    ]
    lines = [f"| figure | mean | {' | '.join(FACTORS)} |", "| --- " * (len(FACTORS) + 2) + "|"]
    for name in names:
        cells = [effect(rows, factor, name) for factor in FACTORS]
        lines.append(f"| {name} | {np.mean([row[name] for row in rows]):.3f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def effect(rows: list[dict[str, Any]], factor: str, name: str) -> str:
    """On minus off, mean over the other factors, with its interval over seeds."""
    by_seed = []
    for seed in SEEDS:
        on, off = (
            [row[name] for row in rows if row["cell"]["seed"] == seed and bool(row["cell"][factor]) == wanted]
            for wanted in (True, False)
        )
        by_seed.append(np.mean(on) - np.mean(off))
    mean, error = np.mean(by_seed), np.std(by_seed, ddof=1) / np.sqrt(len(by_seed))
    half = student.ppf(0.975, len(by_seed) - 1) * error
    return f"{mean:+.3f} [{mean - half:+.3f}, {mean + half:+.3f}]"


if __name__ == "__main__":
    main()
