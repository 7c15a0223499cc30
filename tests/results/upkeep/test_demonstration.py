"""A demonstration is founded at any hour and anywhere, is marked as one, and shows its codes in no real laboratory."""

import os
import stat
import time as system_time
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pyotp import TOTP
from sqlalchemy import select

from kiosk.booking.appointments import Appointment
from kiosk.exams.prescriptions import exams_of, prescribe
from kiosk.places import line
from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.patients import Document, Patient, recognise
from kiosk.register.sites import this_site
from kiosk.register.visits import Stage, State, Visit
from kiosk.settings import KioskSettings, StaffSettings, read_settings
from labels.planning.plan import plan
from labels.printing import number_tubes
from labels.tubes import Verb, move
from printers import settings as printer_settings
from results.matrix import in_force
from results.upkeep import demonstration, founding
from results.upkeep.check import check
from results.upkeep.demonstration import (
    CAST,
    Convocation,
    Made,
    NotADemonstration,
    codes,
    fake_printers,
    is_one,
    play_laboratory,
    read_kept,
    welcome,
)
from results.upkeep.founding import Answers, Printers, make_folders, make_site, opened_instance
from results.vault.keys import KeyRing
from tests.founded import demonstration_in, door_of

PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "instance"


@pytest.fixture
def made(instance: Path) -> Made:
    return demonstration_in(instance)


def test_a_demonstration_is_a_good_instance_and_says_that_it_is_one(instance: Path, made: Made) -> None:
    assert [finding for finding in check(instance) if "sur le disque" not in finding.sentence] == []
    assert is_one(instance)
    assert read_settings(instance / "kiosk.toml", KioskSettings).demonstration
    staff = read_settings(instance / "staff.toml", StaffSettings)
    assert staff.demonstration
    assert set(staff.promise_minutes.values()) == {1}
    assert stat.S_IMODE((instance / "demonstration.toml").stat().st_mode) == 0o600
    assert "DÉMONSTRATION" in welcome(made)


def test_everyone_of_the_cast_has_proofs_of_their_own_that_open_the_door(instance: Path, made: Made) -> None:
    assert {person.login for person in made.people} == {login for _, login, _ in CAST}
    assert len({person.seed for person in made.people}) == len({person.password for person in made.people}) == len(CAST)
    with door_of(instance) as door:
        for person in made.people:
            assert door.enter(person.login, person.password, door.digits(person.seed)), person.login
        assert "DÉMONSTRATION" in door.client.get("/", base_url="https://labo.test").text


def test_the_shipped_matrix_is_signed_and_in_force(instance: Path, made: Made) -> None:
    with opened_instance(instance) as database, database.reading() as db:
        found = in_force(db, KeyRing.load(instance / "keys"), clock.now())
    assert found is not None
    assert found.version == 1


def test_the_codes_of_the_moment_are_those_of_an_authenticator(instance: Path, made: Made) -> None:
    at = datetime(2026, 11, 21, 8, 0, 17, tzinfo=UTC)
    told = codes(instance, at=at)
    for person in made.people:
        assert f"{person.password}  code {TOTP(person.seed).at(at)}" in told
    assert made.passphrase in told
    assert "encore 13 s" in told


def test_what_is_told_at_the_founding_is_what_is_kept(instance: Path, made: Made) -> None:
    kept = read_kept(instance)
    assert str(kept["passphrase"]) == made.passphrase
    assert [one["code"] for one in kept["convocations"]] == [one.code for one in made.convocations]
    said = welcome(made)
    assert all(one.code in said for one in made.convocations)
    assert all(person.password in said for person in made.people)


def test_a_real_laboratory_has_no_codes_no_played_results_and_no_fake_printers(instance: Path, made: Made) -> None:
    (instance / "demonstration.toml").unlink()
    with pytest.raises(NotADemonstration):
        codes(instance, at=clock.now())
    with pytest.raises(NotADemonstration):
        play_laboratory(instance, at=clock.now(), chance=clock.chance)
    assert fake_printers(instance, paper_port=1) == []


def test_the_fake_printers_stand_where_the_settings_look_for_them(instance: Path, made: Made) -> None:
    (programme,) = fake_printers(instance, paper_port=19399)
    assert programme.port == 19399
    for name, one in printer_settings.read(instance / "printers.toml").items():
        assert f"{name}={one.address.rsplit(':', 1)[1]}" in programme.command


def test_the_played_laboratory_answers_a_drawn_tube_once(instance: Path, made: Made) -> None:
    at, chance = clock.now(), clock.chance
    with opened_instance(instance) as database:
        with database.transaction() as db:
            visit = db.scalars(select(Visit).order_by(Visit.number.desc())).first()
            patient = db.scalars(select(Patient).order_by(Patient.number)).first()
            assert visit is not None
            assert patient is not None
            visit.state = State.CALLED
            recognise(db, visit, patient, document=Document.CARD, by="sophie", at=at)
            prescribe(db, visit.id, ["0552", "1104"], by="sophie", at=at, chance=chance)
        with database.transaction() as db:
            kept = db.get_one(Visit, visit.id)
            for tube in number_tubes(db, kept, plan(exams_of(db, visit.id)), by="sophie", at=at, chance=chance):
                move(tube, Verb.DRAW)
                tube.drawn_at, tube.drawn_by = at, "karim"
    first = play_laboratory(instance, at=at, chance=chance)
    assert first.read == first.stored == 1
    # The dossier was never opened at the counter: the answer waits for a person, and none is lost.
    assert first.quarantined == 1
    second = play_laboratory(instance, at=at + timedelta(minutes=1), chance=chance)
    assert (second.read, second.duplicate) == (1, 1)


#: Hours at which a newcomer may try: nearly midnight, just after it, both nights when the clock moves, year's end.
HOURS = {
    "a morning": datetime(2026, 11, 21, 8, 30, tzinfo=PARIS),
    "23 h 58": datetime(2026, 11, 21, 23, 58, tzinfo=PARIS),
    "0 h 05": datetime(2026, 11, 22, 0, 5, tzinfo=PARIS),
    "before summer time": datetime(2026, 3, 29, 1, 50, tzinfo=PARIS),
    "after summer time": datetime(2026, 3, 29, 3, 5, tzinfo=PARIS),
    "the hour that comes twice, first": datetime(2026, 10, 25, 2, 45, tzinfo=PARIS),
    "the hour that comes twice, again": datetime(2026, 10, 25, 2, 45, tzinfo=PARIS, fold=1),
    "year's end": datetime(2026, 12, 31, 23, 58, tzinfo=PARIS),
}


def filled(instance: Path, at: datetime, chance: Chance) -> tuple[Convocation, ...]:
    """A new demonstration's patients, appointments and line, without its people's slow proofs."""
    answers = Answers(
        name="Tilleuls", number=1, timezone="Europe/Paris", opens=time(7, 30), closes=time(18, 0),
        printers=Printers(labels="tcp://a:1", tickets="tcp://a:2", slips="tcp://a:3"),
    )  # fmt: skip
    make_folders(instance)
    site = make_site(instance, answers, at=at, chance=chance)
    return demonstration._fill(instance, site, at=at, chance=chance)


@pytest.mark.parametrize("hour", HOURS)
def test_at_any_hour_appointments_are_to_come_and_on_this_day(instance: Path, hour: str, chance: Chance) -> None:
    at = HOURS[hour].astimezone(UTC)
    convocations = filled(instance, at, chance)
    assert len(convocations) == 5
    with opened_instance(instance) as database, database.reading() as db:
        site = this_site(db)
        today = clock.day(site.timezone, at)
        booked = db.scalars(select(Appointment).order_by(Appointment.start)).all()
        assert {one.day for one in booked} == {today}
        assert all(at < one.start for one in booked)
        assert [one.code for one in booked] == [one.code for one in convocations]
        assert len(line(db, site, Stage.COUNTER, at=at)) == 3


def test_in_the_last_minute_of_the_day_there_is_no_appointment_left_and_it_founds(
    instance: Path, chance: Chance
) -> None:
    assert filled(instance, datetime(2026, 11, 21, 23, 59, 30, tzinfo=PARIS).astimezone(UTC), chance) == ()


@pytest.fixture
def far_away() -> Iterator[None]:
    """This process on a machine whose own clock is set to the other end of the world."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Kiritimati"
    system_time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    system_time.tzset()


def test_a_machine_in_another_time_zone_founds_the_same_laboratory_whole(
    instance: Path, far_away: None, chance: Chance
) -> None:
    at = HOURS["23 h 58"].astimezone(UTC)
    founding.make_folders(instance)
    made = demonstration.found(instance, station="ab" * 64, at=at, chance=chance)
    assert {one.hour for one in made.convocations} == {"23 h 59"}
    with opened_instance(instance) as database, database.reading() as db:
        assert {one.day for one in db.scalars(select(Appointment))} == {clock.day("Europe/Paris", at)}
        # Three people who came in the last quarter-hour: today's numbers, in their order.
        assert [one.visit.number for one in line(db, this_site(db), Stage.COUNTER, at=at)] == [1, 2, 3]
    assert read_kept(instance)["convocations"][0]["born"] == "28021954"
