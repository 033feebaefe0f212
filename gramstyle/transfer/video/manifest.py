"""What made a film, in a file beside it, from which it can be made again."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from torch import Tensor

from gramstyle.transfer.manifest import made_by
from gramstyle.transfer.run import Transfer
from gramstyle.transfer.video.job import VideoJob
from gramstyle.transfer.video.past import Past
from gramstyle.transfer.video.sequence import FrameState, FrameTransfer

MODULES = ("av", "cv2")
"""PyAV, which reads and writes films, and OpenCV, which computes flow."""


def frame_record(
    last: FrameState, made: FrameTransfer, result: Tensor, past: Sequence[Past]
) -> dict[str, Any]:
    """What is known of a finished frame.

    ``seen`` is the share of it that earlier frames show, ``temporal_error`` that of the result, in the
    style's colours, and ``content_error`` that of the content; None where no frame was before, or another
    scene.
    """
    new_scene = made.memory is None or made.cut
    return {
        "losses": dict(last.state.losses),
        "steps": last.state.steps,
        "seen": last.seen,
        "cut": last.cut,
        "temporal_error": made.error(result, past),
        "content_error": None if new_scene or made.memory is None else made.memory.content_error,
    }


def video_manifest(
    job: VideoJob, transfer: Transfer, digest: str, rate: Fraction, records: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """All that made a film, in plain types.

    ``flicker`` is the mean of the `temporal_error` of all frames, of the result and of the content; what the
    content has of it is noise, light and errors of the flow.
    """
    made = made_by(job.as_json(), [job.content, *(one.path for one in job.styles), job.proof], transfer)
    made["versions"] |= {name: getattr(sys.modules.get(name), "__version__", "not used") for name in MODULES}
    return made | {
        "digest": digest,
        "rate": str(rate),
        "flicker": {"result": _mean(records, "temporal_error"), "content": _mean(records, "content_error")},
        "frames": [{name: one[name] for name in one if name != "digest"} for one in records],
    }


def _mean(records: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [one[name] for one in records if one[name] is not None]
    return sum(values) / len(values) if values else None
