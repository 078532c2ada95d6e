"""CloudWatch Logs; its front is in `api.py`."""
