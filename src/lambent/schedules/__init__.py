"""Schedules: when something is due. Begin with api.py."""
