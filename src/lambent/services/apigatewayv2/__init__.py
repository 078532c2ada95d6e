"""Amazon API Gateway, version 2 of its operations: HTTP APIs. See api.py."""
