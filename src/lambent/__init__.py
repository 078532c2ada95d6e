"""Lambent: AWS Lambda on your own machines, reached with the AWS tools that you already use."""
