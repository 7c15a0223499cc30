"""The connection to one printer: what it is asked, and what its answers mean."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from printers import encode, zpl
from printers.errors import NotUnderstood, PaperOut, Unreachable
from printers.settings import Printer
from printers.station.devices import Device, connect
from printers.station.replies import ProcessId, Readiness, Replies, Reply, Status, Told, near_end, readiness
from printers.station.zebra import HostLines, host_readiness


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long the station waits, in seconds."""

    answer: float = 3.0  #: for one status answer
    proof: float = 5.0  #: for the process ID of a label
    roll: float = 3.0  #: the same for a roll, plus its length at 50 mm/s
    page: float = 10.0  #: for each page of an office printer, beside `warm`
    warm: float = 60.0  #: an office printer that slept
    grace: float = 10.0  #: for a job that was taken back to say how far it came
    glance: float = 0.5  #: between two looks at a job that an office printer prints
    slow: float = 10.0  #: bytes not taken for so long make a job unsure, while they are still pushed
    end: float = 120.0  #: bytes not taken for so long end the connection
    poll: float = 5.0  #: between two looks at an idle printer
    blocked: float = 1.0  #: the same while papers wait
    sort: float = 0.2  #: between two looks through the whole queue for what is too late
    look: float = 0.1  #: between two looks at an empty queue
    idle: float = 240.0  #: an idle connection is closed before the printer cuts it
    reopen: float = 0.2  #: printers want a pause between two connections
    give_up: float = 10.0  #: held so long, what was never sent goes to the fallback printer of the same desk
    beat: float = 5.0  #: the station says that it is alive
    back_off: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0)  #: after a failure before the first byte


class Link:
    """An owner's way to one printer, opened when it is needed; `heard` is given every process ID that arrives."""

    def __init__(
        self,
        printer: Printer,
        *,
        heard: Callable[[bytes], object],
        timing: Timing,
        open_device: Callable[[str], Device] = connect,
    ) -> None:
        self.printer = printer
        self.used = 0.0  #: when it was last opened or written to, monotonic
        self.opened = 0  #: how often it was opened: another time it may be another printer
        self.near_end = False
        self._heard = heard
        self._timing = timing
        self._open_device = open_device
        self._device: Device | None = None
        self._replies = Replies()

    @property
    def _is_zebra(self) -> bool:
        return self.printer.kind == "zpl"

    def compiled(self, image: Image.Image, *, cut: bool = True, compressed: bool = False) -> bytes:
        """A proved picture in the printer's language; `compressed` only where a pairing proved that it unpacks."""
        if self._is_zebra:
            return zpl.zpl(image, self.printer.media, compressed=compressed)
        return encode.escpos(image, self.printer.media, cut=cut)

    def lead_out(self) -> bytes:
        """What brings the printer back to commands after a stream that was cut in the middle."""
        return zpl.LEAD_OUT if self._is_zebra else encode.resynchronise(self.printer.media)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._device is not None

    def connect(self) -> None:
        """Open the connection if there is none, after the pause that printers want; raise `Unreachable`."""
        if self._device is None:
            wait = self.used + self._timing.reopen - time.monotonic()
            if wait > 0:
                time.sleep(min(wait, self._timing.reopen))
            self._device = self._open_device(self.printer.address)
            self._replies = HostLines() if self._is_zebra else Replies()
            self.used = time.monotonic()
            self.opened += 1

    def hang_up(self) -> None:
        """Close the connection."""
        if self._device is not None:
            self._device.close()
            self._device = None
            self.used = time.monotonic()

    def write(self, data: bytes, *, slow: Callable[[], None] | None = None) -> None:
        """Hand over bytes in one write, or raise `Broken`; `slow` is called when they are not taken in time."""
        if self._device is None:
            raise Unreachable("not connected")
        slow_s, end_s = self._timing.slow, self._timing.end
        if slow is None:
            slow_s = end_s = self._timing.answer
        self._device.write(data, slow_s=slow_s, end_s=end_s, slow=slow or (lambda: None))
        self.used = time.monotonic()

    def receive(self, timeout_s: float) -> list[Reply]:
        """What the printer said, understood; nothing if it was silent for so long."""
        if self._device is None:
            raise Unreachable("not connected")
        return self._replies.feed(self._device.read(timeout_s))

    def listen(self) -> None:
        """Hear what came by itself: a late ID proves an unsure paper, everything else changes nothing."""
        try:
            while self._device is not None and self.hear(0):
                pass
        except Unreachable:
            self.hang_up()

    def hear(self, timeout_s: float) -> bool:
        """Wait for anything, take its process IDs, and say whether something came."""
        replies = self.receive(timeout_s)
        self._hear(replies)
        return bool(replies)

    def _hear(self, replies: list[Reply]) -> None:
        for reply in replies:
            if isinstance(reply, ProcessId):
                self._heard(reply.pid)

    def state(self) -> Readiness:
        """Ask for the printer's state; raise `PaperOut` on silence, `NotUnderstood` on nonsense."""
        if self._is_zebra:
            return self._host_state()
        answers: list[int] = []
        for request in encode.STATUS_REQUESTS:
            self.listen()  # a byte that came before the question is no answer to it
            self.write(request)
            answers.append(self._one_status())
        one, two, three, four = answers
        self.near_end = near_end((one, two, three, four))
        return readiness((one, two, three, four))

    def _host_state(self) -> Readiness:
        """A Zebra's three lines; out of media or open it says nothing at all."""
        self.listen()
        self.write(zpl.ASK_STATE)
        end = time.monotonic() + self._timing.answer
        heard, lines = self._replies.noise, list[str]()
        while len(lines) < 3 and (left := end - time.monotonic()) > 0:
            lines += [reply.text for reply in self.receive(left) if isinstance(reply, Told)]
        if not lines and self._replies.noise == heard:
            raise PaperOut("no answer")
        return host_readiness(lines)

    def _one_status(self) -> int:
        end = time.monotonic() + self._timing.answer
        heard = self._replies.noise
        while (left := end - time.monotonic()) > 0:
            replies = self.receive(left)
            self._hear(replies)
            if self._replies.noise > heard:
                # Some other service's words hold letters that look like a status: they are none.
                raise NotUnderstood("an answer that is no status")
            for reply in replies:
                if isinstance(reply, Status):
                    return reply.byte
        raise PaperOut("no answer")

    def model(self) -> str:
        """The printer's model, "" if it does not say."""
        return self.told(zpl.ASK_MODEL).partition(",")[0] if self._is_zebra else self.told(encode.ASK_MODEL)

    def firmware(self) -> str:
        """The printer's firmware, "" if it does not say."""
        if self._is_zebra:  # ~HI: model, firmware, dots per millimetre, memory
            return [*self.told(zpl.ASK_MODEL).split(","), ""][1]
        return self.told(encode.ASK_FIRMWARE)

    def head(self) -> int:
        """The dots per millimetre of the printer's head, 0 if it does not say: only a Zebra does."""
        told = [*self.told(zpl.ASK_MODEL).split(","), "", ""][2] if self._is_zebra else ""
        return int(told) if told.isdecimal() else 0

    def told(self, question: bytes) -> str:
        """The printer's answer about itself, such as its model; "" if it gives none."""
        self.listen()
        self._replies.expects_text = True
        try:
            self.write(question)
            end = time.monotonic() + self._timing.answer
            while (left := end - time.monotonic()) > 0:
                replies = self.receive(left)
                self._hear(replies)
                for reply in replies:
                    if isinstance(reply, Told):
                        return reply.text
        finally:
            self._replies.expects_text = False
        return ""
