"""Amazon S3: buckets and objects; api.py tells the contract."""
