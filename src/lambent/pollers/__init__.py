"""Pollers: event source mappings at work. Begin with api.py."""
