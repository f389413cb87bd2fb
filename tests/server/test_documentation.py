"""The example in docs/realtime.md works as it stands."""

import asyncio
import re
import sys
from pathlib import Path

from tests.support.serving import PATIENCE, Serving

PAGE = Path(__file__).parents[2] / "docs" / "realtime.md"


async def test_the_example_is_answered(serving: Serving) -> None:
    example = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    program = example[1].replace("http://127.0.0.1:8000", serving.http_url)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
    assert b"Sunday" in output
