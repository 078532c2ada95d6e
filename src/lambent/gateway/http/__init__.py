"""HTTP/1.1 connections. The parser is httptools (llhttp); knows no AWS.

Rejected: Granian, which hands the path on percent-decoded, so that a signature over it cannot be
checked, and which answered a third of the requests a second (docs/decisions/0006-http-front.md).
"""
