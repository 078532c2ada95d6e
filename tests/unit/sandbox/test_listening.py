"""A listener that is closed for everybody who holds it."""

import os
import socket

import pytest

from lambent.sandbox.sandbox import stop_listening


def test_nobody_comes_in_although_another_process_holds_the_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address):  # before, the kernel lets callers in
            stop_listening(os.dup(server.fileno()))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


def test_there_need_not_be_one() -> None:
    stop_listening(-1)
