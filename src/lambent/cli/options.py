"""Options that several commands share, with one wording."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        readable=False,  # whether it is, is said by who reads, and what to do about it
        help="The folder of the server that is meant.",
        show_default="LAMBENT_DATA, or data",
    ),
]
