"""How long `script/server` takes until /readyz answers 200, when everything is set up.

    bench/startup.py --times 3

The first start sets up what is missing and fills caches; the others are measured.
"""

import argparse
import os
import tempfile
from pathlib import Path

from bench.figures import Figures, summary
from bench.options import parser, report, run
from bench.server_under_test import ROOT, free_port, launch, ready, stop


async def measure(*, times: int = 3) -> Figures:
    """Seconds of each start after the first; raises NoServerError."""
    seconds = []
    with tempfile.TemporaryDirectory(prefix="overture-bench-") as folder:
        for _ in range(times + 1):
            port = free_port()
            environment = os.environ | {"OVERTURE_PORT": str(port), "OVERTURE_DATA_DIR": folder}
            log = Path(folder) / "bench-server.log"
            process = launch([str(ROOT / "script" / "server")], environment, log)
            try:
                seconds.append(await ready(f"http://127.0.0.1:{port}", process, log))
            finally:
                stop(process)
    first, *later = seconds
    later_ms = summary([each * 1000 for each in later])
    return {"first_seconds": round(first, 2), "second_ms": later_ms}


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes the times."""
    figures = await measure(times=arguments.times)
    print(f"first start to ready    {figures['first_seconds']} s")
    print(f"second start to ready   {figures['second_ms']['p50'] / 1000:.2f} s (median)")
    report(figures, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__, chooses_server=False)
    options.add_argument("--times", type=int, default=3)
    run(main, options.parse_args())
