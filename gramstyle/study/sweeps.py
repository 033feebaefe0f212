"""The sweeps of the quick and of the full study."""

from __future__ import annotations

from gramstyle.study.results import AS_IS
from gramstyle.study.sweep import Readout, Sweep

FROBENIUS = Readout(statistic="gram", metric="frobenius")
RELATIVE = Readout(statistic="gram", metric="relative-frobenius")
CENTRED = Readout(statistic="covariance", metric="frobenius")
CENTRED_RELATIVE = Readout(statistic="covariance", metric="relative-frobenius")
COLOUR = Readout(statistic="gaussian", metric="wasserstein", most=3)
"""2-Wasserstein distance of mean and covariance; of pixels, the colour baseline."""
WASSERSTEIN_64 = Readout(statistic="gaussian", metric="wasserstein", most=64)
"""Of 64 channels at most: every pair costs the singular values of a matrix of C x C."""
MEAN_STD = Readout(statistic="mean-std", metric="wasserstein-diagonal")

PLAIN = (
    FROBENIUS,
    RELATIVE,
    Readout(statistic="gram", metric="cosine"),
    Readout(statistic="gram", metric="signed-sqrt-cosine"),
    CENTRED,
    CENTRED_RELATIVE,
    Readout(statistic="correlation", metric="frobenius"),
    Readout(statistic="mean-std", metric="relative-frobenius"),
)
"""At every tap, so that they can be combined."""
PARTS = (
    Readout(statistic="gram", metric="signed-sqrt"),
    Readout(statistic="off-diagonal", metric="frobenius"),
    Readout(statistic="diagonal", metric="frobenius"),
    Readout(statistic="diagonal", metric="relative-frobenius"),
    Readout(statistic="mean", metric="frobenius"),
    MEAN_STD,
)
SPECTRAL = (
    Readout(statistic="gram", metric="matrix-sqrt", most=512),
    Readout(statistic="gram", metric="log-euclidean", most=512),
    Readout(statistic="covariance", metric="log-euclidean", most=256),
)
HUBS = (
    Readout(statistic="gram", metric="frobenius+csls"),
    Readout(statistic="gram", metric="relative-frobenius+csls"),
)
BOTH = (FROBENIUS, RELATIVE)
ALL_FOUR = (FROBENIUS, RELATIVE, CENTRED, CENTRED_RELATIVE)

SHUFFLES = ("shuffled-jointly", "shuffled-independently", "shifted-independently")
SMOOTHED = tuple(f"softmax-{over}{warmth}" for over in ("global", "channel") for warmth in ("", ":0.3", ":3"))


FULL_SWEEPS = (
    Sweep(where="depth", readouts=PLAIN),
    Sweep(where="ladder", readouts=(*PARTS, *SPECTRAL, *HUBS)),
    Sweep(where="ladder", features=SHUFFLES, readouts=ALL_FOUR),
    Sweep(where="ladder", features=SMOOTHED, readouts=(FROBENIUS,)),
    Sweep(where="ladder", features=("subsample:196", "subsample:784"), readouts=(FROBENIUS, CENTRED)),
    Sweep(where="ladder", channels=("projected:64", "subset:64"), readouts=BOTH),
    Sweep(where="ladder", channels=("standardised", "drop-top:1", "drop-top:5"), readouts=BOTH),
    Sweep(where="ladder", channels=("whitened", "eigenbasis"), readouts=BOTH),
    Sweep(where="last", channels=("rotated",), readouts=BOTH),
    Sweep(where="ladder", channels=("projected:64",), readouts=(WASSERSTEIN_64,)),
    Sweep(where="ladder", inputs=("colour-matched", "size:64", "size:128"), readouts=(*BOTH, CENTRED)),
    Sweep(  # every combination of the controls of `gramstyle.study.gap`
        where="ladder",
        inputs=(AS_IS, "grayscale"),
        features=(AS_IS, "subsample:49"),
        channels=(AS_IS, "projected:16"),
        readouts=ALL_FOUR,
    ),
    Sweep(whose=("random",), where="ladder", readouts=(*BOTH, CENTRED)),
    Sweep(
        whose=("pixels",),
        where="depth",
        inputs=(AS_IS, "grayscale", "colour-matched"),
        readouts=(COLOUR, *ALL_FOUR),
    ),
)
"""Everything that the report has a place for."""
QUICK_SWEEPS = (
    Sweep(
        where="ladder",
        readouts=(
            *ALL_FOUR,
            Readout(statistic="gram", metric="signed-sqrt-cosine"),
            Readout(statistic="off-diagonal", metric="frobenius"),
            Readout(statistic="diagonal", metric="frobenius"),
            Readout(statistic="mean", metric="frobenius"),
            Readout(statistic="mean-std", metric="relative-frobenius"),
        ),
    ),
    Sweep(where="ladder", features=("subsample:49",), readouts=(FROBENIUS, CENTRED)),
    Sweep(
        where="last", features=("shuffled-jointly", "shuffled-independently"), readouts=(FROBENIUS, CENTRED)
    ),
    Sweep(where="last", channels=("rotated", "eigenbasis"), readouts=(FROBENIUS,)),
    Sweep(where="ladder", channels=("standardised", "drop-top:5"), readouts=(FROBENIUS,)),
    Sweep(whose=("random",), where="ladder", readouts=(FROBENIUS,)),
    Sweep(whose=("pixels",), where="ladder", readouts=(COLOUR, *BOTH)),
)
"""Separation at every resolution, the main controls, and the main readings: minutes on two cores."""
