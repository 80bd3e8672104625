"""The lab without a browser: `python -m regcore train`, `compare`, `sweep` and `ablate`.

What stands on the command line (`parser`) becomes configurations (`experiments`). They train with a line that
says how far they are (`training`). What was measured becomes tables (`tables`), text, JSON and CSV
(`reports`), printed and written where `--out` says (`files`).
"""

from regcore.cli.program import main, run

__all__ = ["main", "run"]
