"""The line where the policy meets rows: nobody is called twice, nobody is forgotten."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from kiosk import waiting
from kiosk.register.database import Database, open_sqlite
from kiosk.register.events import Event
from kiosk.register.journal import verify
from kiosk.register.sites import Site
from kiosk.register.visits import Move, NotNow, Purpose, Said, Stage, State, Verb, Visit, moves_of
from kiosk.waiting import NobodyWaits, Place, TooLate, WhatWasSaid

Chance = Callable[[int], bytes]
HOUSE = Path(__file__).resolve().parents[2]


def a_line(site: Site, at: datetime, people: int) -> list[Visit]:
    """People who arrived one second after the other."""
    return [
        Visit(
            id=uuid4(), site_id=site.id, day=at.date(), number=n, state=State.ARRIVED, stage=Stage.COUNTER,
            purpose=Purpose.WALK_IN, language="fr", arrived_at=at + timedelta(seconds=n),
            waits_since=at + timedelta(seconds=n), needs_help=False, announced_low=0, announced_high=5,
        )
        for n in range(1, people + 1)
    ]  # fmt: skip


class Reception:
    """One secretary at one desk, with her own forms."""

    def __init__(self, site: Site, at: datetime, chance: Chance, name: str = "sophie", desk: str = "Guichet 1") -> None:
        self.site, self.at, self.chance, self.name, self.desk = site, at, chance, name, desk

    def key(self) -> str:
        return uuid4().hex

    def gives_number(self, db: Session, purpose: Purpose = Purpose.WALK_IN, said: WhatWasSaid | None = None) -> Visit:
        wait = waiting.announced(db, self.site, Stage.COUNTER, at=self.at)
        return waiting.take_number(
            db, self.site, wait=wait, purpose=purpose, said=said, by=self.name, at=self.at, chance=self.chance,
            key=self.key(),
        )  # fmt: skip

    def calls_next(self, db: Session, stage: Stage = Stage.COUNTER) -> Visit:
        """In one transaction with what went before; the screens rank the line first."""
        places = waiting.line(db, self.site, stage, at=self.at)
        return self.calls_one_of(db, places, stage)

    def calls_one_of(self, db: Session, places: Sequence[Place], stage: Stage = Stage.COUNTER) -> Visit:
        return waiting.call_next(
            db, self.site, stage, places, desk=self.desk, by=self.name, at=self.at, chance=self.chance, key=self.key()
        )

    def presses_next(self, database: Database) -> Visit:
        """As the screen does it."""
        return waiting.rank_and_call(
            database, self.site, Stage.COUNTER, desk=self.desk, by=self.name, at=self.at, chance=self.chance,
            key=self.key(),
        )  # fmt: skip

    def moves(self, db: Session, visit: Visit, verb: Verb, reason: str | None = None) -> Visit:
        row = db.get_one(Visit, visit.id)
        return waiting.advance(
            db, row, verb, by=self.name, at=self.at, chance=self.chance, key=self.key(), reason=reason
        )

    def waits(self, minutes: float) -> None:
        self.at += timedelta(minutes=minutes)


@pytest.fixture
def sophie(site: Site, at: datetime, chance: Chance) -> Reception:
    return Reception(site, at, chance)


def call_everyone(database: Database, secretary: Reception) -> list[UUID]:
    """Press « Suivant » until nobody waits."""
    called: list[UUID] = []
    while True:
        try:
            called.append(secretary.presses_next(database).id)
        except NobodyWaits:
            return called


def test_eight_desks_call_everyone_none_twice_and_none_forgotten(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    people = a_line(site, at, 60 if database.turns else 200)
    with database.transaction() as db:
        db.add_all(people)
    desks = [Reception(site, at + timedelta(hours=1), chance, f"s{n}", f"Guichet {n}") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        called = [one for calls in pool.map(lambda desk: call_everyone(database, desk), desks) for one in calls]
    called += call_everyone(database, desks[0])
    assert [one for one, times in Counter(called).items() if times > 1] == []
    assert set(called) == {one.id for one in people}
    with database.reading() as db:
        moves = db.scalars(select(Move)).all()
        assert Counter(move.visit_id for move in moves) == Counter(called)
        assert all(move.reason and move.desk for move in moves)
        assert sorted(db.scalars(select(Event.seq))) == list(range(1, len(people) + 1))
        assert verify(db, "register").sound


Claim = Callable[[Session, Sequence[UUID], str], UUID | None]


def claim_everyone(database: Database, claim: Claim) -> list[UUID]:
    """Eight desks claim from the head of the line, with nothing else in the transaction."""

    def one_desk(desk: int) -> list[UUID]:
        called: list[UUID] = []
        nobody = 0
        while nobody < 3:
            with database.transaction() as db:
                left = db.scalars(
                    select(Visit.id).where(Visit.state == State.ARRIVED).order_by(Visit.number).limit(16)
                ).all()
                taken = claim(db, left, f"Guichet {desk}") if left else None
            if taken is None:
                nobody += not left
            else:
                called.append(taken)
        return called

    with ThreadPoolExecutor(8) as pool:
        return [one for calls in pool.map(one_desk, range(8)) for one in calls]


def unlocked(db: Session, ranked: Sequence[UUID], desk: str) -> UUID | None:
    """The same statement without the lock and without the outer question."""
    first = (
        select(Visit.id)
        .where(Visit.id.in_(ranked), Visit.state == State.ARRIVED)
        .order_by(case({one: place for place, one in enumerate(ranked)}, value=Visit.id))
        .limit(1)
        .scalar_subquery()
    )
    return db.execute(
        update(Visit)
        .where(Visit.id == first)
        .values(state=State.CALLED, desk=desk)
        .returning(Visit.id)
        .execution_options(synchronize_session=False)
    ).scalar()


def test_the_claim_alone_gives_each_person_to_one_desk_and_its_unlocked_control_does_not(
    database: Database, site: Site, at: datetime
) -> None:
    # One writer at a time hides the fault: the run on PostgreSQL is the one that proves.
    people = a_line(site, at, 60 if database.turns else 600)
    with database.transaction() as db:
        db.add_all(people)
    ids = [one.id for one in people]
    called = claim_everyone(
        database, lambda db, ranked, desk: waiting.claim(db, ranked, Stage.COUNTER, desk=desk, at=at)
    )
    assert Counter(called) == Counter(ids)
    with database.transaction() as db:
        db.execute(update(Visit).values(state=State.ARRIVED))
    doubles = len(claim_everyone(database, unlocked)) - len(ids)
    assert doubles == 0 if database.turns else doubles > 0


PROGRAMME = """
import sys, uuid, secrets, threading
from datetime import datetime
from pathlib import Path
from kiosk import waiting
from kiosk.register.database import open_sqlite
from kiosk.register.sites import this_site
from kiosk.register.visits import Stage
folder, at = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
database = open_sqlite(folder / "register.sqlite", folder / "results.sqlite")
with database.reading() as db:
    site = this_site(db)
called = []
def desk(name):
    while True:
        try:
            called.append(waiting.rank_and_call(
                database, site, Stage.COUNTER, desk=name, by=name, at=at, chance=secrets.token_bytes,
                key=uuid.uuid4().hex,
            ).id)
        except waiting.NobodyWaits:
            return
print("ready", flush=True)
sys.stdin.readline()
desks = [threading.Thread(target=desk, args=(f"{sys.argv[3]}{n}",)) for n in range(4)]
for one in desks: one.start()
for one in desks: one.join()
print(*called, flush=True)
"""


def test_two_programmes_of_four_desks_call_nobody_twice_on_one_file(
    sqlite_folder: Path, at: datetime, request: pytest.FixtureRequest
) -> None:
    opened = open_sqlite(sqlite_folder / "register.sqlite", sqlite_folder / "results.sqlite")
    site = Site(
        id=uuid4(), number=1, name="Annexe", timezone="Europe/Paris", opens=at.time(), closes=at.time()
    )  # fmt: skip
    people = a_line(site, at, 120)
    with opened.transaction() as db:
        db.add(site)
        db.flush()  # the visits refer to it
        db.add_all(people)
    opened.close()
    later = (at + timedelta(hours=1)).isoformat()
    both = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAMME, str(sqlite_folder), later, name],
            cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in ("A", "B")
    ]  # fmt: skip
    for one in both:
        request.addfinalizer(one.kill)
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [one.communicate(timeout=100)[0].split() for one in both]
    assert all(told)  # both programmes took part
    assert Counter(told[0] + told[1]) == Counter(str(one.id) for one in people)


def test_one_desk_calls_in_the_order_of_the_line(
    database: Database, site: Site, at: datetime, sophie: Reception
) -> None:
    people = a_line(site, at, 20)
    people[14].booked_for = at + timedelta(minutes=10)
    people[17].urgent_because = "glycémie à l'heure"
    sophie.waits(30)
    with database.transaction() as db:
        db.add_all(people)
    with database.reading() as db:
        shown = [place.visit.id for place in waiting.line(db, site, Stage.COUNTER, at=sophie.at)]
    assert shown[:2] == [people[17].id, people[14].id]
    assert call_everyone(database, sophie) == shown


def test_a_number_is_written_with_its_move_its_word_its_journal_entry_and_its_event(
    database: Database, site: Site, sophie: Reception
) -> None:
    said = WhatWasSaid(kind="name", word="MOR", birth_date="19540302")
    with database.transaction() as db:
        visit = sophie.gives_number(db, Purpose.BOOKED, said)
    with database.reading() as db:
        assert (visit.number, visit.state, visit.day) == (1, State.ARRIVED, sophie.at.date())
        assert [(move.verb, move.by) for move in moves_of(db, visit.id)] == [("arrive", "sophie")]
        kept = db.get_one(Said, visit.id)
        assert (kept.kind, kept.word, kept.birth_date) == ("name", "MOR", "19540302")
        event = db.scalars(select(Event)).one()
        assert (event.topic, event.body) == ("line", {"number": 1, "stage": "counter"})
        assert verify(db, "register").size == 1


def test_an_empty_line_calls_nobody(database: Database, sophie: Reception) -> None:
    with pytest.raises(NobodyWaits):
        sophie.presses_next(database)


def test_who_was_called_since_the_ranking_is_passed_over(database: Database, site: Site, sophie: Reception) -> None:
    with database.transaction() as db:
        first, second = sophie.gives_number(db).id, sophie.gives_number(db).id
    with database.reading() as db:
        ranked = waiting.line(db, site, Stage.COUNTER, at=sophie.at)
    assert sophie.presses_next(database).id == first
    with database.transaction() as db:
        assert sophie.calls_one_of(db, ranked).id == second
    with database.transaction() as db, pytest.raises(NobodyWaits):
        sophie.calls_one_of(db, ranked)


def test_when_all_that_were_ranked_are_gone_the_line_is_ranked_anew(
    database: Database, sophie: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as db:
        sophie.gives_number(db)
    ranks = waiting.line

    def ranks_late(db: Session, *place: Any, **when: Any) -> list[Place]:
        """Between this ranking and its claim, another desk calls everyone and one more person comes."""
        places = ranks(db, *place, **when)
        monkeypatch.setattr(waiting, "line", ranks)
        assert len(call_everyone(database, sophie)) == 1
        with database.transaction() as other:
            sophie.gives_number(other)
        return places

    monkeypatch.setattr(waiting, "line", ranks_late)
    assert sophie.presses_next(database).number == 2


def test_yesterdays_people_are_not_called_today(database: Database, sophie: Reception) -> None:
    with database.transaction() as db:
        sophie.gives_number(db)
    sophie.waits(24 * 60)
    with database.transaction() as db, pytest.raises(NobodyWaits):
        sophie.calls_next(db)


def test_from_the_door_to_the_street(database: Database, site: Site, sophie: Reception) -> None:
    with database.transaction() as db:
        visit = sophie.gives_number(db)
    sophie.waits(12)
    with database.transaction() as db:
        assert sophie.calls_next(db).id == visit.id
        at_desk = waiting.at_desk(db, site, "Guichet 1", at=sophie.at)
        assert at_desk is not None
        assert at_desk.id == visit.id
    with database.transaction() as db:
        sophie.moves(db, visit, Verb.REGISTER)
    with database.transaction() as db:
        sent = sophie.moves(db, visit, Verb.SEND)
        assert (sent.stage, sent.waits_since) == (Stage.SAMPLING, sophie.at)
    with database.transaction() as db, pytest.raises(NobodyWaits):
        sophie.calls_next(db)
    karim = Reception(site, sophie.at, sophie.chance, "karim", "Salle 1")
    with database.transaction() as db:
        assert karim.calls_next(db, Stage.SAMPLING).state is State.IN_ROOM
    with database.transaction() as db:
        karim.moves(db, visit, Verb.SAMPLE)
    with database.transaction() as db:
        assert karim.moves(db, visit, Verb.LEAVE).state is State.LEFT
    with database.reading() as db:
        calls = waiting.last_calls(db, site, at=sophie.at)
        assert {(call.verb, call.desk, call.reason) for call in calls} == {
            ("call", "Guichet 1", "attend depuis 12 min"), ("call_to_room", "Salle 1", "vient d'arriver"),
        }  # fmt: skip
        assert waiting.at_desk(db, site, "Salle 1", at=sophie.at) is None
        assert verify(db, "register").size == 7


def test_a_kept_appointment_is_kept_in_the_sampling_line_too(database: Database, site: Site, sophie: Reception) -> None:
    with database.transaction() as db:
        visit = sophie.gives_number(db, Purpose.BOOKED)
        visit.booked_for = sophie.at + timedelta(minutes=5)
        sophie.calls_next(db)
        sophie.waits(40)  # the counter took its time
        sophie.moves(db, visit, Verb.REGISTER)
        sophie.moves(db, visit, Verb.SEND)
        [place] = waiting.line(db, site, Stage.SAMPLING, at=sophie.at)
    assert place.ranked.reason == "rendez-vous de 8 h 35"


def test_a_call_is_undone_within_ten_seconds_and_the_place_is_kept(
    database: Database, site: Site, sophie: Reception
) -> None:
    with database.transaction() as db:
        first, _ = sophie.gives_number(db), sophie.gives_number(db)
    with database.transaction() as db:
        called = sophie.calls_next(db)
        assert called.id == first.id
    sophie.at += timedelta(seconds=10)
    with database.transaction() as db:
        back = sophie.moves(db, called, Verb.UNDO)
        assert (back.state, back.desk, back.called_at) == (State.ARRIVED, None, None)
    with database.reading() as db:
        assert waiting.line(db, site, Stage.COUNTER, at=sophie.at)[0].visit.id == first.id


def test_after_ten_seconds_a_call_is_not_undone(database: Database, sophie: Reception) -> None:
    with database.transaction() as db:
        sophie.gives_number(db)
        called = sophie.calls_next(db)
    sophie.at += timedelta(seconds=10, microseconds=1)
    with database.transaction() as db, pytest.raises(TooLate):
        sophie.moves(db, called, Verb.UNDO)


def test_who_missed_a_call_comes_back_to_the_place_it_left(database: Database, site: Site, sophie: Reception) -> None:
    with database.transaction() as db:
        first = sophie.gives_number(db)
        sophie.calls_next(db)
        sophie.moves(db, first, Verb.MISS)
        sophie.waits(3)
        sophie.gives_number(db)
        sophie.moves(db, first, Verb.COME_BACK)
        assert waiting.line(db, site, Stage.COUNTER, at=sophie.at)[0].visit.id == first.id
        assert sophie.calls_next(db).id == first.id
    with database.reading() as db:
        assert moves_of(db, first.id)[-1].before == "returned"


def test_a_move_that_the_table_does_not_have_changes_nothing(database: Database, sophie: Reception) -> None:
    with database.transaction() as db:
        visit = sophie.gives_number(db)
    with pytest.raises(NotNow), database.transaction() as db:
        sophie.moves(db, visit, Verb.SAMPLE)
    with database.reading() as db:
        assert db.get_one(Visit, visit.id).state is State.ARRIVED
        assert len(moves_of(db, visit.id)) == 1


def test_the_announced_range_grows_with_the_line_and_is_kept_to_be_scored(
    database: Database, sophie: Reception
) -> None:
    with database.transaction() as db:
        first = sophie.gives_number(db)
        for _ in range(6):
            last = sophie.gives_number(db)
    assert (first.announced_low, first.announced_high) == (0, 5)
    assert last.announced_low > 0
    assert last.announced_high > first.announced_high


def test_the_board_hears_calls_and_undone_calls_by_number_and_desk_alone(database: Database, sophie: Reception) -> None:
    with database.transaction() as db:
        visit = sophie.gives_number(db)
        sophie.calls_next(db)
        sophie.moves(db, visit, Verb.RECALL)
        sophie.moves(db, visit, Verb.UNDO)
    with database.reading() as db:
        heard = [
            (event.topic, event.body.get("verb"), event.body.get("desk"))
            for event in db.scalars(select(Event).order_by(Event.seq))
        ]
        bodies = [event.body for event in db.scalars(select(Event))]
    assert heard == [
        ("line", None, None), ("call", "call", "Guichet 1"), ("call", "recall", "Guichet 1"), ("call", "undo", None),
    ]  # fmt: skip
    assert all(set(body) <= {"number", "desk", "stage", "verb"} for body in bodies)
