"""What the counter hears from the kiosks, and tells them."""

from kiosk.door.answers import keep_answer
from kiosk.register.sites import this_site
from tests.kiosk.counter.conftest import Counter


def test_answers_of_the_kiosk_stand_in_the_dossier_as_said_by_the_patient(counter: Counter) -> None:
    sophie = counter.sits()
    visit = counter.arrives()
    page = sophie.sees(f"/passage/{visit.id}")
    assert "Dit par le patient" not in page
    with counter.writing() as db:
        keep_answer(db, visit.id, "fasting", "8_to_12", at=counter.room.at, key="a" * 32)
        keep_answer(db, visit.id, "delivery", "in_person", at=counter.room.at, key="b" * 32)
    page = sophie.sees(f"/passage/{visit.id}")
    assert "De 8 à 12 heures" in page
    assert "Je préfère le dire à la personne" in page
    assert page.count("Dit par le patient à la borne") == 2


def test_a_key_turns_rush_mode_on_for_the_day_and_off(counter: Counter) -> None:
    sophie = counter.sits()
    assert "Affluence" in sophie.sees("/affluence")
    for on, words in (("1", "Arrêter l"), ("1", "Arrêter l"), ("0", "Affluence")):
        assert sophie.browser.post("/affluence", on=on).status_code == 303
        page = sophie.sees("/affluence")
        assert words in page
        assert 'data-key="Shift+F2"' in page
        with counter.writing() as db:
            assert (this_site(db).rush_day is not None) == (on == "1")
