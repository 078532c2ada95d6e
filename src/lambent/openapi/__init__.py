"""OpenAPI documents, which both API Gateways take: read from text, walked by operation. Pure; knows no service."""
