"""The OpenAI Realtime protocol (GA) over WebSocket."""
