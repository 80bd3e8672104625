"""`python -m regcore train|compare|sweep|ablate`: the lab without a browser."""

from regcore.cli import run

if __name__ == "__main__":
    run()
