"""A place in the line changed by hand: urgent with a reason, help by one key, another desk, back to the counter."""

from kiosk.line.policy import Policy
from kiosk.register.visits import Stage, State
from tests.kiosk.counter.conftest import Counter, words_of


def test_an_urgent_person_is_called_first_and_the_line_says_why(counter: Counter) -> None:
    counter.arrives()
    counter.room.later(minutes=20)
    frail, sophie = counter.arrives(), counter.sits()
    page = sophie.sees(f"/file/{frail.id}/place")
    assert "En ce moment : vient d'arriver." in page
    page = sophie.does(f"/file/{frail.id}/place", reason="personne fragile")
    assert "urgence : personne fragile" in page
    assert sophie.calls().id == frail.id


def test_a_reason_of_ones_own_counts_and_may_be_taken_back(counter: Counter) -> None:
    sophie = counter.sits()
    visit = counter.arrives()
    sophie.does(f"/file/{visit.id}/place", reason="-", other="glycémie à 9 h", help="yes")
    assert "passe en premier : glycémie à 9 h" in sophie.sees(f"/file/{visit.id}/place")
    assert (counter.visit(visit.id).urgent_because, counter.visit(visit.id).needs_help) == ("glycémie à 9 h", True)
    sophie.does(f"/file/{visit.id}/place", reason="-")
    assert (counter.visit(visit.id).urgent_because, counter.visit(visit.id).needs_help) == (None, False)


def test_without_a_word_nobody_goes_first(counter: Counter) -> None:
    sophie = counter.sits()
    visit = counter.arrives()
    answer = sophie.sends(f"/file/{visit.id}/place", reason="")
    assert answer.status_code == 422
    assert words_of(answer) == "Dites en une ligne pourquoi cette personne passe en premier."


def test_one_form_says_that_somebody_needs_help_and_keeps_an_urgency(counter: Counter) -> None:
    sophie = counter.sits()
    visit = counter.arrives()
    sophie.does(f"/file/{visit.id}/place", reason="personne fragile")
    for _ in range(2):
        sophie.does(f"/file/{visit.id}/aide", form_key="a" * 32)
    kept = counter.visit(visit.id)
    assert (kept.urgent_because, kept.needs_help) == ("personne fragile", True)


def test_above_the_cap_of_an_hour_everyone_is_warned_and_nobody_refused(counter: Counter) -> None:
    sophie = counter.sits()
    cap = Policy().urgent_cap
    for n in range(cap + 1):
        visit = counter.arrives()
        page = sophie.does(f"/file/{visit.id}/place", reason="personne fragile")
        assert ("urgences dans l'heure" in page) == (n == cap)
    assert f"{cap + 1} urgences dans l'heure" in page


def test_a_called_person_is_given_to_another_desk_and_that_desk_has_the_number(counter: Counter) -> None:
    sophie, nadia = counter.sits(), counter.sits("nadia", "Guichet 2")
    counter.arrives()
    visit = sophie.calls()
    page = sophie.sees(f"/file/{visit.id}/place")
    assert "Donner à un autre guichet" in page
    assert 'value="Guichet 1"' not in page
    assert sophie.sends(f"/file/{visit.id}/guichet", desk="Guichet 1").status_code == 422
    assert sophie.sends(f"/file/{visit.id}/guichet", desk="Ailleurs").status_code == 422
    assert "est appelé : Guichet 2" in sophie.does(f"/file/{visit.id}/guichet", desk="Guichet 2")
    assert f"/passage/{visit.id}" in nadia.sees("/file").split("card now")[1].split("</section>")[0]


def test_who_is_handed_back_goes_to_the_draw_again_with_the_same_labels(counter: Counter) -> None:
    sophie, karim = counter.sits(), counter.sits("karim", "Salle 1")
    visit = sophie.labels("1104")
    counter.sends_to_the_draw(visit.id)
    karim.does("/prelevement/appeler")
    assert "Renvoyer au guichet" in karim.sees("/prelevement")
    karim.does(f"/prelevement/{visit.id}/au-guichet")
    assert (counter.visit(visit.id).state, counter.visit(visit.id).stage) == (State.ARRIVED, Stage.COUNTER)
    assert sophie.calls().id == visit.id
    assert "Imprimer les étiquettes" not in sophie.sees(f"/passage/{visit.id}/etiquettes")
    counter.sends_to_the_draw(visit.id)
    assert counter.visit(visit.id).state is State.WAITING


def test_who_misses_two_calls_is_set_aside_in_words(counter: Counter) -> None:
    sophie = counter.sits()
    counter.arrives()
    visit = sophie.calls()
    assert "Il revient dans la file dans cinq minutes." in sophie.does(f"/file/{visit.id}/absent")
    assert "revient seul en 5" in sophie.sees("/file")
    counter.room.later(minutes=5)
    assert sophie.calls().id == visit.id
    assert "a manqué deux appels" in sophie.does(f"/file/{visit.id}/absent")
    assert counter.visit(visit.id).state is State.PARKED


def test_who_waits_for_the_draw_may_be_parked_or_sent_back(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104")
    counter.sends_to_the_draw(visit.id)
    assert "Renvoyer au guichet" in sophie.sees(f"/file/{visit.id}/place")
    sophie.does(f"/file/{visit.id}/de-cote")
    sophie.does(f"/file/{visit.id}/de-retour")
    assert counter.visit(visit.id).state is State.RETURNED


def test_who_is_back_in_the_line_is_set_aside_again_like_anybody_who_waits(counter: Counter) -> None:
    sophie = counter.sits()
    visit = counter.arrives()
    for act, state in (("de-cote", State.PARKED), ("de-retour", State.RETURNED)):
        sophie.does(f"/file/{visit.id}/{act}")
        assert counter.visit(visit.id).state is state
    assert f'action="/file/{visit.id}/de-cote"' in sophie.sees(f"/file/{visit.id}/place")
    assert "mis de côté" in sophie.does(f"/file/{visit.id}/de-cote")
    assert counter.visit(visit.id).state is State.PARKED
