"""The slip: a handle, an hour and code lines, on a paper that looks like an appointment stub."""

from kiosk.formats.merkle import paper_words
from printers.paper import ROLL_58, Cut, Feed, Form, Paper, Text
from results.vault.codes import write_code, write_handle
from results.vault.slips import IssuedSlip

#: After two minutes the patient is gone or another slip was issued.
EXPIRES_S = 2 * 60


def slip_paper(
    issued: IssuedSlip,
    *,
    promised: str,
    journal: tuple[int, str] | None = None,
    large: bool = False,
    form: Form,
) -> Paper:
    """Make the paper of a slip that was just issued: neither laboratory, exam, name nor telephone stands on it.

    It is secret: sealed to the running station alone, printed once, never again. Not confirmed means void.

    Args:
        issued: handle and codes; forgotten when the paper is in the spool.
        promised: the promised hour in the site's words: `jeu. 12/03 17 h`.
        journal: size and 16 letters of the results' journal at the last full quarter-hour.
        large: large print, on demand.
        form: a roll at the counter, 58 or 80 mm.

    Source: the design note on release, section 7.
    """
    scale = (1.3 if large else 1.0) * form.width / ROLL_58.width

    def line(s: str, size: int, *, bold: bool = False) -> Text:
        dots = round(size * scale)
        return Text(s=s, size_max=dots, size_min=max(2 * form.dpmm, dots * 2 // 3), bold=bold)

    items: list[Text | Feed | Cut] = [
        line(f"RÉF. {write_handle(issued.handle)}", 36, bold=True),
        line(promised, 30),
        Feed(dots=form.dpmm * 3 // 2),
    ]
    for number, code in enumerate(issued.codes, start=1):
        items += [line(f"{number}  {write_code(code)}", 32), Feed(dots=form.dpmm)]
    if journal is not None:
        items.append(line(paper_words(*journal), 20))
    return Paper(
        kind="slip",
        form=form,
        items=(*items, Feed(dots=3 * form.dpmm), Cut()),
        key=f"slip/{issued.slip_id}/1",
        expires_s=EXPIRES_S,
        on_expiry="void",
        secret=True,
    )
