"""What an office printer is asked and told (RFC 8011), and what its words mean in ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from printers.errors import NotUnderstood, Refused
from printers.office.ipp import Answer, Attribute, Group, Operation, Tag, Value, read_answer, write_request
from printers.office.wire import Wire

PDF = "application/pdf"
_USER = "poste"  #: who prints, for everybody who reads the printer's list of jobs
#: What is asked of each job, where the printer offers it: whole sheets of A4, once, as drawn, neither held nor kept.
_WISHES: tuple[Attribute, ...] = (
    ("copies", Tag.INTEGER, (1,)),
    ("sides", Tag.KEYWORD, ("one-sided",)),
    ("media", Tag.KEYWORD, ("iso_a4_210x297mm",)),
    ("print-color-mode", Tag.KEYWORD, ("monochrome",)),
    ("print-scaling", Tag.KEYWORD, ("none",)),
    ("job-sheets", Tag.KEYWORD, ("none",)),
    ("job-hold-until", Tag.KEYWORD, ("no-hold",)),
    ("job-retain-until", Tag.KEYWORD, ("none",)),
)
_OF_PRINTER = (
    "printer-state", "printer-state-reasons", "printer-is-accepting-jobs", "printer-make-and-model",
    "printer-firmware-string-version", "document-format-supported",
    *(f"{name}-supported" for name, _, _ in _WISHES),
)  # fmt: skip
_OF_JOB = (
    "job-id", "job-name", "job-state", "job-state-reasons", "job-impressions-completed", "job-media-sheets-completed",
)  # fmt: skip
#: Reasons that stop a sheet (RFC 8011, 5.4.12; PWG 5100.9), in the order in which a person can lift them.
_STOPS = (
    ("media-jam", "jam"),
    ("door-open", "cover-open"),
    ("cover-open", "cover-open"),
    ("interlock-open", "cover-open"),
    ("media-empty", "paper-out"),
    ("media-needed", "paper-out"),
    ("input-tray-missing", "paper-out"),
    ("toner-empty", "toner-out"),
    ("marker-supply-empty", "toner-out"),
    ("output-area-full", "tray-full"),
    ("fuser-over-temp", "temperature"),
    ("spool-area-full", "busy"),
    ("paused", "paused"),
    ("moving-to-paused", "paused"),
    ("shutdown", "offline"),
)
_WARNINGS = (("media-low", "near-end"), ("toner-low", "toner-low"), ("marker-supply-low", "toner-low"))
#: Answers to Print-Job that say that no job was made (RFC 8011, appendix B); any other leaves it open.
_NO_JOB = frozenset({*range(0x0400, 0x0404), *range(0x0408, 0x0410), 0x0501, 0x0502, 0x0503, 0x0505, 0x0506, 0x0507})
_NOT_FOUND = frozenset({0x0406, 0x0407})


class PrinterWord(IntEnum):
    """The states of a printer (RFC 8011, 5.4.11)."""

    IDLE = 3
    PROCESSING = 4
    STOPPED = 5


class JobWord(IntEnum):
    """The states of a job at the printer (RFC 8011, 5.3.7)."""

    PENDING = 3
    HELD = 4
    PROCESSING = 5
    STOPPED = 6
    CANCELED = 7
    ABORTED = 8
    COMPLETED = 9


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An office printer as it told of itself: what it waits for, what it soon needs, its model, what it offers.

    `hint` is the same as `cause`, and else what it only warns of: the likely reason why a page does not come.
    """

    cause: str = ""
    hint: str = ""
    is_printing: bool = False
    warning: str = ""
    model: str = ""
    firmware: str = ""
    wishes: tuple[Attribute, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job is at the printer: its number, state and reasons, and the pages that it says are out."""

    number: int
    state: JobWord
    reasons: frozenset[str]
    pages: int | None

    @property
    def is_over(self) -> bool:
        """Nothing more of it comes out."""
        return self.state >= JobWord.CANCELED

    def is_out(self, pages: int) -> bool:
        """Whether all pages are on paper: completed without a fault, and counted."""
        whole = self.state is JobWord.COMPLETED and "job-completed-with-errors" not in self.reasons
        return whole and self.pages == pages

    @property
    def doubt(self) -> str:
        """Why a person must look at a job that is over and not proved."""
        if self.state is JobWord.COMPLETED:
            return "no proof" if self.pages is None else "fewer pages"
        return "cancelled" if self.state is JobWord.CANCELED else "aborted"


class Talk:
    """One office printer: every call is one question, none says anything of who is on the paper."""

    def __init__(self, address: str, fingerprint: str, *, answer_s: float) -> None:
        self._address = address
        self._fingerprint = fingerprint
        self._answer_s = answer_s
        self._asked = 0

    def look(self) -> Seen:
        """The printer's state and abilities."""
        told = self._answered(Operation.GET_PRINTER_ATTRIBUTES, _wanted(_OF_PRINTER)).one(Group.PRINTER)
        return _read_printer(told)

    def validate(self, name: str, seen: Seen) -> None:
        """Ask whether it would take a job of this name; raise `Refused` if not, without a byte of it."""
        self._answered(Operation.VALIDATE_JOB, self._job(name), seen.wishes)

    def open(self) -> Wire:
        """A connection over which a document may leave."""
        return Wire(self._address, self._fingerprint, answer_s=self._answer_s)

    def send(self, wire: Wire, name: str, seen: Seen, document: bytes, *, end_s: float) -> int:
        """Hand over a job whole and get its number at the printer.

        Args:
            wire: opened before the job was written down as being sent.
            name: of the job, neutral and never the same twice.
            end_s: how long it may take the last byte to be answered.

        Raises:
            Broken: some bytes left, or none: it says how many.
            Refused: no job was made.
            Unreachable, NotUnderstood: nobody knows.
        """
        question = self._question(Operation.PRINT_JOB, self._job(name), seen.wishes)
        answer = read_answer(wire.ask(question, document, answer_s=end_s))
        if answer.status in _NO_JOB:
            raise Refused(f"the printer answers {answer.status:#06x}")
        number = answer.one(Group.JOB).get("job-id", ())
        if answer.status >= 0x0100 or len(number) != 1 or type(number[0]) is not int:
            raise NotUnderstood(f"the printer answers {answer.status:#06x}")
        return number[0]

    def progress(self, name: str, number: int | None) -> Progress | None:
        """How far a job is, found by its name alone where its number was never told; None if the printer forgot it."""
        if number is not None:
            answer = self._asks(Operation.GET_JOB_ATTRIBUTES, [_number(number), *_wanted(_OF_JOB)])
            if answer.status in _NOT_FOUND:
                return None
            return _read_job(_right(answer).one(Group.JOB))
        found = [job for which in ("not-completed", "completed") for job in self._jobs(which) if job[0] == name]
        return found[0][1] if found else None

    def cancel(self, number: int) -> None:
        """Take a job back; one that is over stays as it is."""
        self._asks(Operation.CANCEL_JOB, [_number(number)])

    def left_over(self, prefix: str) -> list[int]:
        """The numbers of the jobs with such names that are not over."""
        return [job.number for name, job in self._jobs("not-completed") if name.startswith(prefix)]

    def _jobs(self, which: str) -> list[tuple[str, Progress]]:
        wanted: list[Attribute] = [("which-jobs", Tag.KEYWORD, (which,)), *_wanted(_OF_JOB)]
        told = self._answered(Operation.GET_JOBS, wanted).all(Group.JOB)
        return [(str((*job.get("job-name", ()), "")[0]), _read_job(job)) for job in told]

    def _job(self, name: str) -> list[Attribute]:
        return [
            ("job-name", Tag.NAME, (name,)),
            ("ipp-attribute-fidelity", Tag.BOOLEAN, (True,)),
            ("document-format", Tag.MIME_TYPE, (PDF,)),
        ]

    def _question(
        self, operation: Operation, attributes: Sequence[Attribute], wishes: Sequence[Attribute] = ()
    ) -> bytes:
        self._asked += 1
        # Some attributes have their place: charset, language, the printer, then the job's number (RFC 8011, 4.1.5).
        first: list[Attribute] = [
            ("attributes-charset", Tag.CHARSET, ("utf-8",)),
            ("attributes-natural-language", Tag.LANGUAGE, ("fr",)),
            ("printer-uri", Tag.URI, (self._address,)),
        ]
        numbers = [one for one in attributes if one[0] == "job-id"]
        rest = [one for one in attributes if one[0] != "job-id"]
        operation_group = [*first, *numbers, ("requesting-user-name", Tag.NAME, (_USER,)), *rest]
        groups: list[tuple[Group, Sequence[Attribute]]] = [(Group.OPERATION, operation_group)]
        return write_request(operation, self._asked, [*groups, *([(Group.JOB, wishes)] if wishes else [])])

    def _asks(self, operation: Operation, attributes: Sequence[Attribute], wishes: Sequence[Attribute] = ()) -> Answer:
        answer = read_answer(self.open().ask(self._question(operation, attributes, wishes)))
        if answer.request != self._asked:
            raise NotUnderstood("an answer to another question")
        return answer

    def _answered(
        self, operation: Operation, attributes: Sequence[Attribute], wishes: Sequence[Attribute] = ()
    ) -> Answer:
        return _right(self._asks(operation, attributes, wishes))


def _right(answer: Answer) -> Answer:
    if answer.status >= 0x0100:
        raise Refused(f"the printer answers {answer.status:#06x}")
    return answer


def _number(number: int) -> Attribute:
    return "job-id", Tag.INTEGER, (number,)


def _wanted(names: Sequence[str]) -> list[Attribute]:
    return [("requested-attributes", Tag.KEYWORD, tuple(names))]


def _read_printer(told: Mapping[str, tuple[Value, ...]]) -> Seen:
    try:
        state = PrinterWord(int((*told.get("printer-state", ()), 0)[0]))
    except ValueError as fault:
        raise NotUnderstood("a printer without a state") from fault
    reasons = [str(reason) for reason in told.get("printer-state-reasons", ())]
    formats, media = told.get("document-format-supported", ()), told.get("media-supported", ())
    takes = PDF in formats and "iso_a4_210x297mm" in media
    accepts = told.get("printer-is-accepting-jobs") != (False,)
    wishes = tuple(wish for wish in _WISHES if _offers(told.get(f"{wish[0]}-supported", ()), wish))
    return Seen(
        cause=_cause(state, reasons, accepts=accepts) if takes else "refused",
        hint=_cause(PrinterWord.STOPPED, reasons, accepts=accepts) if reasons not in ([], ["none"]) else "",
        is_printing=state is PrinterWord.PROCESSING,
        warning=next((ours for theirs, ours in _WARNINGS for reason in reasons if reason.startswith(theirs)), ""),
        model=str((*told.get("printer-make-and-model", ()), "")[0]),
        firmware=str((*told.get("printer-firmware-string-version", ()), "")[0]),
        wishes=wishes,
    )


def _offers(supported: Sequence[Value], wish: Attribute) -> bool:
    # `copies` is told as a range, which comes as bytes.
    return wish[2][0] in supported or (wish[1] is Tag.INTEGER and bool(supported))


def _cause(state: PrinterWord, reasons: Sequence[str], *, accepts: bool) -> str:
    """What the printer waits for; a warning of one tray stops nothing while another one feeds."""
    for theirs, ours in _STOPS:
        for reason in reasons:
            grave = not reason.endswith(("-warning", "-report"))
            if (reason == theirs or reason.startswith(f"{theirs}-")) and (grave or state is PrinterWord.STOPPED):
                return ours
    if state is PrinterWord.STOPPED:
        return "error"
    return "" if accepts else "offline"


def _read_job(told: Mapping[str, tuple[Value, ...]]) -> Progress:
    try:
        state, number = JobWord(int(told["job-state"][0])), int(told["job-id"][0])
    except (KeyError, IndexError, ValueError) as fault:
        raise NotUnderstood("a job without number or state") from fault
    counted = [*told.get("job-impressions-completed", ()), *told.get("job-media-sheets-completed", ())]
    reasons = frozenset(str(reason) for reason in told.get("job-state-reasons", ()))
    return Progress(
        number=number, state=state, reasons=reasons, pages=next((one for one in counted if type(one) is int), None)
    )
