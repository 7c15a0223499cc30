"""The paper that is signed by whoever takes a sealed envelope for somebody else; the laboratory keeps it."""

from typing import Final
from uuid import UUID

from printers.paper import ROLL_80, Cut, Feed, Form, Paper, Text

#: A receipt that has not come out within the hour is asked for again by hand.
_EXPIRES_S: Final = 60 * 60
_LINES: Final = ("Nom et prénom :", "Date et heure :", "Signature :")


def receipt_paper(hand_over_id: UUID, *, number: int, day: str, form: Form) -> Paper:
    """Make the receipt of one envelope: what was received and for which ticket; no name, exam or reason is on it.

    Args:
        hand_over_id: which hand-over; asked again, it is the same paper.
        number: the visit's ticket number.
        day: the visit's day, in the site's words.
        form: the roll at the counter.
    """
    dots = form.dpmm / ROLL_80.dpmm

    def line(words: str, size: int, *, bold: bool = False) -> Text:
        return Text(s=words, size_max=round(size * dots), size_min=round(20 * dots), bold=bold)

    blanks: list[Text | Feed] = []
    for words in _LINES:
        blanks += [line(words, 26), Feed(dots=14 * form.dpmm)]
    return Paper(
        kind="receipt", form=form, key=f"receipt/{hand_over_id}/1", expires_s=_EXPIRES_S, on_expiry="void",
        items=(
            line("Reçu un pli fermé", 34, bold=True), line(f"Passage {number} du {day}", 28), Feed(dots=5 * form.dpmm),
            *blanks, Cut(),
        ),
    )  # fmt: skip
