"""The bus over RocketMQ 5: a small asyncio client for its gRPC proxy, and the adapter on it."""

import os

# Before gRPC is imported anywhere: else it gets in the way of each start of a subprocess.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
