"""Who may call a route: signed requests (iam.py), tokens (jwt.py), functions that decide (function.py).

Each is called with the HttpCall, fills in what the event and the logs say about who asks, and raises Refused.
"""
