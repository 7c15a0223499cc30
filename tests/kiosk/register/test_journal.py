"""Nothing happens unseen: every change of a journal is found and its place is named."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from kiosk.formats.canonical import read_canonical
from kiosk.formats.merkle import Checkpoint, Edge, Letters, extend, hash_leaf, letters_of, root_of
from kiosk.register.database import Base, Database, Side, open_sqlite
from kiosk.register.journal import (
    Act,
    RegisterHead,
    RegisterLeaf,
    RegisterText,
    ResultsHead,
    ResultsLeaf,
    ResultsText,
    head_of,
    letters_at,
    verify,
    write,
)
from tests.thorough import far

AT = datetime(2026, 11, 21, 8, 7, 30, 999_999, tzinfo=UTC)
STAFF, VISIT = UUID(int=1), UUID(int=2)
TABLES = [kind.__table__ for kind in (RegisterHead, RegisterLeaf, RegisterText)]
RESULTS_TABLES = [kind.__table__ for kind in (ResultsHead, ResultsLeaf, ResultsText)]


class Way(StrEnum):
    PHONE = "phone"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Database]:
    for name in ("register.sqlite", "results.sqlite"):
        (tmp_path / name).touch()
    database = open_sqlite(tmp_path / "register.sqlite", tmp_path / "results.sqlite")
    for side, tables in (("register", TABLES), ("results", RESULTS_TABLES)):
        with database.writing_engines[side].begin() as connection:
            Base.metadata.create_all(connection, tables=tables)  # type: ignore[arg-type]
    yield database
    database.close()


@contextmanager
def writing(house: Database, side: Side = "register") -> Iterator[Session]:
    with house.transaction(writes=side) as db:
        yield db


def fill(house: Database, many: int, side: Side = "register") -> None:
    chance = random.Random(7).randbytes
    with writing(house, side) as db:
        for number in range(many):
            write(db, side, Act.VISIT_CALLED, by=STAFF, at=AT, chance=chance, visit=VISIT, version=number)


def first_bad(house: Database, side: Side = "register", notes: tuple[Checkpoint | Letters, ...] = ()) -> int | None:
    with house.reading() as db:
        return verify(db, side, notes=notes).first_bad


def note_of(house: Database) -> Checkpoint:
    with house.reading() as db:
        size, root = head_of(db, "register")
    return Checkpoint(origin="labo/nation/register", size=size, root=root)


def change(house: Database, act: Callable[[Session], Any]) -> None:
    with writing(house) as db:
        act(db)


def test_an_entry_says_who_did_what_when_and_nothing_more(house: Database) -> None:
    with writing(house, "results") as db:
        seq = write(
            db, "results", Act.RELEASE_TOLD, by=STAFF, at=AT, chance=bytes, report=VISIT, version=2, channel=Way.PHONE
        )
        row = db.get(ResultsText, seq)
        leaf = db.get(ResultsLeaf, seq)
        assert row is not None
        assert leaf is not None
        assert len(row.text) == 512
        assert read_canonical(row.text.rstrip(" ").encode()) == {
            "act": "release.told",
            "at": 1795248450,
            "by": STAFF.hex,
            "channel": "phone",
            "report": VISIT.hex,
            "version": 2,
        }
        assert leaf.hash == hash_leaf(row.salt, row.text.encode())


def test_both_journals_stand_alone(house: Database) -> None:
    fill(house, 3, "register")
    fill(house, 2, "results")
    with house.reading() as db:
        assert (verify(db, "register").size, verify(db, "results").size) == (3, 2)
        assert verify(db, "register").sound
        assert verify(db, "results").sound


def test_an_empty_journal_is_sound(house: Database) -> None:
    with house.reading() as db:
        assert verify(db, "register").sound
        assert letters_at(db, "register", AT) == (0, letters_of(root_of(())))


def test_an_entry_goes_with_its_act_when_the_act_is_undone(house: Database) -> None:
    fill(house, 2)
    with house.reading() as db:
        before = head_of(db, "register")

    def stumble() -> None:
        with writing(house) as db:
            write(db, "register", Act.VISIT_CALLED, by=STAFF, at=AT, chance=bytes, visit=VISIT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()
    with house.reading() as db:
        assert head_of(db, "register") == before
    fill(house, 1)
    with house.reading() as db:
        assert verify(db, "register").size == 3
        assert verify(db, "register").sound


@pytest.mark.parametrize("fact", ["Moreau", 1.5, True, b"7305", None], ids=repr)
def test_a_fact_is_never_free_text_a_measure_or_bytes(house: Database, fact: Any) -> None:
    with writing(house) as db, pytest.raises(TypeError):
        write(db, "register", Act.VISIT_CALLED, by=STAFF, at=AT, chance=bytes, visit=fact)


def test_an_entry_longer_than_its_page_is_refused(house: Database) -> None:
    facts = {f"report{number}": UUID(int=number) for number in range(12)}
    with writing(house) as db, pytest.raises(ValueError, match="longer"):
        write(db, "register", Act.VISIT_CALLED, by=STAFF, at=AT, chance=bytes, **facts)


def test_acts_are_things_and_what_was_done_to_them() -> None:
    for act in Act:
        thing, _, done = act.value.partition(".")
        assert act.name == f"{thing}_{done}".upper()
        assert thing.isalpha()


def test_a_changed_word_is_found_at_its_place(house: Database) -> None:
    fill(house, 40)
    for seq in (0, 17, 39):
        with house.reading() as db:
            row = db.get(RegisterText, seq)
            assert row is not None
            kept = row.text
        change(house, lambda db, seq=seq, kept=kept: db.execute(_text(seq, kept.replace("called", "missed"))))  # type: ignore[misc]
        assert first_bad(house) == seq
        change(house, lambda db, seq=seq, kept=kept: db.execute(_text(seq, kept)))  # type: ignore[misc]
    assert first_bad(house) is None


def _text(seq: int, words: str) -> Any:
    return update(RegisterText).where(RegisterText.seq == seq).values(text=words)


def test_a_missing_a_doubled_and_a_swapped_leaf_are_found(house: Database) -> None:
    fill(house, 20)
    change(house, lambda db: db.execute(delete(RegisterLeaf).where(RegisterLeaf.seq == 5)))
    assert first_bad(house) == 5
    change(
        house, lambda db: db.execute(text("INSERT INTO journal_leaf SELECT 5, hash FROM journal_leaf WHERE seq = 4"))
    )
    assert first_bad(house) == 5


def test_two_leaves_that_changed_places_are_found(house: Database) -> None:
    fill(house, 20)
    swap = "UPDATE {0} SET seq = CASE seq WHEN 3 THEN -9 ELSE -3 END WHERE seq IN (3, 9)"
    for table in ("journal_leaf", "journal_text"):
        change(house, lambda db, table=table: db.execute(text(swap.format(table))))  # type: ignore[misc]
        change(house, lambda db, table=table: db.execute(text(f"UPDATE {table} SET seq = -seq WHERE seq < 0")))  # type: ignore[misc]  # noqa: S608
    assert first_bad(house) == 0
    assert first_bad(house, notes=()) is not None


def test_a_cut_end_is_found(house: Database) -> None:
    fill(house, 20)
    change(house, lambda db: db.execute(delete(RegisterLeaf).where(RegisterLeaf.seq >= 15)))
    assert first_bad(house) == 15


def test_a_deleted_text_keeps_the_proof_and_a_changed_leaf_without_text_breaks_it(house: Database) -> None:
    fill(house, 20)
    change(house, lambda db: db.execute(delete(RegisterText).where(RegisterText.seq < 10)))
    assert first_bad(house) is None
    change(house, lambda db: db.execute(update(RegisterLeaf).where(RegisterLeaf.seq == 4).values(hash=bytes(32))))
    assert first_bad(house) == 0


def test_the_first_two_acts_of_a_house_may_come_at_the_same_instant(database: Database) -> None:
    def second_act() -> int:
        with database.transaction() as db:
            return write(db, "register", Act.VISIT_CALLED, by=STAFF, at=AT, chance=bytes, visit=VISIT)

    with ThreadPoolExecutor(1) as other:
        with database.transaction() as db:
            assert write(db, "register", Act.VISIT_ARRIVED, by=STAFF, at=AT, chance=bytes, visit=VISIT) == 0
            told = other.submit(second_act)
            time.sleep(0.3)  # by now the second act has found an empty journal, or waits for its turn
        assert told.result() == 1
    with database.reading() as db:
        assert verify(db, "register").size == 2


def test_a_journal_written_anew_is_found_by_the_note_on_paper(house: Database) -> None:
    fill(house, 10)
    first = note_of(house)
    fill(house, 10)
    second = note_of(house)
    change(house, lambda db: _forge(db, 14))
    assert first_bad(house) is None
    assert first_bad(house, notes=(first,)) is None
    assert first_bad(house, notes=(first, second)) == 10


def test_a_journal_that_fell_back_behind_its_note_is_found(house: Database) -> None:
    fill(house, 10)
    later = Checkpoint(origin="labo/nation/register", size=12, root=bytes(32))
    assert first_bad(house, notes=(later,)) == 10


def _forge(db: Session, seq: int) -> None:
    """An insider with the database: one word changed, then every hash computed again."""
    row = db.get(RegisterText, seq)
    leaf = db.get(RegisterLeaf, seq)
    assert row is not None
    assert leaf is not None
    row.text = row.text.replace("called", "missed")
    leaf.hash = hash_leaf(row.salt, row.text.encode())
    db.flush()
    edge: Edge = ()
    for place, one in enumerate(db.query(RegisterLeaf).order_by(RegisterLeaf.seq)):
        edge = extend(edge, place, one.hash)
    head = db.get(RegisterHead, 1)
    assert head is not None
    head.edge = b"".join(edge)


def test_two_notes_of_one_size_that_differ_show_a_journal_kept_twice(house: Database) -> None:
    fill(house, 10)
    told = note_of(house)
    other = Checkpoint(origin=told.origin, size=told.size, root=bytes(32))
    assert first_bad(house, notes=(told,)) is None
    assert first_bad(house, notes=(told, other)) == 0
    assert first_bad(house, notes=(other, told)) == 0
    nothing = Checkpoint(origin=told.origin, size=0, root=bytes(32))
    assert first_bad(house, notes=(nothing,)) == 0


def test_the_letters_of_a_ticket_find_what_was_written_anew(house: Database) -> None:
    fill(house, 10)
    told = note_of(house)
    letters = Letters(size=10, letters=letters_of(told.root))
    fill(house, 10)
    assert first_bad(house, notes=(letters,)) is None
    change(house, lambda db: _forge(db, 4))
    assert first_bad(house) is None
    assert first_bad(house, notes=(letters,)) == 0


ENTRIES = 1_000
#: Every entry where the sweep goes all the way; otherwise a part of them, both ends always.
PLACES = sorted({*range(0, ENTRIES, far(40, 1)), 1, ENTRIES - 2, ENTRIES - 1})
BOTH = ("journal_leaf", "journal_text")


def changed(db: Session, seq: int) -> None:
    """One letter of what was said."""
    db.execute(text("UPDATE journal_text SET text = replace(text, 'called', 'cAlled') WHERE seq = :seq"), {"seq": seq})


def resalted(db: Session, seq: int) -> None:
    """One bit of the salt."""
    row = db.get(RegisterText, seq)
    assert row is not None
    row.salt = bytes([row.salt[0] ^ 1]) + row.salt[1:]


def removed(db: Session, seq: int) -> None:
    """One entry less, the ones after it moved up."""
    for table in BOTH:
        db.execute(text(f"DELETE FROM {table} WHERE seq = :seq"), {"seq": seq})  # noqa: S608
        db.execute(text(f"UPDATE {table} SET seq = -seq WHERE seq > :seq"), {"seq": seq})  # noqa: S608
        db.execute(text(f"UPDATE {table} SET seq = -seq - 1 WHERE seq < 0"))  # noqa: S608


def swapped(db: Session, seq: int) -> None:
    """Two neighbours in each other's place."""
    one, other = (seq, seq + 1) if seq + 1 < ENTRIES else (seq - 1, seq)
    for table in BOTH:
        for before, after in ((one, -1), (other, one), (-1, other)):
            told = {"before": before, "after": after}
            db.execute(text(f"UPDATE {table} SET seq = :after WHERE seq = :before"), told)  # noqa: S608


def cut(db: Session, seq: int) -> None:
    """The end cut off from here, the head set to what is left."""
    for table in BOTH:
        db.execute(text(f"DELETE FROM {table} WHERE seq >= :seq"), {"seq": seq})  # noqa: S608
    _rehash(db)


def rehashed(db: Session, seq: int) -> None:
    """One word changed, then leaf and head computed anew: only paper can tell."""
    changed(db, seq)
    db.flush()
    row = db.get(RegisterText, seq, populate_existing=True)
    leaf = db.get(RegisterLeaf, seq)
    assert row is not None
    assert leaf is not None
    leaf.hash = hash_leaf(row.salt, row.text.encode())
    _rehash(db)


def _rehash(db: Session) -> None:
    db.flush()
    edge: Edge = ()
    size = 0
    for size, hashed in enumerate(db.scalars(select(RegisterLeaf.hash).order_by(RegisterLeaf.seq)), start=1):
        edge = extend(edge, size - 1, hashed)
    db.execute(update(RegisterHead).values(size=size, edge=b"".join(edge)))


@pytest.mark.parametrize("forgery", [changed, resalted, removed, swapped, cut, rehashed])
def test_every_forgery_of_a_thousand_entries_is_found_against_the_last_note(
    house: Database, forgery: Callable[[Session, int], None]
) -> None:
    fill(house, ENTRIES)
    note = note_of(house)
    with writing(house) as db:
        assert verify(db, "register", notes=[note]).sound
        for seq in PLACES:
            attempt = db.begin_nested()
            forgery(db, seq)
            db.flush()
            verdict = verify(db, "register", notes=[note])
            without = verify(db, "register")
            attempt.rollback()
            db.expire_all()
            assert not verdict.sound, seq
            assert verdict.first_bad is not None
            # Of one that was closed over a gap nothing says where it was: there is one entry too few at its end.
            assert verdict.first_bad <= (ENTRIES - 1 if forgery is removed else seq)
            # What needs the note: a journal that was cut or computed anew agrees with itself.
            assert without.sound is (forgery in {cut, rehashed}), seq
        assert verify(db, "register", notes=[note]).sound


def test_papers_carry_the_head_of_the_last_full_quarter_hour(house: Database) -> None:
    fill(house, 3)
    with house.reading() as db:
        size, root = head_of(db, "register")
        assert letters_at(db, "register", AT) == (0, letters_of(root_of(())))
        assert letters_at(db, "register", AT + timedelta(minutes=8)) == (3, letters_of(root))
    with writing(house) as db:
        write(db, "register", Act.VISIT_LEFT, by="kiosk-1", at=AT + timedelta(minutes=9), chance=bytes, visit=VISIT)
        assert letters_at(db, "register", AT + timedelta(minutes=20)) == (size, letters_of(root))
        assert letters_at(db, "register", AT + timedelta(minutes=25))[0] == 4
