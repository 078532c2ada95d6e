"""Amazon DynamoDB and DynamoDB Streams: durable tables. `api.py` says what is here."""
