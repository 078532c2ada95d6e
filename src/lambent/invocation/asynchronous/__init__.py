"""Asynchronous invocation: events that are on disk before they are accepted, and run at least once."""
