"""How REST APIs turn one message into another: templates, parameter expressions, JSON paths and schemas. Pure.

Everything here is written by the owner of an API and runs in an edge that serves others too, so nothing reaches
Python's own attributes, and time and output are bounded.
"""
