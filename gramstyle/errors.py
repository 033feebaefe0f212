"""The errors gramstyle raises on purpose."""


class StyleError(ValueError):
    """Settings that contradict each other, or data that cannot answer the question asked.

    Plain wrong arguments raise `ValueError` or `TypeError`; this class is for combinations
    of arguments that are each fine alone.
    """


class UnknownNameError(ValueError):
    """A name (backbone, tap, norm, metric, preset, weights) that no table holds."""


class ImageError(OSError):
    """A file or object that cannot be read as an image. The message names it."""


class WeightsError(OSError):
    """Weights that cannot be found, fetched or trusted. The message says what to do."""


class NativeUnavailableError(ImportError):
    """A native half was asked for by name and is not there."""


for _error in (StyleError, UnknownNameError, ImageError, WeightsError, NativeUnavailableError):
    _error.__module__ = "gramstyle"  # tracebacks show the name users import
del _error
