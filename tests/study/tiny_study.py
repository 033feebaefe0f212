"""Corpora of seeded textures in memory, a network that loads in a tenth of a second, few settings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace

import numpy as np
import torch
from safetensors.torch import save_file

from gramstyle.corpus import Corpus, Item
from gramstyle.images import Picture
from gramstyle.study import Readout, StudySettings, Sweep

SIDE = 48
GRAM = Readout(statistic="gram", metric="frobenius")
RELATIVE = Readout(statistic="gram", metric="relative-frobenius")
COVARIANCE = Readout(statistic="covariance", metric="frobenius")
MEAN = Readout(statistic="mean", metric="frobenius")
COLOUR = Readout(statistic="gaussian", metric="wasserstein", most=3)

LEARNED = (
    Sweep(where="depth", readouts=(GRAM, RELATIVE)),
    Sweep(where="ladder", readouts=(COVARIANCE, MEAN)),
    Sweep(where="ladder", features=("shuffled-independently", "subsample:9"), readouts=(GRAM, COVARIANCE)),
    Sweep(where="last", channels=("rotated",), readouts=(GRAM,)),
    Sweep(where="last", inputs=("grayscale",), readouts=(GRAM,)),
)
RANDOM = Sweep(whose=("random",), where="ladder", readouts=(GRAM,))
PIXEL = Sweep(whose=("pixels",), where="depth", inputs=("as-is", "grayscale"), readouts=(COLOUR, GRAM))


@dataclass(frozen=True)
class Drawn:
    """An origin whose picture is held in memory; counts how often it is read."""

    pixels: torch.Tensor = field(compare=False)
    name: str
    read: list[str] = field(default_factory=list, compare=False)

    def picture(self):
        self.read.append(self.name)
        return Picture(pixels=self.pixels, alpha=None, name=self.name)

    def digest(self):
        return hashlib.sha256(self.pixels.numpy().tobytes()).hexdigest()


def grain(draw, angle, strength=0.1, side=SIDE, period=6.0):
    """Filtered noise around 0.5 that runs along one angle, (H, W)."""
    y, x = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij")
    across = np.cos(angle) * x + np.sin(angle) * y
    along = -np.sin(angle) * x + np.cos(angle) * y
    kept = np.exp(-(((np.abs(across) - 1 / period) / 0.06) ** 2) - (along / 0.08) ** 2)
    grown = np.fft.ifft2(kept * np.fft.fft2(draw.standard_normal((side, side)))).real
    return 0.5 + strength * grown / grown.std()


def coloured(values, colour):
    """Grey values (H, W) in a colour (3,), clipped: pixels (3, H, W) float32."""
    pixels = np.clip(values[None] + np.asarray(colour)[:, None, None], 0, 1)
    return torch.from_numpy(pixels.astype(np.float32))


def corpus_of(images, name="tiny"):
    """A corpus from (pixels, labels) pairs."""
    items = tuple(
        Item(name=f"image {number:03d}", origin=Drawn(pixels, f"image {number:03d}"), **labels)
        for number, (pixels, labels) in enumerate(images)
    )
    return Corpus(name=name, items=items)


def textured(styles=6, images=4, *, seed=0, planted=True, tint=0.02):
    """Grain whose angle and strength are the style, each image in a colour of its own; or all alike."""
    draw = np.random.default_rng(seed)
    made = []
    for style in range(styles):
        for _ in range(images):
            strength, angle = (0.05 + 0.03 * style, np.pi * style / styles) if planted else (0.1, 0.0)
            colour = tint * draw.standard_normal(3)
            made.append((coloured(grain(draw, angle, strength), colour), {"style": f"style {style}"}))
    return corpus_of(made)


def settings_of(*backbones, sweeps=(*LEARNED, RANDOM, PIXEL), **changed):
    """Settings small enough for a test."""
    given = {"random_seeds": (0,), "resize": "none", "draws": 60, "permutations": 99, "diagnosed": 6}
    return StudySettings(backbones=backbones, sweeps=sweeps, **{**given, **changed})


def save_weights(path, model="test_efficientnet", seed=7):
    """A file of weights that nobody trained: to a study, those of a learned network."""
    import timm

    torch.manual_seed(seed)
    made = timm.create_model(model, pretrained=False)
    save_file({name: one.contiguous() for name, one in made.state_dict().items()}, path)
    return f"timm:{model}@{path}"


def undated(results):
    """Everything a study found but for the day, as text that tells any two floats apart, NaN alike."""
    plain = replace(results, provenance=replace(results.provenance, date=""))
    return {one.name: repr(getattr(plain, one.name)) for one in fields(plain)}


def found(results, name="auc", **wanted):
    """The only estimate of that name with these attributes."""
    given = {"question": "style", "split": "all", **wanted}
    (one,) = results.find(name=name, **given)
    return one
