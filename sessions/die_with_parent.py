"""Runs a program that ends when the process which started it ends, however that ends.

    python die_with_parent.py PARENT_PID PROGRAM ARGUMENT...

A script of its own, because the request must be made in the child before it becomes PROGRAM, and
Python code between fork and exec in a process with threads can deadlock.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h: the signal this process gets when its parent's thread ends."""


def main() -> None:
    """Becomes PROGRAM; on systems other than Linux without the bond to the parent."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before the request was made
            sys.exit(1)
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
