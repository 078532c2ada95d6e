"""The command line: `serve` starts the supervisor, everything else is a client of the public API.

One file for each command. Modules that talk to a server import boto3 inside their functions: it
costs half a second, which `lambent --help` and `lambent env` must not pay.
"""
