"""What serves an app to a test ends with the test, however the test ends."""

import socket
from http.client import HTTPConnection

import pytest
from flask import Flask

from tests.serving import served


def test_a_test_that_fails_inside_ends_what_it_serves() -> None:
    with pytest.raises(AssertionError), served(Flask("empty")) as server:
        raise AssertionError("what the test wanted is not so")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("localhost", server.server_port))


def test_the_end_of_one_server_leaves_the_connections_of_another() -> None:
    with served(Flask("one")) as one:
        connection = HTTPConnection("localhost", one.server_port)
        connection.connect()
        with served(Flask("two")):
            pass
        connection.request("GET", "/")
        assert connection.getresponse().status == 404
        connection.close()
