"""Metric math: expressions of GetMetricData; syntax.py reads them, evaluate.py carries them out."""
