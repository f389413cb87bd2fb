"""The bus over RocketMQ 5: a small asyncio client for its gRPC proxy, and the adapter on it."""
