"""WebSocket APIs in the edge: how connections begin, what becomes of their messages, and @connections.

`api.py` is how an API is served, `held.py` what an edge holds. Frames and limits of a connection are the front's
business (`gateway/http/websocket.py`).
"""
