"""The benches' own call, which is no stock client, against the real server."""

import time

import pytest

from bench.metronome import Metronome
from bench.realtime_client import RealtimeClient
from bench.text_socket import ConnectionFailedError
from bench.transports import TRANSPORTS
from bench.wire import Target
from tests.server.test_faults import eventually
from tests.support.serving import PATIENCE, Serving


async def test_a_benchs_call_speaks_and_hears_the_answer(serving: Serving) -> None:
    async with Metronome() as metronome:
        client = RealtimeClient(metronome, open_wire=TRANSPORTS["webrtc"])
        await client.connect(Target(serving.http_url, "model=cafe&user=bench"))
        assert client.is_open
        asked = time.monotonic()
        client.ask("When do you close on Sunday?")
        heard = await client.first_audible(asked, PATIENCE)
        await client.quiet(PATIENCE)
        [response] = client.log.responses.values()
        await client.aclose()
    assert heard > asked
    assert response.status == "completed"
    assert client.ear.arrived_seconds(response.id) > 1
    await eventually(lambda: serving.live_sessions() == 0)


async def test_a_call_that_is_refused_is_named(serving: Serving) -> None:
    with pytest.raises(ConnectionFailedError, match="refused the call: 400"):
        await TRANSPORTS["webrtc"](
            Target(serving.http_url, "user=/"), lambda _: None, lambda _: None
        )
