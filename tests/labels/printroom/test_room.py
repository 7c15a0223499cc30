"""The print room as it is seen: lights, queues, causes and gestures, and the very picture that left."""

import re
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from sqlalchemy import select

from kiosk.register.patients import Patient
from labels.printroom.room import ASKED, SHOWN
from printers.moves import STATION, State, Verb
from printers.paper import ROLL_80, Cut, Paper, Text
from printers.preview import fingerprint
from tests.labels.printroom.conftest import card_of, words

if TYPE_CHECKING:
    PrintRoom = Any


def picture(person: Any, number: int) -> Any:
    """What the preview answers."""
    return person.browser.client.get(f"/imprimantes/papier/{number}.png", base_url="https://labo.test")


def test_each_printer_has_its_light_in_words(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    page = sophie.sees("/imprimantes")
    assert "Le poste d'impression est arrêté" in words(page)
    prints.starts()
    for name in ("labels", "second", "tickets", "slips"):
        assert "État : prête" in card_of(sophie.sees("/imprimantes"), name)
    labels, second = prints.fakes["labels"], prints.fakes["second"]
    labels.run_out()
    second.nearly_end()
    prints.fakes["tickets"].open_cover()
    prints.until(prints.told("labels", "held", "paper-out"))
    prints.until(prints.told("second", "ready", "near-end"))
    prints.until(prints.told("tickets", "held", "cover-open"))
    page = sophie.sees("/imprimantes")
    assert "plus de papier" in card_of(page, "labels")
    assert "Remettez du papier" in card_of(page, "labels")
    assert "papier bientôt fini" in card_of(page, "second")
    assert "capot ouvert" in card_of(page, "tickets")
    prints.fakes["slips"].mute = True
    prints.until(prints.told("slips", "held", "silent"))
    assert "muette" in card_of(sophie.sees("/imprimantes"), "slips")


def test_a_printer_that_proved_nothing_or_was_never_paired_says_so(prints: "PrintRoom") -> None:
    prints.spool._rows("UPDATE printers SET proved_at = NULL WHERE name = 'labels'")
    prints.spool._rows("UPDATE printers SET process_id = 0 WHERE name = 'second'")
    sophie = prints.counter.sits()
    prints.starts()
    page = sophie.sees("/imprimantes")
    assert "non appairée" in card_of(page, "labels")
    assert "prête, sans preuve" in card_of(page, "second")


def test_a_station_that_dies_is_told_on_every_light(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    prints.stops_all()
    for name in ("labels", "tickets"):
        assert "station arrêtée" in card_of(sophie.sees("/imprimantes"), name)


def test_what_waits_is_told_with_its_cause_and_comes_out_once_put_right(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    prints.fakes["labels"].run_out()
    prints.until(prints.told("labels", "held", "paper-out"))
    visit = sophie.labels("1104", "0552")
    prints.until(lambda: any(job.state is State.HELD for job in prints.labels()))
    card = card_of(sophie.sees("/imprimantes"), "labels")
    assert f"Numéro {visit.number}" in card
    assert "Étiquette 1/2" in card
    assert "plus de papier" in card
    prints.fakes["labels"].put_right()
    prints.until(lambda: all(job.state is State.CONFIRMED for job in prints.labels()))
    assert "Rien n'attend" in card_of(sophie.sees("/imprimantes"), "labels")
    assert len(prints.fakes["labels"].paper) == 2


def test_the_preview_is_the_picture_that_left_and_that_came_out(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    sophie.labels("1104")
    (job,) = prints.labels()
    prints.until(lambda: prints.state(job.key)[0] is State.CONFIRMED)
    shown = fingerprint(Image.open(BytesIO(picture(sophie, job.id).data)))
    sent = prints.spool.sendings([job.id])[job.id]
    assert shown == sent.dots == fingerprint(prints.fakes["labels"].paper[0].image)
    page = sophie.sees(f"/imprimantes?papier={job.id}")
    assert "l'image même qui est partie" in page
    assert 'width="189" height="94"' in page  # 50 × 25 mm at 96 pixels to the inch


def test_a_file_that_changed_since_is_told_beside_the_preview(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    sophie.labels("1104")
    (job,) = prints.labels()
    prints.until(lambda: prints.state(job.key)[0] is State.CONFIRMED)
    with prints.counter.writing() as db:
        db.scalars(select(Patient)).one().given_names = "Josette"
    assert "ce n'est plus l'image qui est partie" in sophie.sees(f"/imprimantes?papier={job.id}")


def test_a_test_page_comes_out_and_can_be_previewed(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    for _ in range(2):  # the same form, sent twice
        sophie.does("/imprimantes/second/essai", form_key="a" * 32)
    prints.until(lambda: len(prints.fakes["second"].paper) == 1)
    (job,) = prints.spool.jobs()
    prints.until(lambda: prints.state(job.key)[0] is State.CONFIRMED)
    shown = Image.open(BytesIO(picture(sophie, job.id).data))
    assert fingerprint(shown) == fingerprint(prints.fakes["second"].paper[0].image)


SLIP = "slip/00000000-0000-7000-8000-000000000001/1"


def secret(prints: "PrintRoom", key: str = SLIP) -> Any:
    text = Text(s="1  4821 9930 7715 2046", size_max=34, size_min=24)
    paper = Paper(kind=key.split("/", maxsplit=1)[0], form=ROLL_80, key=key, items=(text, Cut()), secret=True)
    return prints.spool.put(paper, printer="slips", at=prints.counter.room.at, chance=prints.counter.chance)


def test_of_a_confidential_paper_nothing_is_shown_and_it_can_only_be_cancelled(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    prints.fakes["slips"].run_out()
    prints.until(prints.told("slips", "held", "paper-out"))
    job = secret(prints)
    prints.until(lambda: prints.state(job.key)[0] is State.HELD)
    card = card_of(sophie.sees("/imprimantes"), "slips")
    assert "Papier confidentiel" in card
    assert "Aperçu" not in card
    assert "Passer la suite" not in card
    assert sophie.browser.get(f"/imprimantes/papier/{job.id}.png").status_code == 404
    assert "Rien d'un papier confidentiel" in sophie.sees(f"/imprimantes?papier={job.id}")
    for path in ("sorti", "pas-sorti", "passer"):
        sent = sophie.sends(f"/imprimantes/papier/{path}", job=str(job.id), **{"to": "tickets", "from": "slips"})
        assert sent.status_code == 404
    sophie.does("/imprimantes/papier/jeter", job=str(job.id))
    assert prints.state(job.key)[0] is State.VOID


def test_a_confidential_paper_shows_nothing_whatever_it_is_called(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    sophie.does("/imprimantes/slips/pause")
    visit = sophie.labels("1104")
    for key in ("test/slips/1", f"ticket/{visit.id}/1"):
        job = secret(prints, key)
        assert sophie.browser.get(f"/imprimantes/papier/{job.id}.png").status_code == 404
    card = card_of(sophie.sees("/imprimantes"), "slips")
    assert card.count("Papier confidentiel") == 2
    assert "Numéro" not in card
    assert "Aperçu" not in card


def test_a_confidential_paper_that_is_perhaps_out_belongs_to_its_own_desk(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    prints.starts()
    prints.fakes["slips"].answers_id = False
    job = secret(prints)
    prints.until(lambda: prints.state(job.key) == (State.UNSURE, "no proof"), seconds=20)
    page = sophie.sees("/imprimantes")
    assert "il est peut-être sorti" in page
    assert '/talon/00000000-0000-7000-8000-000000000001"' in page
    assert "est-il sorti" not in words(page)
    assert sophie.browser.get("/talon/00000000-0000-7000-8000-000000000001").status_code == 404
    prints.counter.room.later(hours=1)
    sophie.browser.sign_in()
    assert "peut-être sorti" not in sophie.sees("/imprimantes")


def test_a_backlog_of_three_hundred_is_a_number_and_not_a_page_without_end(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    for number in range(300):
        text = Text(s=f"Essai {number}", size_max=30, size_min=20)
        paper = Paper(kind="picture", form=ROLL_80, key=f"affiche/{number}/1", items=(text, Cut()))
        prints.spool.put(paper, printer="tickets", at=prints.counter.room.at, chance=prints.counter.chance, batch="b")
    page = sophie.sees("/imprimantes")
    assert page.count("Image</span>") == SHOWN
    assert f"Et {300 - SHOWN} autres de cette suite" in page
    assert "Vider la file : 300" in page
    for number in range(300):
        text = Text(s=f"Essai {number}", size_max=30, size_min=20)
        paper = Paper(kind="picture", form=ROLL_80, key=f"avis/{number}/1", items=(text, Cut()))
        prints.spool.put(paper, printer="slips", at=prints.counter.room.at, chance=prints.counter.chance)
    card = card_of(sophie.sees("/imprimantes"), "slips")
    assert card.count("Image") == SHOWN
    assert "300 papiers en tout" in card


def test_a_hundred_doubts_are_asked_a_few_at_a_time(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    for number in range(10):
        text = Text(s="Essai", size_max=30, size_min=20)
        paper = Paper(kind="picture", form=ROLL_80, key=f"affiche/{number}/1", items=(text, Cut()))
        prints.spool.put(paper, printer="tickets", at=prints.counter.room.at, chance=prints.counter.chance)
        prints.spool.begin(paper.key, at=prints.counter.room.at)
        prints.spool.move(paper.key, Verb.DOUBT, by=STATION, at=prints.counter.room.at)
    page = sophie.sees("/imprimantes")
    assert words(page).count("Ce papier est-il sorti") == ASKED
    assert f"Et {10 - ASKED} autres ensuite" in page
    assert "10 étiquettes à vérifier" in page  # the mark in the menu


def test_a_label_without_a_proof_asks_after_ten_seconds_and_not_before(prints: "PrintRoom") -> None:
    prints.spool._rows("UPDATE printers SET process_id = 0 WHERE name = 'labels'")
    sophie = prints.counter.sits()
    prints.starts()
    sophie.labels("1104")
    prints.until(lambda: prints.labels()[0].state is State.SENT)
    prints.stops_all()
    assert "est-elle sortie" not in sophie.sees("/imprimantes")
    prints.counter.room.later(seconds=11)
    page = words(sophie.sees("/imprimantes"))
    assert "L'étiquette 1 sur 1 est-elle sortie et lisible ?" in page
    assert "ne prouve pas ses impressions" in page
    assert "à vérifier" not in page  # the scan of the tube will say it: the menu calls nobody


def test_an_open_page_asks_only_for_what_has_changed(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    page = sophie.sees("/imprimantes")
    found = re.search(r"/imprimantes/panneau\?vu=(\w+)", page)
    assert found
    assert sophie.browser.get(f"/imprimantes/panneau?vu={found[1]}").status_code == 204
    sophie.labels("1104")
    assert "Étiquette" in sophie.sees(f"/imprimantes/panneau?vu={found[1]}")


def test_the_stream_says_that_something_changed_and_nothing_else(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    answer = sophie.browser.client.get("/imprimantes/evenements", base_url="https://labo.test", buffered=False)
    lines = iter(answer.response)
    assert next(lines).strip().startswith(b"event: resync")
    sophie.labels("1104")
    told = next(lines)
    assert told == b"event: papers\ndata: {}\n\n"
    answer.close()


def test_a_spool_that_is_away_is_told_and_breaks_no_other_page(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    path = prints.spool.path
    prints.spool.close()
    aside = path.rename(path.with_suffix(".aside"))
    path.mkdir()
    assert "n'est pas accessible" in sophie.sees("/imprimantes")
    assert "file d'impression inaccessible" in sophie.sees("/")
    assert sophie.sends("/imprimantes/labels/pause").status_code == 503
    path.rmdir()
    aside.rename(path)
    assert "n'est pas accessible" not in sophie.sees("/imprimantes")


@pytest.mark.parametrize("login", ["roux", "alex"])
def test_who_prints_no_labels_sees_no_print_room(prints: "PrintRoom", login: str) -> None:
    other = prints.counter.sits(login)
    assert other.browser.get("/imprimantes").status_code == 403
    assert other.browser.get("/imprimantes/papier/1.png").status_code == 403
    assert other.sends("/imprimantes/labels/pause").status_code == 403
    assert "Imprimantes" not in other.sees("/")


def test_numbers_that_are_no_jobs_are_answered_calmly(prints: "PrintRoom") -> None:
    sophie = prints.counter.sits()
    for told in ("0", "-1", "9" * 15, "x", "1; DROP", "٣", ""):
        assert sophie.sends("/imprimantes/papier/sorti", job=told).status_code == 404, told
        assert sophie.browser.get(f"/imprimantes?papier={told}").status_code == 200
    assert sophie.browser.get("/imprimantes/papier/99999999999999999999.png").status_code == 404
    assert sophie.sends("/imprimantes/nowhere/pause").status_code == 404
    assert sophie.sends("/imprimantes/etiquette/reimprimer", label="x 1", reason="abîmée").status_code == 404


def test_a_paper_whose_key_is_nobodys_breaks_no_page(prints: "PrintRoom", chance: Callable[[int], bytes]) -> None:
    """Whoever writes the spool may put any key there."""
    sophie = prints.counter.sits()
    at = prints.counter.room.at
    for kind, key in (("label", "label/x/1"), ("label", "label/263250100014/9"), ("ticket", "ticket/1/1")):
        text = Text(s="Essai", size_max=30, size_min=20)
        paper = Paper(kind=kind, form=ROLL_80, key=key, items=(text, Cut()))
        job = prints.spool.put(paper, printer="labels", at=at, chance=chance)
        prints.spool.begin(key, at=at)
        prints.spool.move(key, Verb.DOUBT, by=STATION, at=at)
        assert sophie.browser.get(f"/imprimantes/papier/{job.id}.png").status_code == 404
    assert "Une étiquette d'un autre jour est-elle sortie" in words(sophie.sees("/imprimantes"))
    prints.counter.room.later(days=2)
    sophie.browser.sign_in()
    assert sophie.browser.get("/imprimantes").status_code == 200
