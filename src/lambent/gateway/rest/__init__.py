"""REST APIs in the edge: what one request to a stage goes through, and what answers it.

`served.py` finds stage and method and hands on to `way.py`, which is the list of all that happens to a request. What a
method does is read once from what was deployed (`plans.py`); everything that decides is pure, and what waits for
somebody else (functions, authorizers, keys, HTTP) is in `functions.py`, `authorizers.py` and `outbound.py`.
"""
