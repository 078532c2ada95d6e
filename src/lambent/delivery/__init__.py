"""Delivery: what was accepted for a target reaches it, or its dead-letter queue. Begin with api.py."""
