"""What the counter hears from the kiosks, and tells them."""

from kiosk.door.answers import keep_answer
from kiosk.register.events import ask_for_help
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


def test_a_page_with_a_stream_is_told_of_a_call_and_asks_seldom_any_other_asks_each_second(counter: Counter) -> None:
    sophie = counter.sits()
    assert 'hx-get="/aide?line=1"' in sophie.sees("/file")
    for asked, again in (("/aide?bar=1", "every 1s"), ("/aide?line=1", "sse:help, sse:resync, every 5s")):
        assert f'hx-trigger="{again}"' in sophie.sees(asked)
    with counter.writing() as db:
        ask_for_help(db, this_site(db).id, kiosk="Borne 1", page="code", key="c" * 32, at=counter.room.at)
    # A call that comes, and going there, leave each page what it was.
    shown = sophie.sees("/aide?line=1&vu=-")
    assert "Borne 1" in shown
    assert "line=1" in shown
    assert "line=1" not in sophie.sees("/aide?vu=-")
    gone = sophie.browser.client.post(
        "/aide?line=1", base_url="https://labo.test", environ_base={"REMOTE_ADDR": sophie.browser.address},
        headers={"HX-Request": "true"}, data={"csrf_token": sophie.browser.token, "kiosk": "Borne 1"},
    )  # fmt: skip
    assert "Borne 1" not in gone.text
    assert "sse:help, sse:resync, every 5s" in gone.text
