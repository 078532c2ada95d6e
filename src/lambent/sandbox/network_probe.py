"""Whether the kernel can redirect what functions send to the internet, found out in a namespace that is thrown away."""

import os

from lambent.sandbox import network_namespace, user_namespace
from lambent.sandbox.network_rules import Rules


def failing_step() -> str | None:
    """The words of the step that failed; None when an environment could be led out here.

    A child of ours takes the steps, in a user namespace of its own unless we are root; it ends by itself.
    """
    heard, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(heard)
        _try(tell)
    os.close(tell)
    with open(heard, "rb") as answer:
        told = answer.read().decode()
    os.waitpid(child, 0)
    return None if told == "done" else told or "its process died"


def _try(tell: int) -> None:
    """Take the steps, in this process; ends it."""
    told = "done"
    try:
        if not user_namespace.is_host_root():
            user_namespace.enter_alone()
        user_namespace.unshare(network_namespace.CLONE_NEWNET)
        network_namespace.bring_up_loopback()
        network_namespace.lay(Rules(), ipv6=False)
    except OSError as error:
        told = str(error)
    os.write(tell, told.encode())
    os._exit(0)
