"""Installing what tests need and a machine lacks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

SECONDS = 400


def install(commands: Sequence[Sequence[str]]) -> str | None:
    """Run commands that install something, until one fails; return which one and why, or None."""
    for command in commands:
        try:
            subprocess.run(
                command,
                check=True,
                capture_output=True,
                timeout=SECONDS,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"{' '.join(command)}: {error}"
    return None
