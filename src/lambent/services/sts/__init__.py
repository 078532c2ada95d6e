"""STS: who am I, and credentials for a while. IAM keeps the roles; see `api.py` for what is asked of it."""
