# ruff: noqa: PT012 - what is waited for comes after some bytes, not at once
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from printers import encode
from printers.draw import draw
from printers.fake.port import BUFFER
from printers.fake.printer import FakePrinter, Faults
from printers.paper import LABEL_50X25, ROLL_80, Paper

MakeLabel = Callable[..., Paper]
MakeFake = Callable[..., FakePrinter]


@pytest.fixture
def fakes() -> Iterator[MakeFake]:
    made: list[FakePrinter] = []

    def make(**wishes: object) -> FakePrinter:
        made.append(FakePrinter(**wishes))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for fake in made:
        fake.stop()


def dial(fake: FakePrinter) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", fake.port), timeout=3)
    client.settimeout(3)
    return client


def read(client: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        received += client.recv(count - len(received))
    return received


def silent(client: socket.socket, seconds: float = 0.15) -> bool:
    client.settimeout(seconds)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return True
    finally:
        client.settimeout(3)


def job(paper: Paper, pid: bytes = b"0001") -> bytes:
    return encode.escpos(draw(paper), paper.form) + encode.ask_process_id(pid)


def test_it_remembers_what_it_printed_and_proves_it_afterwards(
    fakes: MakeFake, label: MakeLabel, tmp_path: Path
) -> None:
    fake = fakes(out=tmp_path, print_s=0.1)
    with closing(dial(fake)) as client:
        client.sendall(job(label()))
        assert read(client, 7) == b'7"0001\x00'
    assert fake.paper[0].image.tobytes() == draw(label()).tobytes()
    assert fake.paper[0].symbols == ["263250100014"]
    assert (tmp_path / "labels-0001.png").read_bytes() == fake.paper[0].png
    assert fake.unknown == 0


def test_every_split_of_the_stream_prints_the_same(fakes: MakeFake, label: MakeLabel) -> None:
    fake, data = fakes(), job(label())
    with closing(dial(fake)) as client:
        for size in (1, 7, 997):
            pieces = [data[:40][place : place + size] for place in range(0, 40, size)]
            for piece in pieces:
                client.sendall(piece)
                time.sleep(0.001)
            client.sendall(data[40:])
            read(client, 7)
    assert [paper.image.tobytes() for paper in fake.paper] == [draw(label()).tobytes()] * 3


def test_a_ticket_of_several_fragments_is_one_paper(fakes: MakeFake, ticket: Paper) -> None:
    fake = fakes()
    with closing(dial(fake)) as client:
        client.sendall(job(ticket))
        read(client, 7)
    assert [paper.symbols for paper in fake.paper] == [ticket.symbols()]


def test_without_paper_it_holds_the_data_and_prints_when_it_is_put_right(fakes: MakeFake, label: MakeLabel) -> None:
    fake = fakes()
    fake.run_out()
    with closing(dial(fake)) as client:
        client.sendall(job(label()))
        assert silent(client)
        assert fake.paper == []
        client.sendall(b"\x10\x04\x04")  # real time: answered although the head waits
        assert read(client, 1)[0] & 0x60 == 0x60
        fake.put_right()
        assert read(client, 7) == b'7"0001\x00'
    assert len(fake.paper) == 1


def test_with_the_client_gone_it_prints_all_and_tells_the_next_one_the_latest_id_only(
    fakes: MakeFake, label: MakeLabel
) -> None:
    fake = fakes()
    fake.open_cover()
    small = encode.escpos(draw(label()).crop((0, 0, 400, 20)), LABEL_50X25)
    for pid in (b"0001", b"0002"):
        client = dial(fake)
        client.sendall(small + encode.ask_process_id(pid))
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
        client.close()
    assert fake.paper == []
    fake.put_right()
    end = time.monotonic() + 3
    while len(fake.paper) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.05)
    with closing(dial(fake)) as client:
        assert read(client, 7) == b'7"0002\x00'
        assert silent(client)
    assert len(fake.paper) == 2


def test_its_memory_is_small(fakes: MakeFake, label: MakeLabel) -> None:
    fake = fakes()
    fake.run_out()
    with closing(dial(fake)) as client:
        client.sendall(job(label()))
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            for _ in range(2000):
                client.sendall(bytes(100_000))
        assert len(fake._buffer) <= BUFFER


def test_one_client_prints_and_the_next_waits(fakes: MakeFake, label: MakeLabel) -> None:
    fake = fakes()
    with closing(dial(fake)) as first, closing(dial(fake)) as second:
        second.sendall(job(label("263250100022"), b"0002"))
        first.sendall(job(label(), b"0001"))
        assert read(first, 7) == b'7"0001\x00'
        assert silent(second)
        first.close()
        assert read(second, 7) == b'7"0002\x00'
    assert [paper.symbols for paper in fake.paper] == [["263250100014"], ["263250100022"]]


@pytest.mark.parametrize(
    ("gesture", "bits"),
    [
        (FakePrinter.put_right, (0x12, 0x12, 0x12, 0x12)),
        (FakePrinter.run_out, (0x1A, 0x32, 0x12, 0x7E)),
        (FakePrinter.open_cover, (0x1A, 0x16, 0x12, 0x12)),
        (FakePrinter.nearly_end, (0x12, 0x12, 0x12, 0x1E)),
    ],
)
def test_it_tells_its_state(fakes: MakeFake, gesture: Callable[[FakePrinter], None], bits: tuple[int, ...]) -> None:
    fake = fakes()
    gesture(fake)
    with closing(dial(fake)) as client:
        answers = []
        for request in encode.STATUS_REQUESTS:
            client.sendall(request)
            answers.append(read(client, 1)[0])
    assert tuple(answers) == bits


def test_an_idle_client_is_cut(fakes: MakeFake) -> None:
    with closing(dial(fakes(idle_s=0.1))) as client:
        assert client.recv(1) == b""


def test_a_stream_cut_in_a_raster_swallows_the_next_paper_unless_it_is_led_out(
    fakes: MakeFake, label: MakeLabel
) -> None:
    for lead, whole in ((b"", False), (encode.resynchronise(LABEL_50X25), True)):
        fake = fakes(cut_at=5000)
        with closing(dial(fake)) as client, pytest.raises(OSError, match=r"."):
            client.sendall(job(label()))
            while True:
                client.sendall(b"\x00")
                time.sleep(0.01)
        with closing(dial(fake)) as client:
            client.sendall(lead + job(label("263250100022"), b"0002"))
            assert read(client, 7) == b'7"0002\x00'
        assert (["263250100022"] in [paper.symbols for paper in fake.paper]) is whole


def test_leading_out_a_printer_that_stands_right_wastes_no_label(fakes: MakeFake, label: MakeLabel) -> None:
    fake = fakes()
    with closing(dial(fake)) as client:
        client.sendall(encode.resynchronise(LABEL_50X25) + encode.resynchronise(ROLL_80) + job(label()))
        read(client, 7)
    assert len(fake.paper) == 1
    assert fake.unknown == 0


def asked(client: socket.socket, question: bytes, count: int) -> bytes:
    client.sendall(question)
    return read(client, count)


def test_it_counts_strokes_and_cuts_and_knows_where_its_paper_stands(
    fakes: MakeFake, label: MakeLabel, ticket: Paper
) -> None:
    fake, rows = fakes(), draw(ticket).height
    strokes, cuts = b"\x1dg2\x00\x15\x00", b"\x1dg2\x00\x32\x00"
    with closing(dial(fake)) as client:
        assert asked(client, strokes + cuts, 6) == b"_0\x00_0\x00"
        assert asked(client, b"\x1c(L\x02\x0000", 5) == b"78\x04\x00\x00"
        client.sendall(job(label()))
        read(client, 7)
        assert asked(client, strokes, 5) == b"_200\x00"
        assert asked(client, b"\x1c(L\x02\x0000", 5) == b"78\x02\x00\x00"
        client.sendall(job(ticket))
        read(client, 7)
        told = f"_{200 + rows}".encode() + b"\x00_1\x00"
        assert asked(client, strokes + cuts, len(told)) == told
    assert fake.unknown == 0


def test_automatic_status_comes_by_itself_until_the_next_reset(fakes: MakeFake) -> None:
    fake = fakes()
    with closing(dial(fake)) as client:
        assert asked(client, b"\x1da\xff", 4) == b"\x10\x00\x00\x00"
        fake.open_cover()
        assert read(client, 4) == b"\x38\x00\x00\x00"
        fake.run_out()
        assert read(client, 4) == b"\x38\x00\x0f\x00"
        fake.run_out()  # nothing changes, nothing is said
        assert asked(client, b"\x1dr1", 1) == b"\x0f"
        client.sendall(b"\x1b@")
        assert asked(client, b"\x1dr1", 1) == b"\x0f"
        fake.put_right()
        assert silent(client)


def test_a_chatterer_says_more_than_it_was_asked(fakes: MakeFake) -> None:
    fake = fakes(faults=Faults(chatter=1.0), seed=3)
    heard = set()
    for _ in range(20):
        with closing(dial(fake)) as client:
            client.sendall(b"\x10\x04\x01")
            first = read(client, 1)
            heard.add(first)
            assert read(client, 4 if first == b"\x10" else 1)[-1:] == b"\x12"
    assert heard == {b"\x10", b"\x11", b"\x13"}


def test_a_polite_printer_hangs_up_without_a_reset(fakes: MakeFake, label: MakeLabel) -> None:
    data = job(label())
    fake = fakes(cut_at=len(data), polite=True, answers_id=False)
    with closing(dial(fake)) as client:
        client.sendall(data)
        assert client.recv(1) == b""
