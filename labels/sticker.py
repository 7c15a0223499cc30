"""The label of one container: what stands on it, and what must never be cut."""

from dataclasses import dataclass
from datetime import datetime

from kiosk.register.patients import Patient, birth_date_words
from labels.layouts import Cell, layout
from labels.numbering import in_fours
from labels.tubes import Tube
from printers.draw import check_signs
from printers.paper import At, Barcode, Form, Paper, Text

#: After this long a label that has not come out waits for a person: yesterday's must not come out this morning.
EXPIRES_S = 15 * 60


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """Who stands on a label (public health code, art. D6211-2); never a social-security number."""

    birth_name: str
    #: The first given name.
    given_name: str
    #: Name in use, where it differs from the birth name.
    used_name: str | None
    #: As written on the label: `29/02/1964`.
    born: str
    sex: str
    #: The laboratory's own patient number.
    number: int


def bearer_of(patient: Patient) -> Bearer:
    """Take from a patient's file what a label carries."""
    return Bearer(
        birth_name=patient.birth_name,
        given_name=patient.given_names.split(",")[0].strip(),
        used_name=patient.used_name,
        born=birth_date_words(patient.birth_date),
        sex=patient.sex.value,
        number=patient.number,
    )


def check_names(bearer: Bearer) -> None:
    """Raise `Unprintable` when a name has a sign that no font of the house has: no box is ever printed for a letter."""
    for name in (bearer.birth_name.upper(), bearer.given_name, (bearer.used_name or "").upper()):
        if name:
            check_signs(Text(s=name, size_max=18, size_min=18))


def sticker(
    tube: Tube,
    bearer: Bearer,
    *,
    planned: datetime,
    form: Form,
    copy: int = 1,
    urgent: bool = False,
    sampler: str | None = None,
) -> Paper:
    """Lay out one label on the medium of its printer.

    Args:
        tube: the numbered container.
        bearer: the patient's traits.
        planned: the site's wall-clock time when the label was made; the true hour is the scan's.
        form: the medium, one of those that `layouts` has a table for.
        copy: 1 for the first label, one more for each reprint; every copy carries the same bars.
        urgent: whether the prescription is.
        sampler: short code of the sampler, or None for a blank to fill.

    Raises:
        NoLayout: no label is drawn for this medium.
        Unprintable: a name has signs that cannot be printed.

    Source: the design note on paper, section 5.2; CLSI AUTO02-A2 and AUTO12-A as known from their abstracts.
    """
    place, look = layout(form), tube.look
    used = f" (ut. {bearer.used_name.upper()})" if bearer.used_name else ""
    made = f"{look.nature} · prévu {planned:%d/%m/%Y %H:%M} · prél. {sampler or '______'}"
    bars = Barcode(digits=tube.sample_number, module_dots=place.module, height_dots=place.bars.h)
    cells = [
        # The name may be cut with a visible ellipsis: at its smallest size its first 18 letters always fit.
        _written(place.birth_name, bearer.birth_name.upper(), bold=True, may_cut=True),
        # What is cut first is the name in use, which stands last.
        _written(place.given_name, bearer.given_name + used, may_cut=True),
        _written(place.traits, f"{bearer.born} {bearer.sex} N° {bearer.number}"),
        _written(place.container, look.words),
        _written(place.turn, tube.turn, bold=True),
        At(x=place.bars.x, y=place.bars.y, w=place.bars.w, h=place.bars.h, item=bars),
        _written(place.digits, in_fours(tube.sample_number)),
        _written(place.draw, made),
    ]
    if look.cap:
        cells.append(_written(place.cap, look.cap))
    if urgent:
        cells.append(_written(place.urgent, "URGENT", inverse=True))
    if copy > 1:
        cells.append(_written(place.copy, f"COPIE {copy}", inverse=True))
    return Paper(
        kind="label",
        form=form,
        items=tuple(cells),
        key=f"label/{tube.sample_number}/{copy}",
        expires_s=EXPIRES_S,
        on_expiry="ask",
    )


def _written(place: Cell, s: str, *, bold: bool = False, inverse: bool = False, may_cut: bool = False) -> At:
    """One line of text in its cell, between its largest and its smallest size."""
    text = Text(
        s=s, size_max=place.largest, size_min=place.smallest, bold=bold, inverse=inverse, may_cut=may_cut,
        align="center" if inverse else "start",
    )  # fmt: skip
    return At(x=place.x, y=place.y, w=place.w, h=place.h, item=text)
