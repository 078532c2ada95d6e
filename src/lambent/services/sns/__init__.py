"""Amazon SNS: topics that fan out. Begin with api.py."""
