"""APIs of API Gateway in the edge: which API and stage a request is for, and what serves it.

`api.py` is the contract between the stage and the kinds of APIs. `stage.py` is the way of a request to the API,
each kind a module that goes on from there: `http_api.py`. Shared and pure: addresses, routes, events, answers.
"""
