"""The evening's ticket: what both journals are, as a square code each, to be signed by hand and filed."""

from collections.abc import Sequence
from datetime import date

from kiosk.formats.merkle import letters_of, paper_words
from kiosk.formats.scanned_note import squeeze
from printers.paper import ROLL_80, Cut, Feed, Form, Paper, Qr, Text
from results.keeping.notes import SIDES, Note

#: A roll that is empty in the evening is changed in the morning.
EXPIRES_S = 24 * 60 * 60


def note_paper(
    notes: Sequence[Note], *, site_name: str, when: str, key: str, form: Form, missed: date | None = None
) -> Paper:
    """Make the ticket: nothing of any patient stands on it.

    Args:
        notes: one for each journal.
        site_name: the laboratory, since the paper is filed with those of others.
        when: day and hour in the site's words.
        key: names the job in the spool: one paper an evening.
        form: a roll; sizes follow its width.
        missed: the evening that it is for, where the machine was off then.

    Source: the design note on release, section 13.
    """
    scale = form.width / ROLL_80.width

    def line(s: str, size: int, *, bold: bool = False) -> Text:
        dots = round(size * scale)
        return Text(s=s, size_max=dots, size_min=max(2 * form.dpmm, dots * 3 // 4), bold=bold, align="center")

    items: list[Text | Qr | Feed | Cut] = [
        line("NOTE DES JOURNAUX", 36, bold=True),
        line(site_name, 26),
        line(when, 30),
    ]
    if missed is not None:
        items += [
            line(f"POUR LE SOIR DU {missed:%d/%m/%Y}", 30, bold=True),
            line("Ce soir-là, l'appareil était éteint.", 24),
        ]
    for note in notes:
        items += [
            Feed(dots=3 * form.dpmm),
            line(f"Journal ({SIDES[note.side]})", 30, bold=True),
            Qr(data=squeeze(note.text), module_dots=form.dpmm // 2),
            line(paper_words(note.size, letters_of(note.root)), 26),
        ]
    items += [
        Feed(dots=4 * form.dpmm),
        line("À signer et à classer.", 26),
        line("Demain matin : écran « Note du matin ».", 24),
        Feed(dots=10 * form.dpmm),
        line("Nom et signature : ______________", 26),
    ]
    return Paper(
        kind="journal-note",
        form=form,
        items=(*items, Feed(dots=3 * form.dpmm), Cut()),
        key=key,
        expires_s=EXPIRES_S,
        on_expiry="ask",
    )
