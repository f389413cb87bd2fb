"""Everything reached over HTTP and WebSocket."""
