"""A call moves along its table, is over in time, and ends only when what must be repeated was repeated."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.register.clock import end_of_day
from kiosk.register.database import Database
from kiosk.register.once import PageAlreadyUsed
from results.callers.calls import (
    LASTS,
    MOVES,
    NoCall,
    NotFromHere,
    Outcome,
    PhoneCall,
    RepeatFirst,
    State,
    Verb,
    call_of,
    close,
    current_call,
    expire_calls,
    hear,
    open_call,
    tell,
    verify,
)
from results.callers.repeating import READ_BACK_TRIES, is_same
from results.callers.ring_back import NumberMissing
from results.callers.taking_over import for_biologist, number_to_ring, rung
from results.vault.keys import KeyRing
from tests.results.vault.ring import make_ring

SITE, SOPHIE, NADIA = UUID(int=0x517E), UUID(int=0x50), UUID(int=0x9A)
Chance = Callable[[int], bytes]


class Line:
    """The telephone line of one laboratory."""

    def __init__(self, database: Database, keys: KeyRing, chance: Chance, at: datetime) -> None:
        self.database, self.keys, self.chance, self.at = database, keys, chance, at

    def opens(self, *, by: UUID = SOPHIE, key: str = "", after: timedelta = timedelta(0)) -> PhoneCall:
        self.at += after
        with self.database.transaction("results") as db:
            return open_call(
                db, self.keys, SITE, "704193", by=by, at=self.at, chance=self.chance, key=key or self.chance(16).hex()
            )

    def moves(self, call: PhoneCall, act: Callable[[PhoneCall], None]) -> None:
        with self.database.transaction("results") as db:
            act(call_of(db, call.id, by=call.by, at=self.at, lock=True))

    def hears(self, call: PhoneCall, same: bool) -> bool:
        with self.database.transaction("results") as db:
            found = call_of(db, call.id, by=call.by, at=self.at, lock=True)
            return hear(db, found, is_same=same, by=call.by, at=self.at, chance=self.chance)

    def ends(self, call: PhoneCall, outcome: Outcome, ring_back: str = "") -> None:
        with self.database.transaction("results") as db:
            found = call_of(db, call.id, by=call.by, at=self.at, lock=True)
            close(db, self.keys, found, outcome, ring_back=ring_back, by=call.by, at=self.at, chance=self.chance)

    def now(self, *, by: UUID = SOPHIE) -> PhoneCall:
        with self.database.reading() as db:
            return current_call(db, by=by, at=self.at)


@pytest.fixture
def line(database: Database, tmp_path: Path, chance: Chance, at: datetime) -> Line:
    return Line(database, make_ring(tmp_path / "keys")[0], chance, at)


def test_only_the_moves_of_the_table_can_be_made() -> None:
    for state, verb in product(State, Verb):
        call = PhoneCall(state=state, reads_back=False)
        act = {
            Verb.TELL: lambda one: tell(one, reads_back=True),
            Verb.VERIFY: lambda one: verify(one, until=datetime(2026, 11, 22, tzinfo=UTC)),
        }
        if verb not in act:
            continue
        if (state, verb) in MOVES:
            act[verb](call)
            assert call.state is MOVES[state, verb]
        else:
            with pytest.raises(NotFromHere):
                act[verb](call)


def test_the_same_form_opens_one_call_and_nobody_elses_form_does(line: Line) -> None:
    first = line.opens(key="ab" * 16)
    assert line.opens(key="ab" * 16).id == first.id
    with pytest.raises(PageAlreadyUsed):
        line.opens(key="ab" * 16, by=NADIA)


def test_a_reference_that_nobody_has_opens_a_call_like_any_other(line: Line) -> None:
    call = line.opens()
    assert (call.slip_id, call.state, call.ends_at) == (None, State.OPEN, line.at + LASTS)


def test_a_call_is_over_after_ten_minutes(line: Line) -> None:
    call = line.opens()
    line.at += LASTS - timedelta(seconds=1)
    assert line.now().id == call.id
    line.at += timedelta(seconds=1)
    with pytest.raises(NoCall):
        line.now()
    with line.database.transaction("results") as db:
        assert expire_calls(db, SITE, at=line.at, chance=line.chance) == 1
        assert expire_calls(db, SITE, at=line.at, chance=line.chance) == 0


def test_a_verified_call_stands_until_the_day_ends_and_behind_the_next_one(line: Line) -> None:
    call = line.opens()
    line.moves(call, lambda one: verify(one, until=end_of_day("Europe/Paris", line.at)))
    line.at += timedelta(hours=3)
    assert line.now().state is State.VERIFIED
    after = line.opens()
    assert line.now().id == after.id
    line.at = end_of_day("Europe/Paris", line.at)
    with pytest.raises(NoCall):
        line.now()


def test_a_new_call_ends_what_was_on_the_line_of_this_person_alone(line: Line) -> None:
    first, other = line.opens(), line.opens(by=NADIA)
    second = line.opens()
    assert line.now().id == second.id
    assert line.now(by=NADIA).id == other.id
    with line.database.reading() as db:
        assert db.get_one(PhoneCall, first.id).outcome is Outcome.EXPIRED


def test_the_day_of_the_site_ends_at_its_own_midnight() -> None:
    assert end_of_day("Europe/Paris", datetime(2026, 11, 21, 22, 59, tzinfo=UTC)) == datetime(
        2026, 11, 21, 23, tzinfo=UTC
    )
    assert end_of_day("Europe/Paris", datetime(2026, 11, 21, 23, 0, tzinfo=UTC)) == datetime(
        2026, 11, 22, 23, tzinfo=UTC
    )


def test_what_must_be_repeated_blocks_the_end_until_it_is(line: Line) -> None:
    call = line.opens()
    line.moves(call, lambda one: tell(one, reads_back=True))
    with pytest.raises(RepeatFirst):
        line.ends(call, Outcome.TOLD)
    assert not line.hears(call, same=False)
    assert line.hears(call, same=True)
    assert line.hears(call, same=True)
    line.ends(call, Outcome.TOLD)
    with pytest.raises(NoCall):
        line.ends(call, Outcome.TOLD)


def test_after_three_other_words_only_the_biologist_is_left(line: Line) -> None:
    call = line.opens()
    line.moves(call, lambda one: tell(one, reads_back=True))
    for _ in range(READ_BACK_TRIES):
        assert not line.hears(call, same=False)
    with pytest.raises(NotFromHere):
        line.hears(call, same=True)
    with pytest.raises(RepeatFirst):
        line.ends(call, Outcome.NOT_NOW)
    line.ends(call, Outcome.PASSED)


def test_nothing_told_cannot_end_as_told_and_the_reverse(line: Line) -> None:
    call = line.opens()
    with pytest.raises(NotFromHere):
        line.ends(call, Outcome.TOLD)
    line.moves(call, lambda one: tell(one, reads_back=False))
    with pytest.raises(NotFromHere):
        line.ends(call, Outcome.NOT_NOW)
    line.ends(call, Outcome.TOLD)


def test_the_number_to_ring_is_sealed_and_forgotten_once_rung(line: Line) -> None:
    call = line.opens()
    with pytest.raises(NotFromHere):
        line.ends(call, Outcome.CALL_BACK, "06 12 34 56 78")
    line.moves(call, lambda one: verify(one, until=line.at + timedelta(hours=9)))
    with pytest.raises(NumberMissing):
        line.ends(call, Outcome.CALL_BACK, "ce soir")
    line.ends(call, Outcome.CALL_BACK, " 06 12  34 56 78, ce soir ")
    with line.database.transaction("results") as db:
        (waiting,) = for_biologist(db, SITE, at=line.at)
        assert waiting.ring_back is not None
        assert b"06 12" not in waiting.ring_back
        assert number_to_ring(line.keys, waiting) == "06 12 34 56 78, ce soir"
        rung(db, waiting, by=NADIA, at=line.at, chance=line.chance)
    with line.database.reading() as db:
        (waiting,) = for_biologist(db, SITE, at=line.at)  # its code was right: it waits for the evening
        assert number_to_ring(line.keys, waiting) == ""
        assert for_biologist(db, SITE, at=line.at + timedelta(hours=9)) == []


def test_a_colleague_finds_no_call_of_another(line: Line) -> None:
    call = line.opens()
    with line.database.reading() as db, pytest.raises(NoCall):
        call_of(db, call.id, by=NADIA, at=line.at)


@pytest.mark.parametrize(
    ("values", "heard", "same"),
    [
        (("2,37",), "2.37", True), (("2,37",), " 2,37 ", True), (("2,37",), "2,73", False), (("2,37",), "237", False),
        (("2,37",), "", False), ((), "2", False), ((), "", False), (("2,37", "140"), "2,37 140", True),
        (("2,37", "140"), "140 2,37", False), (("100 000",), "100000", True), (("négatif",), "NEGATIF", True),
        (("négatif",), "positif", False), (("Escherichia coli", "> 10000"), "10000", True), (("5.",), "5", True),
    ],
)  # fmt: skip
def test_what_is_repeated_is_compared_by_its_figures(values: tuple[str, ...], heard: str, same: bool) -> None:
    assert is_same(values, heard) is same
