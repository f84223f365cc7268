"""One peer in a process of its own: it trains when it is told to, and otherwise leaves the processors alone.

Run as ``python worker.py PEER FOLDER``, the workload as JSON on the first line of standard input; each
further line is one turn. It answers each line with a line of JSON.
"""

import importlib
import json
import sys
from pathlib import Path

from workloads import Workload


def main(name: str, folder: str) -> None:
    """Build the peer, say what it is, then run it once for each line."""
    workload = Workload.from_dict(json.loads(sys.stdin.readline()))
    peer = importlib.import_module(f"peers.{name}")
    model = peer.Peer(workload, Path(folder))
    print(json.dumps({"version": peer.version()}), flush=True)
    for _ in sys.stdin:
        seconds, loss = model.run()
        print(json.dumps({"seconds": seconds, "loss": loss}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
