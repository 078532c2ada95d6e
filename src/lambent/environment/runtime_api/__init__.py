"""The Runtime, Extensions, Telemetry and Logs APIs of one environment, over HTTP."""
