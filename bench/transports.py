"""The wires by name. Calls are imported when they are asked for: aiortc takes half a second."""

from collections.abc import Callable, Mapping

from bench.websocket_wire import WebSocketWire
from bench.wire import OpenWire, Target, Wire
from voice.audio import Pcm


async def _call(
    target: Target, receive: Callable[[bytes], None], hear: Callable[[Pcm], None]
) -> Wire:
    from bench.webrtc_wire import WebRtcWire

    return await WebRtcWire.open(target, receive, hear)


TRANSPORTS: Mapping[str, OpenWire] = {"websocket": WebSocketWire.open, "webrtc": _call}
