"""The data plane: snapshots, pools of environments, synchronous invocations; asynchronous ones in their own folder."""
