"""Amazon EventBridge Scheduler. Begin with api.py."""
