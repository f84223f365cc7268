"""One peer in a process of its own: it works when it is told to, and otherwise leaves the processors alone.

Run as ``python worker.py PEER FOLDER``, the workload as JSON on the first line of standard input; each
further line is a method of the peer and its arguments. It answers each line with a line of JSON.
"""

import importlib
import json
import sys
from pathlib import Path

from workloads import Workload, read_data


def main(name: str, folder: str) -> None:
    """Build the peer, say what it is, then do what each line says."""
    workload = Workload.from_dict(json.loads(sys.stdin.readline()))
    peer = importlib.import_module(f"peers.{name}").Peer(workload, read_data(Path(folder)))
    print(json.dumps(peer.version()), flush=True)
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(peer, method)(*arguments)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
