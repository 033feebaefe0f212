"""Random numbers of the procedural corpus: a stream of its own for each part of each image."""

from __future__ import annotations

import hashlib

from numpy.random import PCG64, Generator, SeedSequence

VERSION = 1
"""Of the generator; it enters every stream, so that a new drawing of anything is new everywhere."""


def stream(*key: str | int) -> Generator:
    """The generator of whatever `key` names.

    Streams of different keys are independent: the seed is a sha256 of the key, which does not
    depend on the process as Python's `hash` does. numpy keeps the bits of PCG64 across releases
    and platforms; how `Generator` turns them into other distributions may change (NEP 19).
    """
    text = "\x1f".join(map(str, ("gramstyle", VERSION, *key)))
    return Generator(PCG64(SeedSequence(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"))))
