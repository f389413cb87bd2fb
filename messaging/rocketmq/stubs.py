"""The generated gRPC stubs of RocketMQ, without the client library that carries them.

Importing the library's top package would configure logging, make a folder for log files and load
OpenTelemetry's exporters; its stubs need none of that. Import this module lazily: gRPC costs time.
"""

import sys
from importlib.util import find_spec
from types import ModuleType


def _hollow_package() -> None:
    """Lets `rocketmq.grpc_protocol` be imported without running `rocketmq/__init__.py`."""
    if "rocketmq" in sys.modules:
        return
    spec = find_spec("rocketmq")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("the RocketMQ bus needs the package rocketmq-python-client")
    package = ModuleType("rocketmq")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["rocketmq"] = package


_hollow_package()

from rocketmq.grpc_protocol import definition_pb2, service_pb2, service_pb2_grpc  # noqa: E402

__all__ = ["definition_pb2", "service_pb2", "service_pb2_grpc"]
