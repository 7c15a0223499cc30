"""The live line at the counter: one key calls the right person, and nobody is lost."""

import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from kiosk.register.visits import State, Visit
from kiosk.ticket import code_of, follow_address
from kiosk.waiting import WhatWasSaid
from printers.paper import Paper, Text
from printers.spool import Spool
from printers.verify import proved, read_symbols
from tests.kiosk.counter.conftest import Counter, words_of


def test_f2_calls_who_has_an_appointment_before_who_came_first(counter: Counter) -> None:
    sophie = counter.sits()
    counter.arrives()
    booked = counter.books("Moreau", "19540203", minutes=1)
    expected = counter.arrives(WhatWasSaid(kind="code", word=booked.code))
    visit = sophie.calls()
    assert visit.id == expected.id
    assert (visit.state, visit.desk) == (State.CALLED, "Guichet 1")


def test_the_line_tells_number_and_reason_and_never_a_name(counter: Counter) -> None:
    sophie = counter.sits()
    booked = counter.books("Moreau", "19540203")
    counter.arrives(WhatWasSaid(kind="name", word="MOR", birth_date="19540203"))
    page = sophie.sees("/file")
    assert "à identifier" in page
    assert "nom et date donnés" in page
    sophie.sends("/file/reconnaitre")
    page = sophie.sees("/file")
    assert "rendez-vous de 9 h" in page
    assert "Moreau" not in page.replace("MOREAU", "Moreau")
    assert booked.code not in page


def test_an_arrival_that_several_appointments_suit_is_shown_to_a_person(counter: Counter) -> None:
    sophie = counter.sits()
    counter.books("Martin", "19540203")
    counter.books("Martinez", "19540203", minutes=60)
    visit = counter.arrives(WhatWasSaid(kind="name", word="MAR", birth_date="19540203"))
    assert "rendez-vous à vérifier" in sophie.sees("/file")
    sophie.calls()
    page = sophie.sees(f"/passage/{visit.id}")
    assert "MARTINEZ" in page
    chosen = re.findall(r'name="appointment" value="([0-9a-f-]+)"', page)
    assert len(chosen) == 2
    sophie.does(f"/passage/{visit.id}/rendez-vous", appointment=chosen[1])
    assert counter.visit(visit.id).booked_for is not None


def test_two_desks_never_call_the_same_person(counter: Counter) -> None:
    sophie, nadia = counter.sits(), counter.sits("nadia", "Guichet 2")
    counter.arrives()
    counter.arrives()
    assert sophie.calls().id != nadia.calls().id


def test_an_empty_line_is_said_and_nothing_happens(counter: Counter) -> None:
    answer = counter.sits().sends("/file/appeler")
    assert answer.status_code == 409
    assert words_of(answer) == "Personne n'attend. La file est vide."


def test_a_call_may_be_undone_for_ten_seconds(counter: Counter) -> None:
    sophie = counter.sits()
    counter.arrives()
    visit = sophie.calls()
    assert "Annuler cet appel" in sophie.sees("/file")
    sophie.does(f"/file/{visit.id}/annuler")
    assert counter.visit(visit.id).state is State.ARRIVED
    visit = sophie.calls()
    counter.room.later(seconds=11)
    assert "Annuler cet appel" not in sophie.sees("/file")
    assert sophie.sends(f"/file/{visit.id}/annuler").status_code == 409
    assert counter.visit(visit.id).state is State.CALLED


def test_who_was_called_before_the_next_one_is_still_a_touch_away(counter: Counter) -> None:
    sophie = counter.sits()
    for _ in range(2):
        counter.arrives()
    first = sophie.calls()
    counter.room.later(seconds=20)
    second = sophie.calls()
    page = sophie.sees("/file")
    assert first.id != second.id
    assert f"Ouvrir le passage numéro {first.number}" in page
    assert f'/passage/{first.id}"' in page


@pytest.mark.parametrize(
    ("acts", "after"),
    [
        (["rappeler"], State.CALLED),
        (["absent"], State.NO_SHOW),
        (["absent", "de-retour"], State.RETURNED),
        (["de-cote"], State.PARKED),
        (["de-cote", "de-retour"], State.RETURNED),
        (["au-revoir"], State.LEFT),
    ],
)
def test_a_called_person_may_be(counter: Counter, acts: list[str], after: State) -> None:
    sophie = counter.sits()
    counter.arrives()
    visit = sophie.calls()
    for act in acts:
        sophie.does(f"/file/{visit.id}/{act}")
    assert counter.visit(visit.id).state is after


def test_nobody_is_sent_to_the_draw_from_the_line_itself(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104")
    # The way of the results is asked first: without it a report would find no dossier to be sealed to.
    assert sophie.sends(f"/file/{visit.id}/en-attente").status_code == 404
    assert "Envoyer au prélèvement" not in sophie.sees(f"/passage/{visit.id}/etiquettes") + sophie.sees("/file")
    assert counter.visit(visit.id).state is State.REGISTERED


def test_f10_gives_a_number_of_the_same_series_and_one_ticket(counter: Counter) -> None:
    sophie = counter.sits()
    first = counter.arrives()
    key = "c" * 32
    for _ in range(2):
        page = sophie.does("/file/numero", form_key=key, purpose="walk_in")
    assert f"Numéro {first.number + 1} donné" in page
    assert [job.kind for job in counter.spool.jobs()] == ["ticket"]


def test_a_ticket_of_the_counter_is_the_kiosks_own_in_the_persons_language(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = counter.room.app.extensions["house"].more
    more["settings"] = replace(more["settings"], follow_url="https://file.labo.test/")
    papers: list[Paper] = []
    put = Spool.put

    def seen(spool: Spool, paper: Paper, **told: Any) -> Any:
        papers.append(paper)
        return put(spool, paper, **told)

    monkeypatch.setattr(Spool, "put", seen)
    sophie = counter.sits()
    for language, kept, words in (
        ("ar", "ar", "رقمك"), ("tr", "tr", "Numaranız"), ("xx", "fr", "Votre numéro"), (None, "fr", "Votre numéro"),
    ):  # fmt: skip
        key = counter.chance(16).hex()
        sophie.does("/file/numero", form_key=key, purpose="walk_in", **({"language": language} if language else {}))
        with counter.room.database.reading() as db:
            visit = db.scalars(select(Visit).order_by(Visit.number.desc())).first()
        assert visit is not None
        assert visit.language == kept
        assert isinstance(papers[-1].items[0], Text)
        assert papers[-1].items[0].s == words
        address = follow_address("https://file.labo.test", visit, key)
        assert address
        assert sorted(read_symbols(proved(papers[-1]))) == sorted([address, code_of(visit.id)])


def test_who_leaves_before_the_draw_leaves_with_a_reason(counter: Counter) -> None:
    sophie = counter.sits()
    visit = counter.arrives()
    assert "Parti avant le prélèvement" in sophie.sees(f"/file/{visit.id}/fin")
    assert sophie.sends(f"/file/{visit.id}/fin").status_code == 422
    assert counter.visit(visit.id).state is State.ARRIVED
    sophie.does(f"/file/{visit.id}/fin", reason="parti avant le prélèvement")
    assert counter.visit(visit.id).state is State.CANCELLED


def test_who_has_labels_does_not_leave_with_them_unnoticed(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104")
    answer = sophie.sends(f"/file/{visit.id}/fin", reason="parti avant le prélèvement")
    assert answer.status_code == 409
    assert counter.visit(visit.id).state is State.REGISTERED


def test_an_open_page_asks_only_for_what_has_changed(counter: Counter) -> None:
    sophie = counter.sits()
    counter.arrives()
    address = re.search(r'hx-get="(/file/panneau\?vu=[^"]+)"', sophie.sees("/file"))
    assert address
    assert sophie.browser.get(address[1]).status_code == 204
    counter.arrives()
    assert sophie.browser.get(address[1]).status_code == 200


def test_only_who_may_call_sees_the_line(counter: Counter) -> None:
    alex = counter.sits("alex")
    assert alex.browser.get("/file").status_code == 403
    assert alex.sends("/file/appeler").status_code == 403
