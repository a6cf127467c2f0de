"""A local Gemini Live server with a brain of one's own. Start with `LiveServer` in `server.py`."""
