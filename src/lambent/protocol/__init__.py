"""AWS's wire: five protocols driven by botocore's service models, SigV4, event streams. No sockets."""
