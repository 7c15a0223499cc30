"""The evening's note: signed, on paper, scanned again, and believed from this laboratory alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from kiosk.formats.merkle import Checkpoint, letters_of, paper_words, write_note
from kiosk.formats.scanned_note import squeeze
from kiosk.register.database import Database
from kiosk.register.journal import Act, head_of, write
from kiosk.register.sites import Site
from printers.draw import lay_out
from printers.paper import ROLL_58, ROLL_80, Form, Text
from printers.verify import proved, read_symbols
from results.keeping.evening import note_of_evening
from results.keeping.note_paper import note_paper
from results.keeping.notes import NotOurNote, origin_of, read_seen, sign_note, verify_both
from results.vault.keys import KeyRing, journal_verifiers, make_keys
from tests.staffroom import CHEAP

Chance = Callable[[int], bytes]
STAFF = UUID(int=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("keys")
    make_keys(
        made / "keys", made / "exchange", person="lenoir", passphrase="la rivière sous le pont",
        chance=Random(3).randbytes, cost=CHEAP,
    )  # fmt: skip
    return made / "keys"


@pytest.fixture
def keys(folder: Path) -> KeyRing:
    return KeyRing.load(folder)


def live(database: Database, at: datetime, chance: Chance, many: int = 12) -> None:
    """A day leaves entries on both sides."""
    for side in ("register", "results"):
        with database.transaction(side) as db:
            for number in range(many):
                write(
                    db, side, Act.VISIT_CALLED, by=STAFF, at=at + timedelta(seconds=number), chance=chance, visit=STAFF
                )


def test_the_notes_of_an_evening_agree_with_both_journals(
    database: Database, site: Site, keys: KeyRing, folder: Path, at: datetime, chance: Chance
) -> None:
    live(database, at, chance)
    notes = note_of_evening(database, keys, site, by="evening", at=at, chance=chance)
    assert [(note.side, note.size) for note in notes] == [("register", 12), ("results", 12)]
    live(database, at + timedelta(days=1), chance)
    for texts in ([note.text for note in notes], [squeeze(note.text) for note in notes]):
        seen = read_seen(texts, site, journal_verifiers(folder))
        assert [len(one) for one in seen.values()] == [1, 1]
        with database.reading() as db:
            verdicts = verify_both(db, seen)
        assert all(verdict.sound and verdict.size == 25 for verdict in verdicts.values())


def test_a_note_says_that_it_was_made(
    database: Database, site: Site, keys: KeyRing, at: datetime, chance: Chance
) -> None:
    note_of_evening(database, keys, site, by="evening", at=at, chance=chance)
    with database.reading() as db:
        assert [head_of(db, side)[0] for side in ("register", "results")] == [1, 1]


def test_a_journal_that_differs_from_its_note_is_found(
    database: Database, site: Site, keys: KeyRing, folder: Path, at: datetime, chance: Chance
) -> None:
    live(database, at, chance)
    with database.reading() as db:
        true = sign_note(db, keys, site, "results")
    # The same laboratory, another past: what a restored or rewritten file would have signed.
    live(database, at + timedelta(days=1), chance, many=1)
    with database.reading() as db:
        size, root = head_of(db, "results")
    forged = write_note(
        Checkpoint(origin=f"{origin_of(site)}/results", size=true.size, root=root), public=keys.journal_public(),
        sign=keys.sign_journal,
    )  # fmt: skip
    assert size == true.size + 1
    seen = read_seen([true.text, forged], site, journal_verifiers(folder))
    with database.reading() as db:
        verdicts = verify_both(db, seen)
    assert not verdicts["results"].sound
    assert verdicts["register"].sound


def test_the_letters_of_tickets_and_slips_are_compared(
    database: Database, site: Site, folder: Path, at: datetime, chance: Chance
) -> None:
    live(database, at, chance)
    with database.reading() as db:
        lines = {
            side: paper_words(size, letters_of(root))
            for side in ("register", "results")
            for size, root in [head_of(db, side)]
        }
        good = read_seen([], site, journal_verifiers(folder), tickets=[lines["register"]], slips=[lines["results"]])
        assert all(verdict.sound for verdict in verify_both(db, good).values())
        crossed = read_seen([], site, journal_verifiers(folder), tickets=[lines["results"]], slips=[lines["register"]])
        assert not any(verdict.sound for verdict in verify_both(db, crossed).values())


def test_a_note_of_another_site_or_key_and_any_other_text_is_refused(
    database: Database, site: Site, keys: KeyRing, folder: Path, at: datetime, chance: Chance
) -> None:
    live(database, at, chance)
    with database.reading() as db:
        note = sign_note(db, keys, site, "register")
    elsewhere = Site(
        id=UUID(int=5), number=1, name="Autre", timezone="Europe/Paris", opens=site.opens, closes=site.closes
    )
    forged = replace(keys, journal={1: bytes(32)})
    with database.reading() as db:
        false = sign_note(db, forged, site, "register")
    assert origin_of(elsewhere) != origin_of(site)
    changed = note.text.replace(f"\n{note.size}\n", f"\n{note.size + 1}\n")
    for text, whose in (
        (note.text, elsewhere), (squeeze(note.text), elsewhere), (false.text, site), (changed, site), ("", site),
        (note.text.replace("/register", "/results"), site), ("ETQJ1A", site), ("x\n" * 5, site),
        (note.text.split("\n\n")[0] + "\n\n— a ????\n", site),
    ):  # fmt: skip
        with pytest.raises(NotOurNote):
            read_seen([text], whose, journal_verifiers(folder))
    with pytest.raises(NotOurNote):
        read_seen([], site, journal_verifiers(folder), tickets=["J 12 COURT"])


@pytest.mark.parametrize("form", [ROLL_80, ROLL_58, replace(ROLL_80, dpmm=12), replace(ROLL_58, dpmm=12)])
def test_the_paper_is_drawn_and_its_codes_read_back(
    database: Database, site: Site, keys: KeyRing, folder: Path, at: datetime, chance: Chance, form: Form
) -> None:
    live(database, at, chance)
    notes = note_of_evening(database, keys, site, by="evening", at=at, chance=chance)
    paper = note_paper(notes, site_name=site.name, when="sam. 21/11 18 h", key="journal-note/1/2026-11-21", form=form)
    scanned = read_symbols(proved(paper))
    assert sorted(scanned) == sorted(squeeze(note.text) for note in notes)
    assert lay_out(paper).cut == ()
    seen = read_seen(scanned, site, journal_verifiers(folder))
    with database.reading() as db:
        assert all(verdict.sound for verdict in verify_both(db, seen).values())
    words = [item.s for item in paper.items if isinstance(item, Text)]
    assert any("signature" in line for line in words)
    assert not paper.secret
