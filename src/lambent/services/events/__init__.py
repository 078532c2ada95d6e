"""Amazon EventBridge. Begin with api.py."""
