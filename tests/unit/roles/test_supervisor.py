"""What the supervisor loads can be forked; in a process of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

LOAD = """
import os, sys
import lambent.roles.supervisor
threads = os.listdir("/proc/self/task")
assert len(threads) == 1, threads
rare = {"jsonpath", "jsonschema", "jwt", "boto3"} & set(sys.modules)
assert not rare, f"loaded at each start, although few servers need it: {rare}"
"""


def test_all_parts_are_loaded_without_a_thread_and_without_what_is_rare_or_cannot_be_forked(tmp_path: Path) -> None:
    """botocore imports awscrt where it is installed, and its library is not for forked processes."""
    (tmp_path / "awscrt").mkdir()
    for name in ("__init__.py", "auth.py"):
        (tmp_path / "awscrt" / name).write_text("print('awscrt was loaded')")
    environ = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", LOAD], env=environ, check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
