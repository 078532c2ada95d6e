"""Event patterns: which events a rule, a subscription or a mapping wants. Begin with api.py."""
