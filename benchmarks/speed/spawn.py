"""Run a command: python spawn.py COMMAND...; prints its seconds, and the bytes that it needed at most.

A process of its own, and a small one: on Linux, what a process has taken counts for those it starts, too.
"""

import json
import os
import sys
import time

began = time.perf_counter()
process = os.posix_spawn(
    sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
)
_, status, used = os.wait4(process, 0)
seconds = time.perf_counter() - began
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, 1024 * used.ru_maxrss]))
