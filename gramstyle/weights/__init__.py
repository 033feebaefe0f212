"""Weights of the backbones: which there are, where they come from, and how they are trusted."""

from gramstyle.weights.cache import CacheRecord as CacheRecord
from gramstyle.weights.local import load_file as load_file
from gramstyle.weights.resolve import cache_folder as cache_folder
from gramstyle.weights.resolve import cached as cached
from gramstyle.weights.resolve import pull as pull
from gramstyle.weights.resolve import resolve as resolve
from gramstyle.weights.resolve import verify as verify
from gramstyle.weights.sources import RANDOM as RANDOM
from gramstyle.weights.sources import WEIGHTS as WEIGHTS
from gramstyle.weights.sources import describe as describe
from gramstyle.weights.sources import entries as entries
from gramstyle.weights.sources import entry as entry
from gramstyle.weights.sources import label as label
from gramstyle.weights.tensors import digest as digest
