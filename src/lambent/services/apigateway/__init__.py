"""API Gateway, version 1: REST APIs. See api.py."""
