"""Composition roots: each builds one process and connects its rooms; only they know every room."""
