"""Whose turn it is: nobody is called twice, nobody is forgotten, and every call has its reason."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from kiosk.counter import turns
from kiosk.counter.turns import NobodyWaits, call_next, claim, rank_and_call
from kiosk.places import Offered, first_in_turn, line
from kiosk.register import clock
from kiosk.register.database import Database, open_sqlite
from kiosk.register.events import Event
from kiosk.register.journal import verify
from kiosk.register.once import PageAlreadyUsed
from kiosk.register.sites import Site
from kiosk.register.visits import Move, Purpose, Stage, State, Verb, Visit
from tests.kiosk.secretary import Chance, Reception, a_crowd, a_line, statements
from tests.thorough import far

HOUSE = Path(__file__).resolve().parents[3]


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


def test_the_last_persons_form_sent_twice_at_once_is_answered_the_same_twice(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    (person,) = people = a_line(site, at, 1)
    with database.transaction() as db:
        db.add_all(people)
    told: dict[str, Any] = {"desk": "Guichet 1", "by": "sophie", "at": at, "chance": chance, "key": "a" * 32}
    with ThreadPoolExecutor(1) as pool:
        with database.reading() as db:
            offered = first_in_turn(db, site, Stage.COUNTER, at=at, first=1)
        with database.transaction() as db:
            first = call_next(db, site, Stage.COUNTER, offered, **told)
            second = pool.submit(rank_and_call, database, site, Stage.COUNTER, **told)
            # Until the first press is kept the other has no answer; long enough here for one that would not wait.
            assert not wait([second], timeout=0.5).done
        assert first.id == second.result(30).id == person.id
    with database.reading() as db:
        assert len(db.scalars(select(Move)).all()) == 1


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


def locked(site: Site, at: datetime, db: Session, ranked: Sequence[UUID], desk: str) -> UUID | None:
    """The claim of the house."""
    visit = claim(db, ranked, Stage.COUNTER, site=site, desk=desk, at=at, key=uuid4().hex)
    return None if visit is None else visit.id


def test_the_claim_alone_gives_each_person_to_one_desk_and_its_unlocked_control_does_not(
    database: Database, site: Site, at: datetime
) -> None:
    # One writer at a time hides the fault: the run on PostgreSQL is the one that proves.
    people = a_line(site, at, 60 if database.turns else 600)
    with database.transaction() as db:
        db.add_all(people)
    ids = [one.id for one in people]
    called = claim_everyone(database, partial(locked, site, at))
    assert Counter(called) == Counter(ids)
    with database.transaction() as db:
        db.execute(update(Visit).values(state=State.ARRIVED))
    doubles = len(claim_everyone(database, unlocked)) - len(ids)
    assert doubles == 0 if database.turns else doubles > 0


PROGRAMME = """
import sys, uuid, secrets, threading
from datetime import datetime
from pathlib import Path
from kiosk.counter import turns
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
            called.append(turns.rank_and_call(
                database, site, Stage.COUNTER, desk=name, by=name, at=at, chance=secrets.token_bytes,
                key=uuid.uuid4().hex,
            ).id)
        except turns.NobodyWaits:
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
        shown = [place.visit.id for place in line(db, site, Stage.COUNTER, at=sophie.at)]
    assert shown[:2] == [people[17].id, people[14].id]
    assert call_everyone(database, sophie) == shown


def test_an_empty_line_calls_nobody(database: Database, sophie: Reception) -> None:
    with pytest.raises(NobodyWaits):
        sophie.presses_next(database)


def test_who_was_called_since_the_ranking_is_passed_over(database: Database, site: Site, sophie: Reception) -> None:
    with database.transaction() as db:
        first, second = sophie.gives_number(db).id, sophie.gives_number(db).id
    with database.reading() as db:
        ranked = first_in_turn(db, site, Stage.COUNTER, at=sophie.at, first=2)
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
    ranks = first_in_turn

    def ranks_late(db: Session, *place: Any, **when: Any) -> list[Offered]:
        """Between this ranking and its claim, another desk calls everyone and one more person comes."""
        offered = ranks(db, *place, **when)
        monkeypatch.setattr(turns, "first_in_turn", ranks)
        assert len(call_everyone(database, sophie)) == 1
        with database.transaction() as other:
            sophie.gives_number(other)
        return offered

    monkeypatch.setattr(turns, "first_in_turn", ranks_late)
    assert sophie.presses_next(database).number == 2


def test_a_form_that_has_called_somebody_calls_nobody_else(database: Database, sophie: Reception) -> None:
    form = sophie.key()
    with database.transaction() as db:
        sophie.gives_number(db)
        second = sophie.gives_number(db)
    first = sophie.presses_next(database, form)
    assert sophie.presses_next(database, form).id == first.id
    sophie.name = "amel"
    with pytest.raises(PageAlreadyUsed):
        sophie.presses_next(database, form)
    sophie.name = "sophie"
    assert sophie.presses_next(database).id == second.id
    assert sophie.presses_next(database, form).id == first.id  # nobody waits any more


def test_a_call_says_no_more_to_the_database_than_the_rows_that_it_writes_and_who_waits(
    database: Database, sophie: Reception
) -> None:
    with database.transaction() as db:
        for _ in range(3):
            sophie.gives_number(db)
    with statements(database) as said:
        sophie.presses_next(database)
    written = [one.split()[2 if one.startswith("INSERT") else 1] for one in said if not one.startswith("SELECT")]
    assert written == [
        "visit", "visit_move", "journal_leaf", "journal_text", "journal_head", "event_counter", "event",
    ]  # fmt: skip
    assert len(said) == len(written) + 2  # who waits, and where the journal ends


def test_yesterdays_people_are_not_called_today(database: Database, sophie: Reception) -> None:
    with database.transaction() as db:
        sophie.gives_number(db)
    sophie.waits(24 * 60)
    with database.transaction() as db, pytest.raises(NobodyWaits):
        sophie.calls_next(db)


def test_a_kept_appointment_is_kept_in_the_sampling_line_too(database: Database, site: Site, sophie: Reception) -> None:
    with database.transaction() as db:
        visit = sophie.gives_number(db, Purpose.BOOKED)
        visit.booked_for = sophie.at + timedelta(minutes=5)
        sophie.calls_next(db)
        sophie.waits(40)  # the counter took its time
        sophie.moves(db, visit, Verb.REGISTER)
        sophie.moves(db, visit, Verb.SEND)
        [place] = line(db, site, Stage.SAMPLING, at=sophie.at)
    assert place.ranked.reason == "rendez-vous de 8 h 35"


@pytest.mark.parametrize("seed", range(far(2, 30)))
def test_of_a_crowd_of_every_class_each_call_is_stored_with_a_reason_that_is_true(
    database: Database, site: Site, at: datetime, sophie: Reception, seed: int
) -> None:
    crowd = a_crowd(site, at, Random(seed), 30)
    for visit in crowd:
        visit.stage, visit.state = Stage.COUNTER, State.ARRIVED
    with database.transaction() as db:
        db.add_all(crowd)
    hours = {}
    with suppress(NobodyWaits):
        while True:
            hours[sophie.presses_next(database).id] = sophie.at
            sophie.waits(1.5)
    assert hours.keys() == {one.id for one in crowd}
    with database.reading() as db:
        told = {one.visit_id: one.reason for one in db.scalars(select(Move).where(Move.verb == Verb.CALL))}
    assert told == {one.id: true_reason(one, site, hours[one.id]) for one in crowd}


def true_reason(visit: Visit, site: Site, called_at: datetime) -> str:
    """What may be said of a call, from the row alone."""
    minutes = int((called_at - visit.waits_since).total_seconds() // 60)
    waited = f"attend depuis {minutes} min" if minutes > 0 else "vient d'arriver"
    if visit.urgent_because:
        return f"urgence : {visit.urgent_because}"
    if visit.booked_for and visit.arrived_at <= visit.booked_for + timedelta(minutes=15):
        return f"rendez-vous de {clock.hour(site.timezone, visit.booked_for)}"
    if visit.needs_help:
        return f"aide, {waited}"
    if visit.purpose is Purpose.COLLECT:
        return f"résultat ou flacon, {waited}"
    return (
        f"rendez-vous de {clock.hour(site.timezone, visit.booked_for)} manqué, {waited}" if visit.booked_for else waited
    )
