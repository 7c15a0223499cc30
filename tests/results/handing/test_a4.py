"""A laboratory with an office printer hands over and posts A4: sealed on its way, proved, with its address alone."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from html import unescape

import pytest
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from printers.moves import State
from printers.office.wire import fingerprint_of
from printers.office.worker import OfficeOwner
from printers.paper import A4, Text
from printers.rows import Proved
from printers.settings import Printer
from results.handing.hand_over_record import HandOver
from results.handing.letters import Letter
from results.vault.codes import write_code, write_handle
from tests.ippeve import Ippeve, open_ippeve
from tests.results.cast import PIN, exam_of
from tests.results.handing.test_letters import wishes_post
from tests.results.signing_room import VALUE, SigningRoom, open_signing_room, result
from tests.staffroom import Browser

Chance = Callable[[int], bytes]
C0, C2, C3 = ReleaseClass.C0, ReleaseClass.C2, ReleaseClass.C3


@pytest.fixture
def room(room: SigningRoom) -> SigningRoom:
    app = room.desks.app
    house = app.extensions["house"]
    settings = replace(house.more["settings"], report_printer="office")
    app.extensions["house"] = replace(
        house, forms={**house.forms, "reports": A4}, more={**house.more, "settings": settings}
    )
    return room


def handed(room: SigningRoom, value: str = VALUE) -> tuple[Browser, str]:
    """Sophie, and the page of a confidential report that she has just handed over against its code."""
    dossier_id = room.desks.dossier(C2)
    slip = room.desks.slip(dossier_id)
    room.desks.report(dossier_id, C2, body=result(exam_of(C2), value))
    visit_id = room.visit_of(dossier_id)
    room.hour_comes()
    browser = room.desks.browser("sophie")
    browser.get("/remise")
    answer = browser.post(
        f"/remise/{visit_id}/code", form_key=room.key(), document="passport", handle=write_handle(slip.handle),
        line="1", code=write_code(slip.codes[0]), pin=PIN,
    )  # fmt: skip
    return browser, str(answer.location)


def owner(room: SigningRoom, ippeve: Ippeve) -> OfficeOwner:
    spool, start = room.station.spool, room.station.start
    assert start is not None
    spool.write_proved("office", Proved(model=ippeve.model, process_id=True, status=True, at=room.desks.at, by="roux"))
    printer = Printer(
        name="office", kind="ipp", address=ippeve.address, media=A4, fingerprint=fingerprint_of(ippeve.address)
    )
    return OfficeOwner(printer, spool, lasting=room.station.lasting.opening, start=start, clock=lambda: room.desks.at)


def test_a_report_comes_out_of_a_real_office_printer_and_nothing_of_it_stays(
    room: SigningRoom, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with open_ippeve(tmp_path_factory.mktemp("p")) as ippeve:
        browser, place = handed(room, "ZQCANARI")
        works = owner(room, ippeve)
        spool = room.station.spool
        (job,) = [job for job in spool.jobs() if job.kind == "report"]
        assert (job.printer, job.secret) == ("office", True)
        payload = spool.payload(job.key)
        assert payload is not None
        assert len(payload) > 256 << 10
        while not spool.jobs([State.CONFIRMED, State.UNSURE, State.VOID]):
            works.step()
        assert spool.job(job.key).state is State.CONFIRMED  # type: ignore[union-attr]
        (kept,) = ippeve.kept
        read = subprocess.run(["pdftotext", "-layout", str(kept), "-"], capture_output=True, check=True).stdout.decode()
        assert not [path for path in kept.parent.glob("log") if b"ZQCANARI" in path.read_bytes()]
    first, second, _ = read.split("\f")
    assert "ZQCANARI" in first
    assert "Validé par" in first
    assert "Page 1 sur 2" in first
    assert "reste blanche" in second
    assert "ZQCANARI" not in second
    page = unescape(browser.get(place).text)
    assert "Imprimé." in page
    assert "Mettez toutes ses pages dans l'enveloppe" in page
    assert "ZQCANARI" not in page
    room.desks.database.fold_results()
    files = [path for path in room.desks.room.folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not [path.name for path in files if b"ZQCANARI" in path.read_bytes()]


def test_whatever_it_says_its_job_is_sealed_to_the_same_length(room: SigningRoom) -> None:
    spool = room.station.spool
    lengths = []
    for value in ("négatif", "positif, à contrôler sur un second prélèvement " * 10):
        handed(room, value)
        (job,) = [
            job for job in spool.jobs([State.QUEUED]) if job.kind == "report" and job.sealed_to == spool.last_number()
        ]
        lengths.append(len(spool.payload(job.key) or b""))
    assert len(set(lengths)) == 1
    with room.desks.database.reading() as db:
        assert {row.sheets for row in db.scalars(select(HandOver))} == {1}


def test_a_receipt_still_comes_out_of_the_roll(room: SigningRoom) -> None:
    browser, place = handed(room)
    browser.post(f"{place}/recu", form_key=room.key())
    printers = {job.kind: job.printer for job in room.station.spool.jobs()}
    assert printers["report"] == "office"
    assert {printer for kind, printer in printers.items() if kind != "report"} == {"slips"}


def test_a_letter_bears_the_address_that_was_typed_and_nothing_keeps_it(room: SigningRoom) -> None:
    visit_id = wishes_post(room, room.signed(C0))
    browser = room.desks.browser("sophie")
    batch = browser.get("/plis").text
    assert f'method="get" action="/plis/{visit_id}"' in batch
    asked = unescape(browser.get(f"/plis/{visit_id}").text)
    assert "devant la fenêtre" in asked
    wrong = browser.post(f"/plis/{visit_id}", form_key=room.key(), line1="Mme MOREAU", line2="x" * 39)
    assert wrong.status_code == 422
    assert "38 lettres au plus" in wrong.text
    assert "Mme MOREAU" in wrong.text  # nothing typed is lost
    browser.post(
        f"/plis/{visit_id}", form_key=room.key(), line1="Mme MOREAU", line2="12 rue des Zqlilas", line4="75011 PARIS"
    )
    (paper,) = room.station.papers()
    address, *rest = paper.pages()
    assert [cell.item.s for cell in address] == ["Mme MOREAU", "12 rue des Zqlilas", "75011 PARIS"]  # type: ignore[union-attr]
    assert any(VALUE in cell.item.s for page in rest for cell in page if isinstance(cell.item, Text))  # type: ignore[union-attr]
    assert len(rest) == 1
    assert "0 liasse sortie sur 1" in browser.get("/plis").text
    files = [path for path in room.desks.room.folder.rglob("*") if path.is_file()]
    assert not [path.name for path in files if b"Zqlilas" in path.read_bytes()]


def test_a_letter_without_an_address_has_no_sheet_for_it(room: SigningRoom) -> None:
    visit_id = wishes_post(room, room.signed(C0))
    browser = room.desks.browser("sophie")
    browser.get("/plis")
    browser.post(f"/plis/{visit_id}", form_key=room.key())
    (paper,) = room.station.papers()
    assert len(paper.pages()) == 1
    with room.desks.database.reading() as db:
        (letter,) = db.scalars(select(Letter))
    again = unescape(browser.get(f"/plis/{visit_id}?again=spoilt").text)
    assert "Pourquoi refaire ce pli" in again
    room.desks.later(seconds=1)
    browser.post(f"/plis/{visit_id}", form_key=room.key(), again="spoilt")
    with room.desks.database.reading() as db:
        assert len(list(db.scalars(select(Letter)))) == 2
    assert letter.sheets == 1


def test_a_laboratory_with_a_roll_is_asked_for_no_address(
    tmp_path_factory: pytest.TempPathFactory, at: datetime, chance: Chance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_signing_room(tmp_path_factory.mktemp("roll"), monkeypatch, at=at, chance=chance) as roll:
        visit_id = wishes_post(roll, roll.signed(C0))
        answer = roll.desks.browser("sophie").get(f"/plis/{visit_id}")
        assert (answer.status_code, answer.location) == (303, "/plis")
