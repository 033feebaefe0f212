"""The page of `gramstyle web` as a browser shows it while a transfer runs.

    python analysis/photograph_page.py FOLDER docs/images/transfer-page.jpg [--browser chromium]

Two transfers of a bundled photograph are made in FOLDER, the second of which is photographed at two thirds of
its steps.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import PIL.Image
from draw_transfer_settings import inputs

from gramstyle.transfer import Job, StyleFile, TransferSettings, for_backbone, transfer_preset
from gramstyle.web.begin import studio_app
from gramstyle.web.server import HOST, serving
from gramstyle.web.studio import Studio

NETWORKS = ("vgg16@IMAGENET1K_V1", "mobilenet_v2@KERAS")
SIZE = 1380, 860
PHOTOGRAPHED = 2 / 3


def main() -> None:
    """Make the first transfer whole, begin the second, and photograph the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--browser", default="chromium", help="a program that takes Chromium's options")
    given = parser.parse_args()
    content, style = inputs(given.folder)
    studio = Studio(given.folder / "made", {})
    with serving(studio_app(studio, HOST)) as url:
        for network in NETWORKS:
            settings = replace(
                for_backbone(transfer_preset("gramstyle"), network),
                size=256,
                first_iterations=150,
                iterations=100,
            )
            studio.begin(job_of(studio, content, style, settings))
            wait(studio, 1.0 if network == NETWORKS[0] else PHOTOGRAPHED)
        photograph(given.browser, url, given.folder / "page.png")
        studio.close()
    with PIL.Image.open(given.folder / "page.png") as page:
        page.convert("RGB").save(given.output, quality=88)


def job_of(studio: Studio, content: Path, style: Path, settings: TransferSettings) -> Job:
    """A job whose result is in the folder of the studio."""
    number = len(studio.results()) + 1
    output = str(studio.folder / f"photograph_style_{number:02d}.png")
    return Job(content=str(content), styles=(StyleFile(path=str(style)),), output=output, settings=settings)


def wait(studio: Studio, share: float) -> None:
    """Until so much of the work is done; of all, until the run has ended."""
    while studio.course.busy:
        state = studio.course.news()["state"]
        if share < 1 and state is not None and state["share"] >= share:
            return
        time.sleep(0.1)


def photograph(browser: str, url: str, path: Path) -> None:
    """The page, two seconds after it was opened."""
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    size = "--window-size={},{}".format(*SIZE)
    command = [browser, *options, size, "--virtual-time-budget=2000", f"--screenshot={path}", url]
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
