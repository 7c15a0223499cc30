"""The label of one container: what stands on it, where, and what must never be cut."""

from dataclasses import dataclass
from datetime import datetime

from kiosk.register.patients import Patient, birth_date_words
from labels.numbering import in_fours
from labels.tubes import Tube
from printers.paper import LABEL_50X25, At, Barcode, Paper, Text

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


def sticker(
    tube: Tube,
    bearer: Bearer,
    *,
    planned: datetime,
    copy: int = 1,
    urgent: bool = False,
    sampler: str | None = None,
) -> Paper:
    """Lay out one label of 50 × 25 mm at 8 dots per millimetre.

    Args:
        tube: the numbered container.
        bearer: the patient's traits.
        planned: the site's wall-clock time when the label was made; the true hour is the scan's.
        copy: 1 for the first label, one more for each reprint; every copy carries the same bars.
        urgent: whether the prescription is.
        sampler: short code of the sampler, or None for a blank to fill.

    Raises:
        Unprintable: a name has signs that cannot be printed.

    Source: the design note on paper, section 5.2; CLSI AUTO02-A2 and AUTO12-A as known from their abstracts.
    """
    look = tube.look
    used = f" (ut. {bearer.used_name.upper()})" if bearer.used_name else ""
    made = f"{look.nature} · prévu {planned:%d/%m/%Y %H:%M} · prél. {sampler or '______'}"
    cells = [
        # The name may be cut with a visible ellipsis: at 18 dots its first 18 letters always fit.
        _cell((8, 4, 384, 32), bearer.birth_name.upper(), (30, 18), bold=True, may_cut=True),
        # What is cut first is the name in use, which stands last.
        _cell((8, 36, 264, 24), bearer.given_name + used, (22, 16), may_cut=True),
        _cell((8, 60, 264, 22), f"{bearer.born} {bearer.sex} N° {bearer.number}", (20, 15)),
        _cell((280, 36, 112, 30), look.words, (28, 18)),
        _cell((280, 86, 112, 30), tube.turn, (28, 18), bold=True),
        At(x=28, y=86, w=202, h=60, item=Barcode(digits=tube.sample_number, module_dots=2, height_dots=60)),
        _cell((8, 148, 264, 22), in_fours(tube.sample_number), (20, 16)),
        _cell((8, 172, 384, 22), made, (18, 13)),
    ]
    if look.cap:
        cells.append(_cell((280, 66, 112, 20), look.cap, (18, 13)))
    if urgent:
        cells.append(_cell((280, 118, 112, 28), "URGENT", (24, 24), inverse=True))
    if copy > 1:
        cells.append(_cell((280, 148, 112, 22), f"COPIE {copy}", (18, 18), inverse=True))
    return Paper(
        kind="label",
        form=LABEL_50X25,
        items=tuple(cells),
        key=f"label/{tube.sample_number}/{copy}",
        expires_s=EXPIRES_S,
        on_expiry="ask",
    )


def _cell(
    box: tuple[int, int, int, int], s: str, sizes: tuple[int, int], *, bold: bool = False, inverse: bool = False,
    may_cut: bool = False,
) -> At:  # fmt: skip
    """One line of text in its box (x, y, w, h), between its largest and its smallest size, all in dots."""
    x, y, w, h = box
    text = Text(
        s=s, size_max=sizes[0], size_min=sizes[1], bold=bold, inverse=inverse, may_cut=may_cut,
        align="center" if inverse else "start",
    )  # fmt: skip
    return At(x=x, y=y, w=w, h=h, item=text)
