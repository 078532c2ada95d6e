"""Calls between the parts: frames over Unix sockets and TCP alike. Knows no message."""
