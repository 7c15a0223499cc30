import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from printers import zpl
from printers.draw import draw
from printers.fake.zebra import FakeZebra
from printers.paper import LABEL_50X25, Paper

MakeLabel = Callable[..., Paper]


@pytest.fixture
def zebra() -> Iterator[FakeZebra]:
    made = FakeZebra()
    yield made
    made.stop()


def sent(zebra: FakeZebra, *pieces: bytes, until: int) -> None:
    with closing(socket.create_connection(("127.0.0.1", zebra.port), timeout=3)) as client:
        for piece in pieces:
            client.sendall(piece)
        client.sendall(b"~HI")
        while len(zebra.paper) < until:
            client.settimeout(3)
            assert client.recv(100)
            client.sendall(b"~HI")


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("size", [1, 7, 997, 30_000])
def test_every_split_of_the_stream_prints_the_same(
    zebra: FakeZebra, label: MakeLabel, *, compressed: bool, size: int
) -> None:
    told = zpl.zpl(draw(label()), LABEL_50X25, compressed=compressed)
    sent(zebra, *(told[at : at + size] for at in range(0, len(told), size)), until=1)
    assert zebra.paper[0].image.tobytes() == draw(label()).tobytes()
    assert zebra.paper[0].symbols == ["263250100014"]
    assert zebra.unknown == 0


def test_one_wrong_letter_in_a_packed_graphic_is_found_by_its_check(zebra: FakeZebra, label: MakeLabel) -> None:
    told = bytearray(zpl.zpl(draw(label()), LABEL_50X25))
    place = told.index(b":Z64:") + 100
    told[place] = ord("A") if told[place] != ord("A") else ord("B")
    sent(zebra, bytes(told), until=1)
    assert (zebra.paper[0].symbols, zebra.unknown) == ([], 1)


def test_a_format_cut_in_the_middle_is_cancelled_and_the_next_one_stands_alone(
    zebra: FakeZebra, label: MakeLabel
) -> None:
    whole = zpl.zpl(draw(label()), LABEL_50X25)
    sent(zebra, whole[:700], zpl.LEAD_OUT, whole, until=1)
    assert [paper.symbols for paper in zebra.paper] == [["263250100014"]]


def test_it_tells_errors_and_its_odometer_unless_something_is_wrong(zebra: FakeZebra, label: MakeLabel) -> None:
    sent(zebra, zpl.zpl(draw(label()), LABEL_50X25), until=1)
    with closing(socket.create_connection(("127.0.0.1", zebra.port), timeout=3)) as client:
        for question, told in ((b"~HQES", b"ERRORS:         0"), (b"~HQOD", b"NONRESETTABLE:      200")):
            client.sendall(question)
            heard = b""
            while not heard.endswith(b"\x03\r\n"):
                heard += client.recv(1000)
            assert told in heard
        zebra.run_out()
        client.sendall(b"~HQES~HQOD~HS")
        client.settimeout(0.15)
        with pytest.raises(TimeoutError):
            client.recv(1)
    assert zebra.unknown == 0
