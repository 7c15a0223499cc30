"""What a person does in the print room: once, for the paper that was seen, and never behind another's back."""

import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from kiosk.register.journal import RegisterText
from labels.printing import LabelCopy
from labels.tubes import State as TubeState
from labels.tubes import tubes_of
from printers.moves import STATION, State, Verb
from tests.kiosk.counter.conftest import words_of
from tests.labels.printroom.conftest import card_of, words

if TYPE_CHECKING:
    PrintRoom = Any


def doubted(prints: "PrintRoom", *codes: str) -> tuple[Any, Any, list[Any]]:
    """Sophie, a visit, and its labels, of which the printer proved none."""
    sophie = prints.counter.sits()
    prints.starts()
    prints.fakes["labels"].answers_id = False
    visit = sophie.labels(*codes)
    prints.until(lambda: all(job.state is State.UNSURE for job in prints.labels()))
    prints.fakes["labels"].answers_id = True
    return sophie, visit, prints.labels()


def form_of(page: str, path: str, position: int = 0) -> dict[str, str]:
    """The hidden fields of one of the page's forms, as the browser would send them."""
    forms = re.findall(rf'<form[^>]*action="{path}"[^>]*>(.*?)</form>', page, re.DOTALL)
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', forms[position])
    return {name: value for name, value in found if name != "csrf_token"}


def tube_states(prints: "PrintRoom", visit: Any) -> list[TubeState]:
    with prints.counter.room.database.reading() as db:
        return [tube.state for tube in tubes_of(db, visit)]


def copies(prints: "PrintRoom") -> list[tuple[int, str | None]]:
    with prints.counter.room.database.reading() as db:
        rows = db.scalars(select(LabelCopy).order_by(LabelCopy.copy))
        return [(row.copy, row.reason) for row in rows]


def test_a_yes_confirms_the_job_and_the_tube_once(prints: "PrintRoom") -> None:
    sophie, visit, (first, second) = doubted(prints, "1104", "0552")
    page = sophie.sees("/imprimantes")
    assert "L'étiquette 1 sur 2 est-elle sortie et lisible ?" in words(page)
    assert "L'étiquette 2 sur 2 est-elle sortie et lisible ?" in words(page)
    form = form_of(page, "/imprimantes/papier/sorti")
    assert form["job"] == str(first.id)
    page = sophie.does("/imprimantes/papier/sorti", **form)
    assert "L'étiquette 1 sur 2" not in words(page)
    assert (prints.state(first.key)[0], prints.state(second.key)[0]) == (State.CONFIRMED, State.UNSURE)
    assert tube_states(prints, visit) == [TubeState.LABELLED, TubeState.PLANNED]
    page = sophie.does("/imprimantes/papier/sorti", **form)
    assert "a changé d'état entre-temps" in page
    with prints.counter.room.database.reading() as db:
        told = [text for text in db.scalars(select(RegisterText.text)) if "label.printed" in text]
    assert len(told) == 1


def test_a_no_prints_the_next_copy_on_the_same_printer_with_its_reason_and_a_journal_entry(
    prints: "PrintRoom",
) -> None:
    sophie, _, (first,) = doubted(prints, "1104")
    form = form_of(sophie.sees("/imprimantes"), "/imprimantes/etiquette/reimprimer")
    for _ in range(2):  # the same form, sent twice
        sophie.does("/imprimantes/etiquette/reimprimer", **form | {"reason": "illisible"})
    assert prints.state(first.key) == (State.VOID, "illisible")
    second = first.key.removesuffix("/1") + "/2"
    prints.until(lambda: prints.state(second)[0] is State.CONFIRMED)
    assert [job.key for job in prints.labels()] == [first.key, second]
    assert {paper.symbols[0] for paper in prints.fakes["labels"].paper} == {first.key.split("/")[1]}
    assert len(prints.fakes["labels"].paper) == 2
    assert copies(prints) == [(1, None), (2, "illisible")]
    with prints.counter.room.database.reading() as db:
        assert len([text for text in db.scalars(select(RegisterText.text)) if "label.reprinted" in text]) == 1


def test_two_desks_that_say_no_to_the_same_label_get_one_copy(prints: "PrintRoom") -> None:
    sophie, _, _ = doubted(prints, "1104")
    nadia = prints.counter.sits("nadia", desk="Guichet 2")
    path = "/imprimantes/etiquette/reimprimer"
    forms = [form_of(who.sees("/imprimantes"), path) | {"reason": "jamais sortie"} for who in (sophie, nadia)]
    sophie.does(path, **forms[0])
    answer = nadia.sends(path, **forms[1])
    assert answer.status_code == 409
    assert "Une autre copie" in words_of(answer)
    assert len(copies(prints)) == 2


def test_two_desks_at_the_very_same_moment_get_one_copy(prints: "PrintRoom") -> None:
    sophie, _, _ = doubted(prints, "1104")
    nadia = prints.counter.sits("nadia", desk="Guichet 2")
    path = "/imprimantes/etiquette/reimprimer"
    seen = [(who, form_of(who.sees("/imprimantes"), path) | {"reason": "jamais sortie"}) for who in (sophie, nadia)]
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda who=who, form=form: answers.append(who.sends(path, **form).status_code))
        for who, form in seen
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 409]
    assert len(copies(prints)) == 2


def test_a_yes_that_comes_after_a_no_changes_nothing(prints: "PrintRoom") -> None:
    sophie, visit, (first,) = doubted(prints, "1104")
    page = sophie.sees("/imprimantes")
    yes, no = (form_of(page, f"/imprimantes/{path}") for path in ("papier/sorti", "etiquette/reimprimer"))
    sophie.does("/imprimantes/etiquette/reimprimer", **no | {"reason": "perdue"})
    assert "a changé d'état entre-temps" in sophie.does("/imprimantes/papier/sorti", **yes)
    assert prints.state(first.key)[0] is State.VOID
    assert tube_states(prints, visit) == [TubeState.PLANNED]


@pytest.mark.parametrize("forged", [{"reason": ""}, {"reason": "x" * 121}, {"reason": "a\nb\x00"}])
def test_a_copy_needs_a_reason_of_one_line(prints: "PrintRoom", forged: dict[str, str]) -> None:
    sophie, _, _ = doubted(prints, "1104")
    form = form_of(sophie.sees("/imprimantes"), "/imprimantes/etiquette/reimprimer")
    assert sophie.sends("/imprimantes/etiquette/reimprimer", **form | forged).status_code == 422
    assert len(copies(prints)) == 1


def test_other_words_win_over_the_list(prints: "PrintRoom") -> None:
    sophie, _, _ = doubted(prints, "1104")
    form = form_of(sophie.sees("/imprimantes"), "/imprimantes/etiquette/reimprimer")
    sophie.does("/imprimantes/etiquette/reimprimer", **form | {"reason": "abîmée", "other": "collée de travers"})
    assert copies(prints)[1] == (2, "collée de travers")


def test_a_labels_absence_cannot_be_said_without_printing_it_again(prints: "PrintRoom") -> None:
    sophie, _, (first,) = doubted(prints, "1104")
    assert sophie.sends("/imprimantes/papier/pas-sorti", job=str(first.id)).status_code == 404
    assert prints.state(first.key)[0] is State.UNSURE


def test_a_label_that_the_printer_keeps_in_memory_is_not_to_be_reprinted_at_once(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    prints.stops_all()
    visit = sophie.labels("1104")
    key = prints.labels()[0].key
    prints.spool.begin(key, at=prints.counter.room.at)
    prints.spool.move(key, Verb.DOUBT, by=STATION, at=prints.counter.room.at, reason="no proof")
    assert "en mémoire" not in words(sophie.sees("/imprimantes"))
    prints.spool.tell("labels", "held", "paper-out", at=prints.counter.room.at)
    page = words(sophie.sees("/imprimantes"))
    assert "L'imprimante l'a peut-être encore en mémoire" in page
    assert f"Numéro {visit.number}" in page


def test_a_printer_is_paused_and_resumed_by_a_person(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    for _ in range(2):
        sophie.does("/imprimantes/labels/pause")
    sophie.labels("1104")
    prints.until(lambda: prints.state(prints.labels()[0].key) == (State.HELD, "pause"))
    prints.stops_all()
    prints.starts()  # a pause outlives its station
    card = card_of(sophie.sees("/imprimantes"), "labels")
    assert "État : en pause" in card
    assert "En pause depuis 08:30" in card
    assert prints.fakes["labels"].paper == []
    for _ in range(2):
        sophie.does("/imprimantes/labels/reprise")
    prints.until(lambda: prints.labels()[0].state is State.CONFIRMED)


def test_the_rest_of_a_batch_goes_to_another_desk_behind_its_header(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    prints.fakes["labels"].run_out()
    prints.until(prints.told("labels", "held", "paper-out"))
    sophie.labels("1104", "0552", "0127")
    prints.until(lambda: any(job.state is State.HELD for job in prints.labels()))
    page = sophie.sees("/imprimantes")
    assert "Passer la suite à second (Guichet 2)" in card_of(page, "labels")
    form = form_of(page, "/imprimantes/papier/passer")
    page = sophie.does("/imprimantes/papier/passer", **form)
    assert "second a pris la suite : 3 papiers, à" in card_of(page, "labels")
    prints.until(lambda: all(job.state is State.CONFIRMED for job in prints.labels()))
    numbers = [job.key.split("/")[1] for job in prints.labels()]
    assert [paper.symbols for paper in prints.fakes["second"].paper] == [[], *([number] for number in numbers)]
    prints.fakes["labels"].put_right()
    again = sophie.does("/imprimantes/papier/passer", **form)
    assert "a changé d'état entre-temps" in again
    assert prints.fakes["labels"].paper == []


def test_nothing_goes_to_another_medium_or_to_a_printer_that_does_not_exist(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    sophie.does("/imprimantes/labels/pause")
    sophie.labels("1104")
    job = prints.labels()[0]
    for to in ("tickets", "labels", "nowhere", ""):
        answer = sophie.sends("/imprimantes/papier/passer", job=str(job.id), to=to, **{"from": "labels"})
        assert answer.status_code == 404, to
    assert prints.labels()[0].printer == "labels"


def test_last_nights_backlog_asks_and_is_printed_or_thrown_away(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    sophie.does("/imprimantes/labels/pause")
    sophie.labels("1104", "0552")
    prints.counter.room.later(hours=11)
    sophie.browser.sign_in()
    sophie.sees("/imprimantes")
    sophie.does("/imprimantes/labels/reprise")
    prints.until(lambda: all((job.state, job.cause) == (State.HELD, "age") for job in prints.labels()))
    page = sophie.sees("/imprimantes")
    assert "2 papiers attendent depuis trop longtemps" in card_of(page, "labels")
    first, second = prints.labels()
    assert form_of(page, "/imprimantes/papier/imprimer")["job"]
    sophie.does("/imprimantes/papier/imprimer", job=str(first.id))
    prints.until(lambda: prints.state(first.key)[0] is State.CONFIRMED)
    page = sophie.does("/imprimantes/papier/jeter", job=str(second.id))
    assert "1 papier ne sortira pas" in page
    assert prints.state(second.key) == (State.VOID, "jetée")
    assert "a changé d'état" in sophie.does("/imprimantes/papier/imprimer", job=str(second.id))
    assert len(prints.fakes["labels"].paper) == 1


def test_a_queue_is_emptied_of_what_was_never_sent_and_of_nothing_that_came_since(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    prints.counter.sends_to_the_draw(sophie.labels("1104", "0552").id)
    prints.until(lambda: all(job.state is State.CONFIRMED for job in prints.labels()))
    sophie.does("/imprimantes/labels/pause")
    prints.counter.sends_to_the_draw(sophie.labels("1104", "0552", name="Diallo").id)
    page = sophie.sees("/imprimantes")
    assert "Vider la file : 2 papiers" in card_of(page, "labels")
    seen = [str(job.id) for job in prints.labels()]
    sophie.labels("0552", name="Petit")
    page = sophie.does("/imprimantes/papier/jeter", job=seen)
    assert "2 papiers ne sortiront pas" in page
    assert "a changé d'état" in page  # two were out already
    prints.until(lambda: prints.labels()[-1].cause == "pause")
    expected = [State.CONFIRMED, State.CONFIRMED, State.VOID, State.VOID, State.HELD]
    assert [job.state for job in prints.labels()] == expected


def test_a_paper_that_is_no_label_is_answered_yes_or_no_and_never_printed_again(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    prints.fakes["second"].answers_id = False
    for path in ("sorti", "pas-sorti"):
        sophie.does("/imprimantes/second/essai")
        prints.until(lambda: prints.spool.jobs()[-1].state is State.UNSURE)
        assert "La page d'essai est-elle sortie ?" in words(sophie.sees("/imprimantes"))
        sophie.does(f"/imprimantes/papier/{path}", job=str(prints.spool.jobs()[-1].id))
    assert [job.state for job in prints.spool.jobs()] == [State.CONFIRMED, State.VOID]
    assert len(prints.fakes["second"].paper) == 2


def test_the_last_label_that_i_ordered_heads_the_list_and_no_one_elses_stands_there(prints: "PrintRoom") -> None:
    sophie, nadia = prints.counter.sits(), prints.counter.sits("nadia", desk="Guichet 2")
    prints.starts()
    assert "Réimprimer ma dernière" not in sophie.sees("/imprimantes")
    hers = sophie.labels("1104", "0552")
    prints.counter.room.later(seconds=5)
    other = nadia.labels("0552", name="Diallo")
    page = sophie.sees("/imprimantes")
    options = re.findall(r'<option value="([0-9a-f-]{36} \d+)">([^<]+)</option>', page)
    assert [text.split(", ")[0] for _, text in options] == [f"Numéro {hers.number}"] * 2
    assert "étiquette 2/2" in options[0][1]
    assert f"Numéro {other.number}," in nadia.sees("/imprimantes")
    prints.until(lambda: all(job.state is State.CONFIRMED for job in prints.labels()))
    page = sophie.does("/imprimantes/etiquette/reimprimer", label=options[0][0], reason="abîmée")
    assert "Copie 2 de l'étiquette 2 sur 2 demandée" in page
    prints.until(lambda: len(prints.fakes["labels"].paper) == 4)
    assert ", copie 2</option>" in sophie.sees("/imprimantes")


def test_a_label_of_a_void_tube_is_not_printed_again(prints: "PrintRoom") -> None:
    sophie, visit, _ = doubted(prints, "1104")
    form = form_of(sophie.sees("/imprimantes"), "/imprimantes/etiquette/reimprimer")
    sophie.does(f"/passage/{visit.id}/etiquettes/annuler", reason="ordonnance à corriger")
    assert "est-elle sortie" not in sophie.sees("/imprimantes")
    answer = sophie.sends("/imprimantes/etiquette/reimprimer", **form | {"reason": "abîmée"})
    assert answer.status_code == 409


@pytest.mark.parametrize("path", ["/file/{}/fin", "/file/{}/au-revoir"])
def test_who_leaves_takes_no_ticket_out_of_the_printer(prints: "PrintRoom", path: str) -> None:
    sophie = prints.counter.sits()
    prints.starts()
    sophie.does("/imprimantes/tickets/pause")
    for _ in range(2):
        sophie.does("/file/numero", purpose="walk_in")
    visit = sophie.calls()
    sophie.does(path.format(visit.id), reason="parti")
    tickets = {job.key: job.state for job in prints.spool.jobs()}
    assert tickets.pop(f"ticket/{visit.id}/1") is State.VOID
    assert list(tickets.values()) == [State.HELD]


def test_who_leaves_before_the_draw_leaves_no_label_in_the_queue(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    sophie.does("/imprimantes/labels/pause")
    visit = sophie.labels("1104", "0552")
    sophie.does(f"/passage/{visit.id}/etiquettes/reimprimer", position="1", reason="abîmée")
    sophie.does(f"/passage/{visit.id}/etiquettes/parti")
    assert {job.state for job in prints.labels()} == {State.VOID}
    assert "Rien n'attend" in card_of(sophie.sees("/imprimantes"), "labels")


def test_the_screen_says_which_printer_took_over_by_itself(prints: "PrintRoom") -> None:
    beside = replace(prints.printers["second"], desk="Guichet 1")
    prints.printers |= {"labels": replace(prints.printers["labels"], fallback="second"), "second": beside}
    sophie = prints.counter.sits()
    prints.starts()
    prints.fakes["labels"].open_cover()
    prints.until(prints.told("labels", "held", "cover-open"))
    sophie.labels("1104", "0552")
    prints.until(lambda: all(job.state is State.CONFIRMED for job in prints.labels()))
    assert len(prints.fakes["second"].paper) == 2
    card = card_of(sophie.sees("/imprimantes"), "labels")
    assert "capot ouvert" in card
    assert "second a pris la suite d'elle-même : 2 papiers, à 08:30" in card
    prints.counter.room.later(minutes=31)
    sophie.browser.sign_in()
    assert "a pris la suite" not in sophie.sees("/imprimantes")
