"""Measured, not claimed: every table of effects and of speed. `python -m regcore.bench` prints them all.

A bench is a module whose `run(quick, progress)` returns a `report.Report`; `__main__.BENCHES` names them. No
test asserts a time: speed lives here.
"""
