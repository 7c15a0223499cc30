"""Every envelope of a confidential class has the same sheets, whatever its result says; each sheet proves itself."""

from html import unescape

import pytest
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.patients import Patient
from printers.draw import LONGEST, draw
from printers.moves import State, Verb
from printers.paper import MEDIA, ROLL_80, Form, Paper, Text
from printers.verify import proved
from results.handing.hand_over_record import HandOver, key_of
from results.handing.sheets import SHEET_MM, SHEETS, SignedBody, report_papers
from results.vault.codes import write_code, write_handle
from results.vault.envelopes import Body, BodyKind
from results.vault.sealing import DoesNotOpen
from tests.results.cast import PIN, exam_of
from tests.results.signing_room import SigningRoom, result

C0, C2, C3 = ReleaseClass.C0, ReleaseClass.C2, ReleaseClass.C3
CONFIDENTIAL = tuple(SHEETS)
JEANNE = Patient(birth_name="Moreau", given_names="Jeanne, Marie", birth_date="19540228")


def body(lines: int, value: str = "négatif") -> Body:
    """A report of so many lines."""
    more = "".join(f"OBX|{n}|ST|0552^Ligne {n}^NABM||{value}||||||F\r" for n in range(2, lines + 1))
    return Body(kind=BodyKind.MESSAGE, content=result("0552", value, more=more), commitment=bytes(32))


def papers(release_class: ReleaseClass, lines: int = 1, *, form: Form = ROLL_80, value: str = "négatif") -> list[Paper]:
    found = report_papers(
        "report/1",
        JEANNE,
        [SignedBody(body=body(lines, value), by="Dr Claire Lenoir")],
        release_class=release_class,
        form=form,
    )
    return list(found)


def words(paper: Paper) -> str:
    return "\n".join(item.s for item in paper.items if isinstance(item, Text))


@pytest.mark.parametrize("release_class", CONFIDENTIAL)
@pytest.mark.parametrize("medium", ["roll-80", "roll-58", "roll-80-300dpi"])
def test_envelopes_of_a_confidential_class_differ_in_nothing_that_is_felt(
    release_class: ReleaseClass, medium: str
) -> None:
    sizes = {
        tuple(proved(paper).size for paper in papers(release_class, form=MEDIA[medium], value=value))
        for value in ("négatif", "positif", "POSITIF : à contrôler sur un second prélèvement dès que possible")
    }
    ((first, *others),) = sizes
    assert len(others) == SHEETS[release_class] - 1
    assert {*others, first} == {(MEDIA[medium].width, (SHEET_MM + 5) * MEDIA[medium].dpmm)}


def test_a_blank_sheet_says_that_it_is_one_and_every_sheet_says_its_place() -> None:
    first, second = papers(C2)
    assert words(first).endswith("Feuille 1 sur 2")
    assert words(second) == "Cette feuille reste blanche, comme dans chaque pli.\nFeuille 2 sur 2"


@pytest.mark.parametrize("lines", [20, 40, 80, 120])
def test_a_longer_report_takes_twice_as_many_sheets_and_loses_no_line(lines: int) -> None:
    made = papers(C2, lines)
    count = len(made)
    assert count in {2, 4, 8, 16, 32}
    assert {draw(paper).height for paper in made} == {(SHEET_MM + 5) * 8}
    said = "\n".join(words(paper) for paper in made)
    assert all(f"Ligne {number} :" in said for number in range(2, lines + 1))
    # Half of them would not have done.
    assert count == 2 or sum("reste blanche" in words(paper) for paper in made) < count // 2


def test_an_ordinary_report_is_one_paper_as_long_as_it_is_and_a_very_long_one_several() -> None:
    (short,) = papers(C0)
    assert draw(short).height < SHEET_MM * 8
    assert "Feuille" not in words(short)
    many = papers(C0, 540)
    assert len(many) > 1
    assert max(draw(paper).height for paper in many) <= LONGEST
    assert "Ligne 540 :" in words(many[-1]) + words(many[-2])


def test_what_is_no_message_is_not_printed() -> None:
    document = Body(kind=BodyKind.PDF, content=b"%PDF-", commitment=bytes(32))
    with pytest.raises(DoesNotOpen):
        report_papers(
            "report/1", JEANNE, [SignedBody(body=document, by="Dr Claire Lenoir")], release_class=C2, form=ROLL_80
        )


def test_an_envelope_is_whole_when_each_of_its_sheets_is_out(room: SigningRoom) -> None:
    dossier_id = room.desks.dossier(C2)
    slip = room.desks.slip(dossier_id)
    room.desks.report(dossier_id, C2, body=result(exam_of(C2)))
    visit_id = room.visit_of(dossier_id)
    room.hour_comes()
    browser = room.desks.browser("sophie")
    browser.get("/remise")
    answer = browser.post(
        f"/remise/{visit_id}/code", form_key=room.key(), document="passport", handle=write_handle(slip.handle),
        line="1", code=write_code(slip.codes[0]), pin=PIN,
    )  # fmt: skip
    with room.desks.database.reading() as db:
        row = db.scalars(select(HandOver)).one()
    assert row.sheets == 2
    page = unescape(browser.get(answer.location).text)
    assert "2 feuilles" in page
    spool = room.station.spool
    first, second = (f"{key_of(row.id)}/{number}" for number in (1, 2))
    spool.move(first, Verb.SEND, by="station", at=room.desks.at)
    spool.move(first, Verb.DOUBT, by="station", at=room.desks.at)
    assert "Toutes sont sorties en entier" in browser.get(answer.location).text
    browser.post(answer.location, form_key=room.key(), out="yes")
    assert [spool.job(key).state for key in (first, second)] == [State.CONFIRMED, State.QUEUED]  # type: ignore[union-attr]
    assert "Toutes les feuilles sont sorties" not in browser.get(answer.location).text
    spool.move(second, Verb.SEND, by="station", at=room.desks.at)
    spool.move(second, Verb.DOUBT, by="station", at=room.desks.at)
    browser.post(answer.location, form_key=room.key(), out="yes")
    assert "Toutes les feuilles sont sorties" in browser.get(answer.location).text


def test_one_sheet_that_is_missing_makes_the_whole_envelope_void(room: SigningRoom) -> None:
    visit_id = room.signed(C3)
    browser = room.unlocked()
    room.station.runs(room.desks.at, room.desks.chance)
    browser.get(f"/remise/{visit_id}")
    answer = browser.post(
        f"/remise/{visit_id}/sans-code", form_key=room.key(), document="passport", reason="route"
    )  # fmt: skip
    with room.desks.database.reading() as db:
        row = db.scalars(select(HandOver)).one()
    room.station.spool.move(f"{key_of(row.id)}/2", Verb.DROP, by="lenoir", at=room.desks.at, reason="torn")
    page = unescape(browser.get(answer.location).text)
    assert "Reprendre la remise" in page
    assert "Terminé" not in page
