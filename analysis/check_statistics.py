"""Coverage of bootstrap intervals and sizes of permutation tests, on corpora whose truth is known.

    python analysis/check_statistics.py [--corpora 400] [--draws 500] [--jobs 1]

Gaussian descriptors of 10 dimensions: styles `style` standard deviations of an image apart,
sources `source`. The ratio of two squared distances is then F-distributed and the true AUC known.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f

from gramstyle.study.bootstrap import bootstrap_auc
from gramstyle.study.estimates import estimates
from gramstyle.study.intervals import interval, paired_difference
from gramstyle.study.labels import Labels
from gramstyle.study.pairs import ask
from gramstyle.study.permutation import permute_auc, permute_permanova, permute_permdisp
from gramstyle.study.resample import Resamples, draw_resamples

DIMS = 10


class Design(NamedTuple):
    """Sizes of a corpus, and how far its styles and sources lie apart."""

    styles: int
    sources: int
    images: int
    style: float
    source: float = 0.0

    def labels(self) -> Labels:
        """One style after another."""
        names = [(s, u) for s in range(self.styles) for u in range(self.sources) for _ in range(self.images)]
        return Labels(styles=[f"{s:02}" for s, _ in names], sources=[f"{u:02}" for _, u in names])

    def matrix(self, draw: np.random.Generator) -> NDArray[np.float64]:
        """Euclidean distances of one corpus."""
        points = (
            self.style * draw.standard_normal((self.styles, 1, 1, DIMS))
            + self.source * draw.standard_normal((self.styles, self.sources, 1, DIMS))
            + draw.standard_normal((self.styles, self.sources, self.images, DIMS))
        ).reshape(-1, DIMS)
        products = points @ points.T
        norms = np.diag(products)
        return np.sqrt(np.maximum(norms[:, None] + norms - 2 * products, 0))

    def auc(self) -> float:
        """AUC of pairs that share nothing."""
        within = 1 + self.source**2
        return float(f.sf(within / (within + self.style**2), DIMS, DIMS))


COVERED = tuple(
    Design(styles, sources, images, style, source)
    for sources, images, style, source in (
        (8, 1, 0.5, 0.0),
        (8, 1, 1.0, 0.0),
        (8, 1, 1.6, 0.0),
        (4, 3, 0.7, 0.7),
        (1, 4, 1.0, 0.0),
    )
    for styles in (6, 12, 16)
)
NULLS = (
    Design(4, 4, 1, 0.0),
    Design(4, 4, 6, 0.0, 2.0),
    Design(4, 8, 3, 0.0, 2.0),
    Design(4, 16, 1, 0.0),
    Design(6, 1, 4, 0.0),
)


DESIGN = ("styles", "sources of a style", "images of a source")
COVERAGE = (
    "true AUC",
    "mean AUC",
    "covered",
    "truth below",
    "truth above",
    "mean width",
    "3.92 s.d.",
    "covered, styles only",
    "p <= .05 of no difference",
)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--corpora", type=int, default=400, help="of each design; four times as many of a null"
    )
    parser.add_argument("--draws", type=int, default=500, help="bootstrap draws of each")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    print(f"numpy {np.__version__}; {options.corpora} corpora, {options.draws} draws, intervals of 95 %")
    with ProcessPoolExecutor(options.jobs) as pool:
        print(header(*DESIGN, *COVERAGE))
        for row in pool.map(partial(coverage, corpora=options.corpora, draws=options.draws), COVERED):
            print(row, flush=True)
        print("\n" + header(*DESIGN, "AUC", "PERMANOVA", "PERMDISP"))
        for row in pool.map(partial(sizes, corpora=4 * options.corpora), NULLS):
            print(row, flush=True)


def header(*names: str) -> str:
    """Head of a Markdown table."""
    return f"| {' | '.join(names)} |\n{'| --- ' * len(names)}|"


def coverage(design: Design, corpora: int, draws: int) -> str:
    """One row: how often intervals hold the true AUC, and how often two equal descriptors differ."""
    labels, truth = design.labels(), design.auc()
    pairs = ask("style", labels)
    rows = []
    for seed in range(corpora):
        draw = np.random.default_rng([seed, design.styles])
        first, second = design.matrix(draw), design.matrix(draw)
        both, alone = draw_resamples(labels, draws, seed), styles_only(labels, draws, seed)
        one, other = (estimates(matrix, pairs)["auc"].value for matrix in (first, second))
        assert one is not None  # every style has several images
        assert other is not None
        drawn = bootstrap_auc(first, pairs, both)
        found, narrow = interval(drawn), interval(bootstrap_auc(first, pairs, alone))
        apart = paired_difference(one, other, drawn, bootstrap_auc(second, pairs, both))
        rows.append(
            (one, truth < found.low, truth > found.high, found.high - found.low,
             narrow.low <= truth <= narrow.high, apart.p <= 0.05)
        )  # fmt: skip
    table = np.array(rows, dtype=float)
    mean, below, above, width, alone_covered, differ = table.mean(axis=0)
    shown = (
        truth,
        mean,
        1 - below - above,
        below,
        above,
        width,
        3.92 * table[:, 0].std(),
        alone_covered,
        differ,
    )
    return (
        f"| {design.styles} | {design.sources} | {design.images} | "
        + " | ".join(f"{x:.3f}" for x in shown)
        + " |"
    )


def sizes(design: Design, corpora: int) -> str:
    """One row: how often each permutation test rejects a true null at 5 %."""
    labels = design.labels()
    tests = (permute_auc, permute_permanova, permute_permdisp)
    hits = np.zeros(len(tests))
    for seed in range(corpora):
        matrix = design.matrix(np.random.default_rng([seed, design.styles]))
        hits += [test(matrix, labels, permutations=199, seed=seed).p <= 0.05 for test in tests]
    shown = " | ".join(f"{hit / corpora:.3f}" for hit in hits)
    return f"| {design.styles} | {design.sources} | {design.images} | {shown} |"


def styles_only(labels: Labels, draws: int, seed: int) -> Resamples:
    """Resamples of styles that keep every source of a drawn style once."""
    nested, styles = draw_resamples(labels, 1), len(labels.style)
    copies = np.random.default_rng(seed).multinomial(styles, np.full(styles, 1 / styles), size=draws)
    units = labels.style_of_source
    first, second = np.nonzero(np.triu(nested.slots >= 0))
    together = np.zeros((draws, nested.together.shape[1]), dtype=np.uint16)
    together[:, nested.slots[first, second]] = copies[:, units[first]]
    return Resamples(
        images=copies[:, labels.style.codes].astype(np.uint16),
        source=nested.source,
        slots=nested.slots,
        together=together,
    )


if __name__ == "__main__":
    main()
