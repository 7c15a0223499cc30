"""What to answer to a sender, in the original and in the enhanced mode."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from results.hl7v2.reader import Message
from results.hl7v2.writer import write


class Fate(StrEnum):
    """What became of a message, as far as its sender needs to know."""

    #: Stored: filed, held, or known already.
    KEPT = "kept"
    #: The store was away; the sender repeats.
    LATER = "later"
    #: It will never be taken as it is.
    REFUSED = "refused"


class Mode(StrEnum):
    """How a connection is answered."""

    #: As the header asks.
    AUTO = "auto"
    #: One answer: AA, AE or AR.
    ORIGINAL = "original"
    #: A commit answer, then an application answer, each as the header asks.
    ENHANCED = "enhanced"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One acknowledgement; it never speaks of a patient."""

    #: AA, AE, AR, CA, CE or CR.
    code: str
    #: Code of table 0357, 0 when all is well.
    error: int
    #: A word for the sender's list.
    text: str


_LETTERS = {Fate.KEPT: "A", Fate.LATER: "E", Fate.REFUSED: "R"}
_WISHES = frozenset({"AL", "NE", "ER", "SU"})


def answers(message: Message, fate: Fate, *, error: int = 0, text: str = "", mode: Mode = Mode.AUTO) -> list[Answer]:
    """Choose what is sent back once the message is committed.

    Args:
        message: what came; MSH-15 and MSH-16 say which answers are wanted.
        fate: what became of it.
        error: code of table 0357.
        text: the reason, without any word of a patient.
        mode: the connection's setting.

    Returns:
        The answers in their order; none when the sender wants none.
    """
    letter = _LETTERS[fate]
    commit, application = (message["MSH"][number].code.upper() for number in (15, 16))
    said = bool({commit, application} & _WISHES)
    if mode is Mode.ORIGINAL or (mode is Mode.AUTO and not said):
        return [Answer(code="A" + letter, error=error, text=text)]
    if not said:
        commit = application = "AL"
    found = [Answer(code="C" + letter, error=error, text=text)] if _is_wanted(commit, fate) else []
    if _is_wanted(application, fate) and (fate is Fate.KEPT or not found):
        found.append(Answer(code="A" + letter, error=error, text=text))
    return found


def write_answer(message: Message, answer: Answer, *, control: str, at: datetime) -> bytes:
    """Write one acknowledgement.

    Args:
        message: what is answered; sender and receiver change places, version and type are its own.
        answer: what to say.
        control: our own MSH-10, at most 20 characters.
        at: the instant, aware.
    """
    header = message["MSH"]
    tree = [field[0] for field in header.tree()] + [(("",),)] * 13
    sender, facility, receiver, house, mode, version = (tree[number] for number in (3, 4, 5, 6, 11, 12))
    event = header[9].comp(2)
    kind = ("ACK", event, "ACK") if event else ("ACK",)
    moment = at.strftime("%Y%m%d%H%M%S%z")
    first = ("MSH", receiver, house, sender, facility, moment, "", kind, control, mode, version)
    segments = [
        (*first, "", "", "", "", "", "UNICODE UTF-8"),
        ("MSA", answer.code, header[10].text),
    ]
    if answer.error:
        segments.append(("ERR", "", "", str(answer.error), "E", "", "", "", answer.text))
    return write(segments)


def _is_wanted(wish: str, fate: Fate) -> bool:
    good = fate is Fate.KEPT
    return wish == "AL" or (wish == "ER" and not good) or (wish == "SU" and good)
