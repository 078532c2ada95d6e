"""Amazon SQS: durable queues. `api.py` says what is here."""
