"""Options that the commands of style transfer share, besides those of records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gramstyle.transfer import TRANSFERS

Content = Annotated[Path, typer.Argument(metavar="CONTENT", help="Image that is kept in its main lines.")]
Styles = Annotated[list[Path], typer.Argument(metavar="STYLE...", help="Images whose style is wanted.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="File to write: .png, .jpg, .webp or .tif.")]
Folder = Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the results.")]
PresetName = Annotated[
    str,
    typer.Option(
        "--preset",
        autocompletion=lambda incomplete: [name for name in TRANSFERS if name.startswith(incomplete)],
        help=f"Settings to begin with: {', '.join(TRANSFERS)}. Options below change them.",
    ),
]
StyleWeights = Annotated[
    str | None, typer.Option(metavar="X,Y,...", help="Share of each style. Default: all alike.")
]
Bits = Annotated[int, typer.Option("--bits", help="Per channel: 8, or 16 for .png and .tif.")]
