"""The day's appointments on screen, and the convocation that each person takes home."""

from kiosk.booking.appointments import Verb, change
from tests.kiosk.counter.conftest import Counter, Person


def convocations(counter: Counter) -> list[str]:
    return [job.printer for job in counter.spool.jobs() if job.kind == "convocation"]


def prints(counter: Counter, sophie: Person, **told: str) -> str:
    booked = counter.books("Moreau", "19540203")
    return sophie.does(f"/rendez-vous/{booked.id}/convocation", **told)


def test_who_is_expected_is_listed_by_hour_and_the_days_are_turned(counter: Counter) -> None:
    counter.books("Roux", "19800101", minutes=60)
    counter.books("Moreau", "19540203", minutes=20)
    counter.books("Diallo", "19900505", minutes=24 * 60 + 20)
    sophie = counter.sits()
    today, tomorrow = sophie.sees("/rendez-vous"), sophie.sees("/rendez-vous?dans=1")
    assert today.index("MOREAU") < today.index("ROUX")
    assert "DIALLO" not in today
    assert "DIALLO" in tomorrow
    assert "MOREAU" not in tomorrow
    assert "Personne n'est attendu" in sophie.sees("/rendez-vous?dans=2")
    assert all("MOREAU" in sophie.sees(f"/rendez-vous?dans={strange}") for strange in ("x", "-1", "²", "0"))


def test_a_convocation_goes_to_the_printer_of_the_counter(counter: Counter) -> None:
    page = prints(counter, counter.sits(), preparation="fasting")
    assert "La convocation part" in page
    assert convocations(counter) == ["slips"]


def test_the_same_form_prints_it_once_and_another_form_again(counter: Counter) -> None:
    sophie, booked = counter.sits(), counter.books("Moreau", "19540203")
    for key in ("a" * 32, "a" * 32, "b" * 32):
        sophie.does(f"/rendez-vous/{booked.id}/convocation", form_key=key)
    assert len(convocations(counter)) == 2


def test_one_that_was_cancelled_prints_nothing(counter: Counter) -> None:
    sophie, booked = counter.sits(), counter.books("Moreau", "19540203")
    with counter.writing() as db:
        row = db.merge(booked)
        change(db, row, Verb.CANCEL, by="sophie", at=counter.room.at, chance=counter.chance)
    assert sophie.sends(f"/rendez-vous/{booked.id}/convocation").status_code == 409
    missing = booked.id.__class__(int=9)
    assert sophie.sends(f"/rendez-vous/{missing}/convocation").status_code == 404
    assert convocations(counter) == []


def test_a_sampler_does_not_see_who_is_expected(counter: Counter) -> None:
    karim = counter.sits("karim")
    assert karim.browser.get("/rendez-vous").status_code == 403
