"""The paper of an appointment: when to come, how to prepare, and a code that says nothing of the person."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kiosk.booking.appointments import EXPECTED, Appointment, NotExpectedAnyMore
from kiosk.formats.convocation import Convocation, write_convocation
from kiosk.register.clock import appointment_words, local
from kiosk.register.sites import Site
from printers.paper import ROLL_80, Cut, Feed, Form, Paper, Qr, Text

#: After two minutes the person has gone without it.
EXPIRES_S: Final = 2 * 60


class Preparation(StrEnum):
    """How to come; sentences of the house, never the caller's words nor an exam's name."""

    NONE = "none"
    FASTING = "fasting"
    URINE = "urine"
    BOTH = "both"


_FAST: Final = "Venez à jeun : ne mangez rien et ne buvez que de l'eau pendant les 12 heures d'avant."
_POT: Final = "Apportez les premières urines du matin dans le flacon du laboratoire."
SENTENCES: Final[Mapping[Preparation, tuple[str, ...]]] = MappingProxyType(
    {
        Preparation.NONE: (),
        Preparation.FASTING: (_FAST,),
        Preparation.URINE: (_POT,),
        Preparation.BOTH: (_FAST, _POT),
    }
)


def convocation(row: Appointment, site: Site, preparation: Preparation, *, form: Form, key: str) -> Paper:
    """Make the paper that a person takes home: neither name nor exam stands on it, whatever was booked.

    Args:
        row: an appointment that is still expected.
        site: where it is.
        preparation: what the secretary has chosen.
        form: the roll at the counter.
        key: of the form that asked; the same form prints once.

    Raises:
        NotExpectedAnyMore: it has come, was missed or cancelled.

    Source: the design notes on paper, section 1, and on screens, section 7 (the code is digits and capitals alone).
    """
    if row.state not in EXPECTED:
        raise NotExpectedAnyMore
    is_wide = form.width_mm >= ROLL_80.width_mm
    scale = form.dpmm / ROLL_80.dpmm * (1.0 if is_wide else 0.8)

    def line(s: str, size: int, *, bold: bool = False) -> Text:
        dots = round(size * scale)
        return Text(s=s, size_max=dots, size_min=dots * 4 // 5, bold=bold, align="center")

    items: list[Text | Qr | Feed | Cut] = [
        line(site.name, 30),
        Feed(dots=2 * form.dpmm),
        line("Votre rendez-vous", 32),
        line(appointment_words(site.timezone, row.start), 52, bold=True),
        Feed(dots=2 * form.dpmm),
    ]
    for sentence in SENTENCES[preparation]:
        items += [line(sentence, 32, bold=True), Feed(dots=form.dpmm)]
    scanned = Convocation(
        code=row.code,
        hour=local(site.timezone, row.start),
        fasting=preparation in {Preparation.FASTING, Preparation.BOTH},
    )
    module = (6 if is_wide else 4) * form.dpmm // ROLL_80.dpmm
    items += [
        line("À votre arrivée, présentez ce code à la borne :", 28),
        Qr(data=write_convocation(scanned), module_dots=module),
        line(f"{row.code[:3]} {row.code[3:]}", 44, bold=True),
        Feed(dots=3 * form.dpmm),
        Cut(),
    ]
    return Paper(
        kind="convocation",
        form=form,
        items=tuple(items),
        key=f"convocation/{row.id}/{key}",
        expires_s=EXPIRES_S,
        on_expiry="void",
    )
