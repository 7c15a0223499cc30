"""A report as the sheets of one envelope: what is confidential has the same number of sheets, whatever it says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.patients import Patient, birth_date_words
from printers.draw import LONGEST, lay_out
from printers.paper import ROLL_80, Cut, Feed, Form, Item, Paper, Text
from results.hl7v2.reader import Message
from results.reports.assemble import Report, assemble
from results.reports.pages import Head, Signed, lay_out_pages
from results.reports.words import write_report
from results.vault.envelopes import Body, BodyKind
from results.vault.sealing import DoesNotOpen

#: After two minutes a printed result belongs to nobody at the counter.
EXPIRES_S: Final = 2 * 60
#: Columns of the 80 mm roll at the size of a report's text; a narrower roll has fewer.
COLUMNS: Final = 42
#: Length of one sheet of a confidential envelope, in millimetres of roll.
SHEET_MM: Final = 180
#: Sheets in each envelope of a class; a report that needs more takes twice as many, so often as it must.
SHEETS: Final = {ReleaseClass.C2: 2, ReleaseClass.C3: 2, ReleaseClass.C4: 2, ReleaseClass.C5: 2}
_BLANK: Final = "Cette feuille reste blanche, comme dans chaque pli."
#: Most white dots in one piece.
_FEED: Final = 2400

Part = Text | Feed
REPORT: Final = "report"  #: the kind of paper that a report is


@dataclass(frozen=True, kw_only=True, repr=False)
class SignedBody:
    """What was opened, the full name of the biologist who signed it, and when, as it is written."""

    body: Body
    by: str
    on: str = ""


def report_papers(
    key: str, patient: Patient, bodies: Sequence[SignedBody], *, release_class: ReleaseClass, form: Form,
    laboratory: str = "", address: Sequence[str] = (),
) -> tuple[Paper, ...]:  # fmt: skip
    """Lay out what was just released: secret papers, printed once, forgotten when they are in the spool.

    Args:
        key: of the envelope: each sheet is a job of its own, `<key>/<number>`, and proves itself.
        patient: whose name stands on top.
        bodies: each with who signed it.
        release_class: the route's class; from C2 on the number and the length of sheets are the class's.
        form: the roll at the counter, or A4: then the envelope is one job of several pages.
        laboratory: its name, above an A4 report.
        address: lines of an A4 letter that show through the window; on a roll there are none.

    Raises:
        DoesNotOpen: a body that is no message.
    """
    if form.has_pages:
        least = SHEETS.get(release_class, 0)
        signed = [Signed(report=_report(one.body), by=one.by, on=one.on) for one in bodies]
        items = lay_out_pages(_heading(patient, laboratory), signed, least=least, address=address)
        return (_secret(f"{key}/1", form, items),)
    parts = [*_head(patient, form)]
    for one in bodies:
        parts += _body(one.body, one.by, form)
    if release_class >= ReleaseClass.C2:
        return _fixed(key, _pages(parts, form), SHEETS[release_class], form)
    pages = [parts] if sum(_height(one, form) for one in parts) <= LONGEST - _margin(form) else _pages(parts, form)
    return tuple(_paper(key, number, page, form) for number, page in enumerate(pages, start=1))


def _fixed(key: str, pages: list[list[Part]], least: int, form: Form) -> tuple[Paper, ...]:
    count = least
    while count < len(pages):
        count *= 2
    papers = []
    for number in range(1, count + 1):
        page = pages[number - 1] if number <= len(pages) else [_line(form, _BLANK, 26, 20)]
        foot = _line(form, f"Feuille {number} sur {count}", 22, 18)
        left = SHEET_MM * form.dpmm - sum(_height(one, form) for one in (*page, foot))
        papers.append(_paper(key, number, [*page, *_white(left), foot], form))
    return tuple(papers)


def _pages(parts: list[Part], form: Form) -> list[list[Part]]:
    """Part a report into sheets, the foot's place left free."""
    room = SHEET_MM * form.dpmm - _height(_line(form, "Feuille 10 sur 16", 22, 18), form) - form.dpmm
    pages: list[list[Part]] = [[]]
    used = 0
    for part in parts:
        height = _height(part, form)
        if pages[-1] and used + height > room:
            pages.append([])
            used = 0
        pages[-1].append(part)
        used += height
    return pages


def _paper(key: str, number: int, page: Sequence[Part], form: Form) -> Paper:
    return _secret(f"{key}/{number}", form, (*page, Feed(dots=5 * form.dpmm), Cut()))


def _secret(key: str, form: Form, items: tuple[Item, ...]) -> Paper:
    return Paper(kind=REPORT, form=form, items=items, key=key, expires_s=EXPIRES_S, on_expiry="void", secret=True)


def _heading(patient: Patient, laboratory: str) -> Head:
    identity = [f"né(e) le {birth_date_words(patient.birth_date)}"]
    identity += [f"nom utilisé : {patient.used_name}"] if patient.used_name else []
    identity += [f"patient n° {patient.number}"] if patient.number else []
    name = f"{patient.birth_name.upper()} {patient.given_names}"
    return Head(laboratory=laboratory, name=name, identity=tuple(identity))


def _head(patient: Patient, form: Form) -> Iterator[Part]:
    yield _line(form, f"{patient.birth_name.upper()} {patient.given_names}", 32, 24, bold=True)
    yield _line(form, f"né(e) le {birth_date_words(patient.birth_date)}", 26, 22)
    yield Feed(dots=2 * form.dpmm)


def _body(body: Body, biologist: str, form: Form) -> Iterator[Part]:
    columns = COLUMNS * form.width_mm // ROLL_80.width_mm
    words = write_report(_report(body), biologist=biologist, width=columns)
    for written in words.split("\n"):
        # A sign that no printer writes becomes a blank.
        clean = "".join(sign if sign.isprintable() else " " for sign in written)
        yield _line(form, clean, 26, 20) if clean.strip() else Feed(dots=form.dpmm * 3 // 2)
    yield Feed(dots=3 * form.dpmm)


def _report(body: Body) -> Report:
    if body.kind is not BodyKind.MESSAGE:
        raise DoesNotOpen
    return assemble([Message.read(body.content)])


def _line(form: Form, words: str, largest: int, smallest: int, *, bold: bool = False) -> Text:
    """A line in the dots of the roll's head; its tables are in eighths of a millimetre."""
    dots = form.dpmm / ROLL_80.dpmm
    return Text(s=words, size_max=round(largest * dots), size_min=round(smallest * dots), bold=bold)


def _height(part: Part, form: Form) -> int:
    if isinstance(part, Feed):
        return part.dots
    return lay_out(Paper(kind="report", form=form, items=(part,), key="height")).image.height


def _white(dots: int) -> Iterator[Feed]:
    while dots > 0:
        yield Feed(dots=min(dots, _FEED))
        dots -= _FEED


def _margin(form: Form) -> int:
    return 5 * form.dpmm
