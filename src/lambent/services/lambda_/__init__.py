"""AWS Lambda's operations: functions, their versions, code, concurrency and tags.

`service.py` puts the resources together; `data_plane.py` is what invoking asks of this service.
"""
