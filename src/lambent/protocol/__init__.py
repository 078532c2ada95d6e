"""AWS's wire: five protocols driven by botocore's service models, SigV4, event streams. No sockets.

botocore loads `awscrt` where somebody has installed that. It is of no use here, and brings an OpenSSL-like library
along whose names hide those of the real one, and which waits for ever in a process that was forked after it was loaded.
So here it is not there, which None in the cache of modules says (Python's reference, "The module cache").
"""

import sys

sys.modules.setdefault("awscrt", None)  # type: ignore[arg-type]
