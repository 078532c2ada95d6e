"""Function URLs in the edge: which URL a request is for, who may use it, the event, and the answer.

`stage.py` is the way of a request; all else here is pure.
"""
