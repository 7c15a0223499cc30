"""The paper ticket of the line: a number that is read from afar, an honest wait, a code to follow on a phone."""

import base64
import hmac
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from kiosk.questions import Say, range_words
from kiosk.register.visits import Visit
from printers.paper import ROLL_80, Barcode, Cut, Feed, Form, Paper, Qr, Text

#: After two minutes nobody stands at the kiosk any more: the number is on the screen and in the line.
EXPIRES_S = 2 * 60
#: Bytes that prove a followed number; with day and number it has 16, 26 letters on paper.
PROOF: Final = 12
_EPOCH: Final = date(2020, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Words:
    """What the ticket says, in the patient's own language."""

    #: Language, as `fr` or `ar`.
    lang: str
    #: `Votre numéro`
    heading: str
    #: `Attente : 15 à 25 min`, the same range for everyone who takes a number now.
    wait: str
    #: `Vous serez appelé par ce numéro.`
    what_next: str
    #: `Suivez la file sur votre téléphone.`
    follow: str


def code_of(visit_id: UUID) -> str:
    """The 20 digits under the bars of a ticket: the part of the visit's name that was drawn by chance.

    They say nothing, and are compared with the visit of the person who is there.
    """
    return f"{int.from_bytes(visit_id.bytes[8:], 'big'):020d}"


def follow_address(base: str, visit: Visit, key: str) -> str | None:
    """The address that a ticket bears, or None where the laboratory publishes no such page.

    Args:
        base: address under which telephones reach the public app; empty where they do not.
        key: of the form that made the number, known to nobody outside.
    """
    return f"{base.rstrip('/')}/f/{follow_token(visit.day, visit.number, key)}" if base else None


def follow_token(day: date, number: int, key: str) -> str:
    """Day, number and their proof: nobody makes another one, and at midnight this one is dead."""
    told = (day - _EPOCH).days.to_bytes(2, "big") + (number % 65536).to_bytes(2, "big")
    proof = hmac.digest(key.encode(), b"follow/" + told, "sha256")[:PROOF]
    return base64.b32encode(told + proof).decode().rstrip("=")


def ticket_of(
    visit: Visit, key: str, *, tell: Say, follow_url: str, letters: str | None, large: bool = False, form: Form
) -> Paper:
    """The ticket of a visit, the same from a kiosk and from the counter.

    Args:
        visit: whose number it is; its language is the ticket's.
        key: of the form that made the number.
        tell: tells a French sentence in that language.
        follow_url: address under which telephones reach the public app; empty where they do not.
        letters: size and 16 letters of the journal, as on every paper.
        large: whether large print was chosen at the kiosk.
        form: a roll.
    """
    words = Words(
        lang=visit.language,
        heading=tell("Votre numéro"),
        wait=range_words(visit.announced_low, visit.announced_high, tell),
        what_next=tell("On vous appelle par ce numéro."),
        follow=tell("Suivez la file sur votre téléphone."),
    )
    address = follow_address(follow_url, visit, key)
    return ticket(visit.id, visit.number, words, follow_url=address, letters=letters, large=large, form=form)


def ticket(
    visit_id: UUID,
    number: int,
    words: Words,
    *,
    follow_url: str | None = None,
    letters: str | None = None,
    large: bool = False,
    form: Form,
) -> Paper:
    """Make a ticket: neither name, nor reason, nor appointment stands on it.

    Args:
        visit_id: names the job in the spool; only its part drawn by chance is printed, as bars for the sampling room.
        number: the number that will be called.
        words: what it says, already in the patient's language.
        follow_url: page that follows the line, or None where the site has not opened it.
        letters: size and 16 letters of the journal, as on every paper.
        large: whether large print was chosen at the kiosk.
        form: a roll; sizes follow its width.

    Source: the design note on paper, section 1.
    """
    scale = (1.4 if large else 1.0) * form.width / ROLL_80.width

    def line(s: str, size: int, *, bold: bool = False) -> Text:
        # A long sentence takes a second line rather than a size that an old eye cannot read.
        dots = round(size * scale)
        return Text(s=s, size_max=dots, size_min=dots * 4 // 5, bold=bold, align="center", lang=words.lang)

    large_number = Text(s=str(number), size_max=round(220 * scale), size_min=11 * form.dpmm, bold=True, align="center")

    items: list[Text | Barcode | Qr | Feed | Cut] = [
        line(words.heading, 40),
        large_number,
        Feed(dots=2 * form.dpmm),
        line(words.wait, 44, bold=True),
        Feed(dots=form.dpmm),
        line(words.what_next, 32),
    ]
    if follow_url is not None:
        module = (6 if form.width_mm >= ROLL_80.width_mm else 4) * form.dpmm // ROLL_80.dpmm
        items += [Feed(dots=2 * form.dpmm), Qr(data=follow_url, module_dots=module)]
        items.append(line(words.follow, 28))
    items += [
        Feed(dots=24),
        Barcode(digits=code_of(visit_id), module_dots=form.dpmm // 4, height_dots=6 * form.dpmm),
    ]
    if letters is not None:
        smallest = 2 * form.dpmm
        items += [Feed(dots=smallest), Text(s=letters, size_max=smallest * 5 // 4, size_min=smallest, align="center")]
    return Paper(
        kind="ticket",
        form=form,
        items=(*items, Feed(dots=3 * form.dpmm), Cut()),
        key=f"ticket/{visit_id}/1",
        expires_s=EXPIRES_S,
        on_expiry="void",
    )
