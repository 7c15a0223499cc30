"""A discreet visit is not drawn before a biologist has decided, whenever it was marked; nobody else waits for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import true, update

from kiosk.booking.discretion import Decision, DiscreetVisit, decide, mark_discreet
from kiosk.counter import turns
from kiosk.counter.turns import OFFERED, AgreementFirst, NobodyWaits, call_next, may_come, offer, rank_and_call
from kiosk.register.database import Database
from kiosk.register.sites import Site
from kiosk.register.staff import Power
from kiosk.register.visits import Stage, State, Visit
from results.trust.power import KeyRingPower
from tests.kiosk.secretary import a_line
from tests.results.vault.ring import make_ring

Chance = Callable[[int], bytes]
SOMEBODY = UUID(int=4)


@pytest.fixture
def power(tmp_path: Path) -> Power:
    ring, _ = make_ring(tmp_path / "keys")
    return KeyRingPower(ring, biologist_fingerprint=sha256(ring.signers["lenoir"]).hexdigest())


class Room:
    """A sampling room whose line holds so many people."""

    def __init__(self, database: Database, site: Site, at: datetime, chance: Chance, power: Power, many: int) -> None:
        self.database, self.site, self.at, self.chance, self.power = database, site, at, chance, power
        people = a_line(site, at - timedelta(hours=1), many)
        for visit in people:
            visit.stage, visit.state = Stage.SAMPLING, State.WAITING
        self.people = [visit.id for visit in people]
        with database.transaction() as db:
            db.add_all(people)

    def marks(self, turn: int) -> None:
        with self.database.transaction("results") as db:
            mark_discreet(
                db, db.get_one(Visit, self.people[turn]), by=SOMEBODY, power=self.power, at=self.at,
                chance=self.chance, key=self.chance(16).hex(),
            )  # fmt: skip

    def decides(self, turn: int, decision: Decision) -> None:
        with self.database.transaction("results") as db:
            decide(
                db, self.people[turn], decision, by=SOMEBODY, power=self.power, at=self.at, chance=self.chance
            )  # fmt: skip

    def calls(self, power: Power | None = None, desk: str = "Salle 1") -> int:
        """The turn of whoever is called."""
        visit = rank_and_call(
            self.database, self.site, Stage.SAMPLING, desk=desk, by="karim", at=self.at, chance=self.chance,
            key=self.chance(16).hex(), power=power or self.power,
        )  # fmt: skip
        return self.people.index(visit.id)


@pytest.fixture
def opened(database: Database, site: Site, at: datetime, chance: Chance, power: Power) -> Callable[[int], Room]:
    return lambda many: Room(database, site, at, chance, power, many)


def test_the_one_who_waits_for_a_decision_is_passed_and_keeps_the_place(opened: Callable[[int], Room]) -> None:
    room = opened(3)
    room.marks(0)
    assert room.calls() == 1
    room.decides(0, Decision.KEPT)
    assert room.calls() == 0
    assert room.calls() == 2
    with pytest.raises(NobodyWaits):
        room.calls()


@pytest.mark.parametrize("decision", list(Decision))
def test_when_nobody_else_waits_the_sampler_is_told_to_call_the_biologist(
    opened: Callable[[int], Room], decision: Decision
) -> None:
    room = opened(1)
    room.marks(0)
    with pytest.raises(AgreementFirst):
        room.calls()
    assert "discr" not in AgreementFirst.french
    room.decides(0, decision)
    assert room.calls() == 0


def test_more_marks_than_a_claim_offers_keep_nobody_else_from_the_room(opened: Callable[[int], Room]) -> None:
    many = OFFERED[0]
    room = opened(many + 3)
    for turn in range(many + 1):
        room.marks(turn)
    assert [room.calls(), room.calls()] == [many + 1, many + 2]
    with pytest.raises(AgreementFirst):
        room.calls()


def test_a_decision_that_nobody_vouches_for_lets_nobody_in(opened: Callable[[int], Room]) -> None:
    room = opened(2)
    room.marks(0)
    with room.database.transaction("results") as db:
        db.execute(update(DiscreetVisit).values(decision=Decision.KEPT, decided_by=SOMEBODY, decided_at=room.at))
    assert room.calls() == 1
    with pytest.raises(AgreementFirst):
        room.calls()


def test_marked_between_the_ranking_and_the_claim_is_held_by_the_claim_itself(opened: Callable[[int], Room]) -> None:
    room = opened(2)
    with room.database.reading() as db:
        places, held = offer(db, room.site, Stage.SAMPLING, at=room.at, power=room.power, first=2)
    assert (len(places), held) == (2, 0)
    room.marks(0)
    with room.database.transaction() as db:
        called = call_next(
            db, room.site, Stage.SAMPLING, places, desk="Salle 1", by="karim", at=room.at, chance=room.chance,
            key="a" * 32,
        )  # fmt: skip
        assert room.people.index(called.id) == 1
    with room.database.transaction() as db, pytest.raises(NobodyWaits):
        call_next(
            db, room.site, Stage.SAMPLING, places, desk="Salle 1", by="karim", at=room.at, chance=room.chance,
            key="b" * 32,
        )  # fmt: skip


def test_control_without_the_claims_own_question_the_marked_one_is_called(
    opened: Callable[[int], Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = opened(1)
    with room.database.reading() as db:
        places, _ = offer(db, room.site, Stage.SAMPLING, at=room.at, power=room.power, first=2)
    room.marks(0)
    monkeypatch.setattr(turns, "awaits_no_decision", true)
    turns._claiming.cache_clear()
    try:
        with room.database.transaction() as db:
            assert call_next(
                db, room.site, Stage.SAMPLING, places, desk="Salle 1", by="k", at=room.at, chance=room.chance,
                key="c" * 32,
            )  # fmt: skip
    finally:
        turns._claiming.cache_clear()


def test_without_keys_every_mark_counts_as_undecided(opened: Callable[[int], Room]) -> None:
    room = opened(1)
    room.marks(0)
    room.decides(0, Decision.KEPT)
    with room.database.reading() as db:
        assert may_come(db, room.site, at=room.at, power=None) == ([], 1)
        assert offer(db, room.site, Stage.SAMPLING, at=room.at, power=None, first=2) == ([], 1)


def test_the_counter_calls_a_discreet_visit_like_any_other(opened: Callable[[int], Room]) -> None:
    room = opened(1)
    with room.database.transaction() as db:
        db.execute(update(Visit).values(stage=Stage.COUNTER, state=State.ARRIVED))
    room.marks(0)
    visit = rank_and_call(
        room.database, room.site, Stage.COUNTER, desk="Guichet 1", by="sophie", at=room.at, chance=room.chance,
        key="d" * 32,
    )  # fmt: skip
    assert visit.id == room.people[0]


def test_rooms_that_call_together_get_everyone_but_the_marked(opened: Callable[[int], Room]) -> None:
    room = opened(24)
    for turn in (0, 5, 11, 23):
        room.marks(turn)

    def empty(desk: int) -> list[int]:
        called: list[int] = []
        while True:
            try:
                called.append(room.calls(desk=f"Salle {desk}"))
            except (AgreementFirst, NobodyWaits):
                return called

    with ThreadPoolExecutor(4) as rooms:
        called = sorted(turn for turns_ in rooms.map(empty, range(4)) for turn in turns_)
    assert called == sorted(set(range(24)) - {0, 5, 11, 23})
