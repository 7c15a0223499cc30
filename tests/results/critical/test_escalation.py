"""Whom to ring at which hour, the drills, and the figures: rules with their hour as an argument."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import pytest

from kiosk.register.database import Database, uuid7
from kiosk.register.sites import Site
from results.critical.alerts import Contact, CriticalAlert, EndReason, State, needs_fetching
from results.critical.drills import A_DAY, Drill, draw_drill, drill_now, end_drill, is_biologist_wanted
from results.critical.escalation import (
    SHIPPED,
    EscalationStep,
    StepToCorrect,
    add_step,
    biologist_number,
    end_step,
    is_within,
    plan_at,
)
from results.critical.finding import Cause
from results.critical.times import as_csv, summary
from tests.staffroom import power_of, ring_of

Chance = Callable[[int], bytes]
POWER = power_of(ring_of())
PARIS = "Europe/Paris"


def alert_at(at: datetime, state: State = State.FOUND, **hours: datetime) -> CriticalAlert:
    ended = EndReason.KNOWN if state is State.CLOSED else None
    return CriticalAlert(
        id=uuid7(at, Random(1).randbytes), cause=Cause.FLAG, state=state, received_at=at, found_at=at, moved_at=at,
        end_reason=ended, **hours,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("now", "starts", "ends", "inside"),
    [(480, 480, 1140, True), (1140, 480, 1140, False), (0, 1140, 480, True), (1200, 1140, 480, True),
     (600, 1140, 480, False), (600, 0, 0, True), (0, 480, 480, True)],
)  # fmt: skip
def test_a_span_of_the_day_may_pass_midnight(now: int, starts: int, ends: int, *, inside: bool) -> None:
    assert is_within(now, starts, ends) is inside


def test_each_hour_has_its_list_and_no_hour_has_none(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    by = uuid7(at, chance)

    def adds(starts: str, ends: str, minute: str, contact: Contact, number: str = "") -> EscalationStep:
        with database.transaction("results") as db:
            return add_step(
                db, site.id, starts=starts, ends=ends, minute=minute, contact=contact, name="Dr Lenoir",
                number=number, by=by, power=POWER, at=at, chance=chance, key=chance(16).hex(),
            )  # fmt: skip

    with database.reading() as db:
        assert plan_at(db, site.id, PARIS, at, POWER) == SHIPPED
    day = adds("8:00", "19h", "0", Contact.BIOLOGIST, "06 11 22 33 44")
    adds("8h00", "19:00", "20", Contact.EMERGENCY, "15")
    night = adds("19:00", "8:00", "10", Contact.COLLEAGUE, "0622334455")
    with database.reading() as db:
        by_day = plan_at(db, site.id, PARIS, at.replace(hour=9), POWER)
        by_night = plan_at(db, site.id, PARIS, at.replace(hour=22), POWER)
        assert [one.contact for one in by_day] == [Contact.BIOLOGIST, Contact.EMERGENCY]
        assert [one.is_due(timedelta(minutes=10)) for one in by_day] == [True, False]
        assert [one.contact for one in by_night] == [Contact.COLLEAGUE]
        assert biologist_number(db, site.id, PARIS, at.replace(hour=9), POWER) == "0611223344"
        assert biologist_number(db, site.id, PARIS, at.replace(hour=22), POWER) == "0622334455"
    with database.transaction("results") as db:
        end_step(db, night.id, by=by, power=POWER, at=at, chance=chance)
    with database.reading() as db:
        assert plan_at(db, site.id, PARIS, at.replace(hour=22), POWER) == SHIPPED
    with database.transaction("results") as db:
        db.get_one(EscalationStep, day.id).number = b"forged"
    with database.reading() as db:  # a row that the house has not written sends nobody anywhere
        assert biologist_number(db, site.id, PARIS, at.replace(hour=9), POWER) == ""


@pytest.mark.parametrize(
    "wrong", [{"starts": "25:00"}, {"ends": "8:75"}, {"minute": "121"}, {"minute": ""}, {"contact": "friend"}]
)
def test_a_line_that_cannot_be_is_not_added(
    database: Database, site: Site, at: datetime, chance: Chance, wrong: dict[str, str]
) -> None:
    said = {"starts": "8:00", "ends": "19:00", "minute": "0", "contact": "biologist", "name": "", "number": ""} | wrong
    with pytest.raises(StepToCorrect), database.transaction("results") as db:
        add_step(db, site.id, **said, by=uuid7(at, chance), power=POWER, at=at, chance=chance, key=chance(16).hex())


def test_reception_is_asked_after_five_minutes_unseen_or_ten_without_a_move(at: datetime) -> None:
    minute = timedelta(minutes=1)
    assert not needs_fetching(alert_at(at), at + 5 * minute - timedelta(seconds=1))
    assert needs_fetching(alert_at(at), at + 5 * minute)
    for state in (State.SEEN, State.CALLING, State.REACHED, State.READ_BACK):
        assert not needs_fetching(alert_at(at, state), at + 9 * minute)
        assert needs_fetching(alert_at(at, state), at + 10 * minute)
    for state in (State.ACKNOWLEDGED, State.SENT, State.CLOSED):
        assert not needs_fetching(alert_at(at, state), at + 60 * minute)


def test_drills_come_at_random_and_end_by_themselves(database: Database, site: Site, at: datetime) -> None:
    chance, beat, begun, days = Random(3).randbytes, timedelta(minutes=10), list[Drill](), 2
    with database.transaction("results") as db:
        for step in range(days * 24 * 6):
            drill = draw_drill(db, site.id, every=beat, at=at + step * beat, chance=chance)
            begun += [] if drill is None else [drill]
    assert 1 <= len(begun) <= 4 * A_DAY * days
    with database.reading() as db:
        for drill in begun:
            assert timedelta(minutes=2) <= drill.ends_at - drill.starts_at <= timedelta(minutes=12)
            assert is_biologist_wanted(db, site.id, drill.starts_at)
            assert not is_biologist_wanted(db, site.id, drill.ends_at)
    with database.transaction("results") as db:
        running = draw_drill(db, site.id, every=timedelta(days=1), at=at - timedelta(days=9), chance=chance)
        assert running is not None
        db.flush()
        assert drill_now(db, site.id, at - timedelta(days=9)) is not None
        end_drill(db, site.id, at=at - timedelta(days=9) + timedelta(seconds=30))
        assert drill_now(db, site.id, at - timedelta(days=9) + timedelta(seconds=31)) is None


def test_the_figures_count_from_receipt_and_what_still_waits_too_long(at: datetime) -> None:
    minute = timedelta(minutes=1)
    waits = [alert_at(at, State.SENT, reached_at=at + number * minute) for number in (5, 12, 29, 31, 75)]
    figures = summary([*waits, alert_at(at), alert_at(at, State.CLOSED)], at + 40 * minute)
    assert (figures.count, figures.closed, figures.reached) == (7, 1, 5)
    assert (figures.share, figures.median, figures.longest, figures.over) == (50, 29, 75, 1)
    assert summary([], at).share == 100


def test_the_table_names_nobody_and_no_analysis(at: datetime) -> None:
    text = as_csv([alert_at(at, State.SENT, reached_at=at + timedelta(minutes=12))], PARIS)
    assert text.split("\r\n")[1] == "21/11/2026;08:30;;;12;;;;signal du SIL;compte rendu envoyé"
