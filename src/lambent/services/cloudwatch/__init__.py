"""CloudWatch metrics; its front is in `api.py`."""
