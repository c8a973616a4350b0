"""A client that behaves, in a process of its own: reads one deal every 50 ms, until its standard input ends, and prints what it met.

`python -m tests.end_to_end.attacks.healthy HOST:PORT PATH TOKEN kept|fresh`: over one connection, or over a new one each time. In a process
of its own, so that the time that an attack takes its maker isn't taken for the gateway's.
"""

import json
import select
import sys
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException

PACE = 0.05
PATIENCE = 60.0


def _ask(connection: HTTPConnection, path: str, token: str) -> str:
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException) as fault:
        connection.close()
        return type(fault).__name__
    return str(answer.status)


def main(address: str, path: str, token: str, kept: str) -> None:
    host, port = address.split(":")
    connection = HTTPConnection(host, int(port), timeout=PATIENCE)
    told, slowest = Counter[str](), 0.0
    print("begun", flush=True)
    while not select.select([sys.stdin], [], [], PACE)[0]:
        began = time.monotonic()
        told[_ask(connection, path, token)] += 1
        slowest = max(slowest, time.monotonic() - began)
        if kept == "fresh":
            connection.close()
    connection.close()
    print(json.dumps({"told": told, "slowest": slowest}))


if __name__ == "__main__":
    main(*sys.argv[1:])
