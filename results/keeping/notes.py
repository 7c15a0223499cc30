"""Signed notes of both journals: written in the evening, filed on paper, compared whenever somebody asks."""

import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from kiosk.formats.merkle import Checkpoint, Letters, read_note, read_paper_words, write_note
from kiosk.formats.scanned_note import PREFIX, spread
from kiosk.register.clock import Chance
from kiosk.register.database import Side
from kiosk.register.errors import Invalid
from kiosk.register.journal import Act, Verdict, head_of, verify, write
from kiosk.register.sites import Site
from results.vault.keys import KeyRing
from results.vault.sealing import DoesNotOpen, check_signature

SIDES: Final[Mapping[Side, str]] = {"register": "registre", "results": "résultats"}
Seen = Mapping[Side, list[Checkpoint | Letters]]


class NotOurNote(Invalid):
    """This is no note that a journal of this laboratory has signed; scan it again, or look where it comes from."""

    french = (
        "Ce n'est pas une note signée par ce laboratoire, ou elle est mal lue. Scannez-la à nouveau ; si elle ne passe "
        "toujours pas, gardez ce papier et prévenez un biologiste."
    )


@dataclass(frozen=True, kw_only=True)
class Note:
    """A signed note: whose journal, how many entries, and its text."""

    side: Side
    size: int
    root: bytes
    text: str


def origin_of(site: Site) -> str:
    """What the notes of a site begin with: no other site of the world has the same."""
    return f"etiquette/{site.number}-{site.id.hex[-8:]}"


def sign_note(db: Session, keys: KeyRing, site: Site, side: Side) -> Note:
    """Sign what a journal is now (C2SP tlog-checkpoint, signed-note)."""
    size, root = head_of(db, side)
    point = Checkpoint(origin=f"{origin_of(site)}/{side}", size=size, root=root)
    text = write_note(point, public=keys.journal_public(), sign=keys.sign_journal)
    return Note(side=side, size=size, root=root, text=text)


def enter_note(db: Session, note: Note, *, by: str, at: datetime, chance: Chance) -> None:
    """Write into a journal that a note of it was put on paper."""
    write(db, note.side, Act.JOURNAL_NOTED, by=by, at=at, chance=chance, size=note.size)


def read_seen(
    texts: Iterable[str], site: Site, verifiers: Iterable[bytes], *, tickets: Iterable[str] = (),
    slips: Iterable[str] = (),
) -> Seen:  # fmt: skip
    """Read notes from files or scanners, and the letters of papers, by the journal that they tell of.

    Args:
        texts: signed notes, whole or as one scanned line.
        site: whose notes these must be.
        verifiers: public halves of the journal keys, old ones too.
        tickets: lines of tickets, which carry the register's letters.
        slips: lines of slips, which carry the results' letters.

    Raises:
        NotOurNote: not a note, of another laboratory, or signed by another key.
    """
    keys = tuple(verifiers)
    seen: dict[Side, list[Checkpoint | Letters]] = {"register": [], "results": []}
    try:
        for text in texts:
            side, point = _read(text, site, keys)
            seen[side].append(point)
        seen["register"] += map(read_paper_words, tickets)
        seen["results"] += map(read_paper_words, slips)
    except (ValueError, binascii.Error, DoesNotOpen):
        raise NotOurNote from None
    return seen


def verify_both(db: Session, seen: Seen) -> dict[Side, Verdict]:
    """Compute both journals again and compare them with what was seen of them."""
    return {side: verify(db, side, notes=seen[side]) for side in SIDES}


def _read(text: str, site: Site, verifiers: tuple[bytes, ...]) -> tuple[Side, Checkpoint]:
    whole = spread(text, origin=origin_of(site)) if text.strip().upper().startswith(PREFIX) else text
    for verifier in verifiers:
        try:
            point = read_note(whole, public=verifier, check=partial(check_signature, verifier))
        except (ValueError, DoesNotOpen):
            continue
        for side in SIDES:
            if point.origin == f"{origin_of(site)}/{side}":
                return side, point
    raise NotOurNote
