"""An office printer that remembers: it takes PDFs over IPP, counts its sheets, and fails as it is told to."""

import random
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

MODEL = "DEMONSTRATION A4"  #: what a fake says when it is asked for its model
_PAGE = re.compile(rb"/Type /Page\b(?!s)")
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_OK, _NOT_FOUND, _BUSY, _NOT_POSSIBLE, _NO_OPERATION = 0x0000, 0x0406, 0x0507, 0x0404, 0x0501
_PENDING, _PROCESSING, _STOPPED, _CANCELED, _ABORTED, _COMPLETED = 3, 5, 6, 7, 8, 9
_INTEGER, _ENUM, _BOOLEAN, _RANGE, _NAME, _KEYWORD, _MIME, _TEXT = 0x21, 0x23, 0x22, 0x33, 0x42, 0x44, 0x49, 0x41


@dataclass(frozen=True, kw_only=True)
class OfficeFaults:
    """How often, from 0 to 1 for each job, something goes wrong."""

    busy: float = 0.0  #: refused, with an answer that says so
    cut: float = 0.0  #: the connection is reset somewhere in the middle of the document: no job
    unanswered: float = 0.0  #: taken and printed, and nobody is told its number
    power: float = 0.0  #: a power cut after some of its pages: the job is forgotten
    fewer: float = 0.0  #: said to be completed, with a page fewer out and counted
    abort: float = 0.0  #: given up after its first page


@dataclass
class Sheets:
    """One job: its name, its PDF, how many of its pages are out, and its state as the printer tells it."""

    number: int
    name: str
    pdf: bytes
    pages: int
    out: int = 0
    state: int = _PENDING
    fault: str = ""
    reason: str = "none"
    wishes: dict[str, object] = field(default_factory=dict)
    is_forgotten: bool = False


class FakeOffice:
    """One office printer on a loopback port; `paper` is the truth of what came out, in order.

    `cut_at` resets the next Print-Job after that many bytes of it, once; `counts` False is a printer that does not say
    how many pages are out; `offers` adds to what it says that it can do.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        name: str = "office",
        model: str = MODEL,
        faults: OfficeFaults | None = None,
        seed: int = 0,
        cut_at: int | None = None,
        counts: bool = True,
        page_s: float = 0.0,
    ) -> None:
        self.name = name
        self.model = model
        self.counts = counts
        self.cut_at = cut_at
        self.reason = "none"
        self.is_stopped = False
        self.jam_at: int | None = None
        self.paper: list[Sheets] = []
        self.jobs: dict[int, Sheets] = {}
        self.heard: list[bytes] = []
        self._faults = OfficeFaults() if faults is None else faults
        self._chance = random.Random(seed)  # noqa: S311 - faults must come again
        self._page_s = page_s
        self._turn = threading.Condition()
        self._ended = False
        self._listener = socket.create_server(("127.0.0.1", port), backlog=16)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._serve, self._engine)]
        for thread in self._threads:
            thread.start()

    @property
    def address(self) -> str:
        """Where a station reaches it."""
        return f"ipp://127.0.0.1:{self.port}/ipp/print"

    def stop_for(self, reason: str) -> None:
        """Stop as a printer stops: `media-empty`, `media-jam`, `door-open`, `toner-empty` and the like."""
        with self._turn:
            self.is_stopped, self.reason = True, reason
            self._turn.notify_all()

    def put_right(self) -> None:
        """Whatever it was is lifted: what was held comes out."""
        with self._turn:
            self.is_stopped, self.reason, self.jam_at = False, "none", None
            self._turn.notify_all()

    def stop(self) -> None:
        """Switch it off."""
        with self._turn:
            self._ended = True
            self._turn.notify_all()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    # The engine: one job after the other, page by page.

    def _engine(self) -> None:
        while not self._ended:
            with self._turn:
                job = next((each for each in self.jobs.values() if each.state < _CANCELED), None)
                if job is None or self.is_stopped:
                    self._turn.wait(0.05)
                    continue
                job.state = _PROCESSING
            self._print(job)

    def _print(self, job: Sheets) -> None:
        whole = job.pages - (job.fault == "fewer")
        while job.out < whole:
            with self._turn:
                if self.jam_at == job.out:
                    self.is_stopped, self.reason = True, "media-jam"
                while self.is_stopped and not self._ended and job.state != _CANCELED:
                    job.state = _STOPPED
                    self._turn.wait(0.05)
                if self._ended or job.state == _CANCELED:
                    return
                job.state = _PROCESSING
                if self._page_s:
                    self._turn.wait(self._page_s)
                if job.state == _CANCELED:  # taken back while the page was drawn
                    return
                if job.out == 0:
                    self.paper.append(job)
                job.out += 1
                if job.fault == "power":
                    job.is_forgotten, job.state = True, _ABORTED
                    return
                if job.fault == "abort":
                    job.state, job.reason = _ABORTED, "aborted-by-system"
                    return
        with self._turn:
            job.state, job.reason = _COMPLETED, "job-completed-successfully"

    # The wire.

    def _serve(self) -> None:
        while not self._ended:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    def _attend(self, client: socket.socket) -> None:
        client.settimeout(5)
        with client, suppress(OSError, struct.error, IndexError):
            answer = self._hear(client)
            if answer is None:  # reset, as a pulled cable or a power cut does
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            client.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n" % len(answer) + answer
            )

    def _hear(self, client: socket.socket) -> bytes | None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := client.recv(1)):
                return None
            head += piece
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        body = b""
        cut = None
        while len(body) < length:
            if len(body) >= 4 and body[2:4] == b"\x00\x02" and cut is None:
                cut = self._cut(length + len(head))
            wanted = length - len(body)
            if cut is not None and cut >= 0:
                wanted = min(wanted, max(0, cut - len(head) - len(body)))
                if wanted == 0:
                    return None
            piece = client.recv(4 if not body else min(wanted, 4096))
            if not piece:
                return None
            body += piece
        self.heard.append(head + body)
        return self._answer(body)

    def _cut(self, whole: int) -> int:
        """After how many bytes this job's connection is reset, -1 for never."""
        with self._turn:
            if self.cut_at is not None:
                cut, self.cut_at = self.cut_at, None
                return cut if cut < whole else -1
        return self._chance.randrange(whole) if self._happens(self._faults.cut) else -1

    def _happens(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share

    # The words.

    def _answer(self, body: bytes) -> bytes | None:
        operation, request = struct.unpack(">HI", body[2:8])
        asked, document = _read(body)
        with self._turn:
            known = [job for job in self.jobs.values() if not job.is_forgotten]
            match operation:
                case 0x000B:
                    answer: bytes | None = _write(_OK, request, [(0x04, self._about())])
                case 0x0004:
                    answer = _write(_OK, request, [])
                case 0x0002:
                    answer = self._take(request, asked, document)
                case 0x0009 | 0x0008:
                    job = next((job for job in known if job.number == asked["job-id"]), None)
                    if job is None:
                        answer = _write(_NOT_FOUND, request, [])
                    else:
                        answer = self._cancel(request, job) if operation == 0x0008 else self._tell(request, [job])
                case 0x000A:
                    over = asked.get("which-jobs") == "completed"
                    answer = self._tell(request, [job for job in known if (job.state >= _CANCELED) == over])
                case _:
                    answer = _write(_NO_OPERATION, request, [])
            return answer

    def _about(self) -> list[tuple[str, int, list[object]]]:
        state = 5 if self.is_stopped else 3
        if state == 3 and any(job.state in {_PENDING, _PROCESSING} for job in self.jobs.values()):
            state = 4
        return [
            ("printer-state", _ENUM, [state]),
            ("printer-state-reasons", _KEYWORD, [self.reason]),
            ("printer-is-accepting-jobs", _BOOLEAN, [True]),
            ("printer-make-and-model", _TEXT, [self.model]),
            ("document-format-supported", _MIME, ["application/octet-stream", "application/pdf"]),
            ("media-supported", _KEYWORD, ["na_letter_8.5x11in", "iso_a4_210x297mm"]),
            ("copies-supported", _RANGE, [struct.pack(">ii", 1, 99)]),
            ("sides-supported", _KEYWORD, ["one-sided", "two-sided-long-edge"]),
            ("job-hold-until-supported", _KEYWORD, ["no-hold", "indefinite"]),
            ("job-retain-until-supported", _KEYWORD, ["none", "indefinite"]),
            ("job-sheets-supported", _KEYWORD, ["none", "standard"]),
        ]

    def _take(self, request: int, asked: dict[str, object], document: bytes) -> bytes | None:
        if self._happens(self._faults.busy):
            return _write(_BUSY, request, [])
        fault = next((name for name in ("power", "fewer", "abort") if self._happens(getattr(self._faults, name))), "")
        number = len(self.jobs) + 1
        pages = len(_PAGE.findall(document))
        self.jobs[number] = Sheets(
            number=number, name=str(asked.get("job-name", "")), pdf=document, pages=pages, fault=fault, wishes=asked
        )
        self._turn.notify_all()
        return None if self._happens(self._faults.unanswered) else self._tell(request, [self.jobs[number]])

    def _cancel(self, request: int, job: Sheets) -> bytes:
        if job.state >= _CANCELED:
            return _write(_NOT_POSSIBLE, request, [])
        job.state, job.reason = _CANCELED, "job-canceled-by-user"
        self._turn.notify_all()
        return _write(_OK, request, [])

    def _tell(self, request: int, jobs: list[Sheets]) -> bytes:
        groups: list[tuple[int, list[tuple[str, int, list[object]]]]] = []
        for job in jobs:
            told: list[tuple[str, int, list[object]]] = [
                ("job-id", _INTEGER, [job.number]),
                ("job-name", _NAME, [job.name]),
                ("job-state", _ENUM, [job.state]),
                ("job-state-reasons", _KEYWORD, [job.reason]),
            ]
            if self.counts:
                told.append(("job-impressions-completed", _INTEGER, [job.out]))
            groups.append((0x02, told))
        return _write(_OK, request, groups)


def _read(body: bytes) -> tuple[dict[str, object], bytes]:
    """The first value of each attribute, by name, and the document that follows."""
    place, found, name = 8, dict[str, object](), ""
    while (tag := body[place]) != 0x03:
        place += 1
        if tag < 0x10:
            continue
        length = struct.unpack_from(">H", body, place)[0]
        given, place = body[place + 2 : place + 2 + length].decode(), place + 2 + length
        length = struct.unpack_from(">H", body, place)[0]
        data, place = body[place + 2 : place + 2 + length], place + 2 + length
        name = given or name
        value: object = data.decode() if tag >= 0x40 else int.from_bytes(data, "big")
        found.setdefault(name, value)
    return found, body[place + 1 :]


def _write(status: int, request: int, groups: list[tuple[int, list[tuple[str, int, list[object]]]]]) -> bytes:
    def whole() -> Iterator[bytes]:
        yield b"\x02\x00" + struct.pack(">HI", status, request) + b"\x01"
        yield from _attribute("attributes-charset", 0x47, "utf-8")
        yield from _attribute("attributes-natural-language", 0x48, "fr")
        for group, attributes in groups:
            yield bytes((group,))
            for name, tag, values in attributes:
                for place, value in enumerate(values):
                    yield from _attribute(name if place == 0 else "", tag, value)
        yield b"\x03"

    return b"".join(whole())


def _attribute(name: str, tag: int, value: object) -> Iterator[bytes]:
    match value:
        case bool():
            data = bytes((value,))
        case int():
            data = struct.pack(">i", value)
        case bytes():
            data = value
        case _:
            data = str(value).encode()
    yield bytes((tag,)) + struct.pack(">H", len(name)) + name.encode() + struct.pack(">H", len(data)) + data
