"""Asks the server on this machine whether all is well: `python -m regcore.hosting.ask_health 8501`.

For containers: it prints the answer, and ends with 0 if all is well, else 1.
"""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException

from regcore.hosting import HEALTH

# Less than a container gives it; the parts of the server have five.
SECONDS = 8.0


def main(port: int) -> int:
    """Ask, print the answer, and return the exit code."""
    # No proxy of the environment is asked: the server is here.
    server = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        server.request("GET", HEALTH)
        answer = server.getresponse()
        print(answer.read().decode(errors="replace"))
    except (OSError, HTTPException) as error:
        print(f"no answer: {error}")
        return 1
    finally:
        server.close()
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
