"""The AWS services, one folder each, strangers to one another.

What a service needs of another it declares as a Protocol in its own `api.py`; `roles.control`
connects the two.
"""
