"""IAM: users, access keys, roles and policies, and the keys that open the door.

`service.Iam` carries the operations; `keys.Keys` is what the platform itself uses.
"""
