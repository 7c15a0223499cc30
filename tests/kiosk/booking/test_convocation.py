"""The paper of an appointment: hour, preparation and code, and nothing of the person or of the exams."""

from dataclasses import replace
from datetime import UTC, datetime, time
from uuid import UUID

import pytest

from kiosk.booking.appointments import Appointment, NotExpectedAnyMore, State
from kiosk.booking.convocation import Preparation, convocation
from kiosk.formats.convocation import Convocation
from kiosk.questions import read_code
from kiosk.register.sites import Site
from printers.draw import lay_out
from printers.paper import MEDIA, ROLL_80, Form, Paper, Text
from printers.verify import proved, read_symbols

SITE = Site(
    id=UUID(int=1), number=1, name="Laboratoire des Tilleuls", timezone="Europe/Paris", opens=time(7, 30),
    closes=time(18, 0),
)  # fmt: skip
ROLLS = {name: form for name, form in MEDIA.items() if form.height is None}


def booked(state: State = State.BOOKED) -> Appointment:
    return Appointment(
        id=UUID(int=7), site_id=SITE.id, start=datetime(2026, 11, 24, 7, 15, tzinfo=UTC), code="K7MP2X",
        birth_name="Moreau", given_names="Jeanne", birth_date="19540203", exams="sérologie VIH", state=state,
    )  # fmt: skip


def made(preparation: Preparation = Preparation.BOTH, form: Form = ROLL_80) -> Paper:
    return convocation(booked(), SITE, preparation, form=form, key="ab" * 16)


def said(paper: Paper) -> list[str]:
    return [item.s for item in paper.items if isinstance(item, Text)]


def test_it_says_where_when_how_and_the_code() -> None:
    assert said(made()) == [
        "Laboratoire des Tilleuls",
        "Votre rendez-vous",
        "mar. 24/11 8 h 15",
        "Venez à jeun : ne mangez rien et ne buvez que de l'eau pendant les 12 heures d'avant.",
        "Apportez les premières urines du matin dans le flacon du laboratoire.",
        "À votre arrivée, présentez ce code à la borne :",
        "K7M P2X",
    ]


@pytest.mark.parametrize("preparation", list(Preparation))
def test_neither_person_nor_exam_stands_on_it(preparation: Preparation) -> None:
    told = made(preparation).to_json().lower()
    for word in ("moreau", "jeanne", "1954", "vih", "sérologie"):
        assert word not in told


@pytest.mark.parametrize("form", ROLLS.values(), ids=ROLLS)
@pytest.mark.parametrize("preparation", list(Preparation))
def test_on_every_roll_it_is_drawn_whole_and_the_kiosk_reads_its_code(form: Form, preparation: Preparation) -> None:
    paper = made(preparation, form)
    (code,) = read_symbols(proved(paper))
    assert code.isalnum()
    assert code == code.upper()
    assert read_code(code) == Convocation(
        code="K7MP2X",
        hour=datetime(2026, 11, 24, 8, 15),  # noqa: DTZ001  # the site's own hour
        fasting=preparation in {Preparation.FASTING, Preparation.BOTH},
    )
    assert lay_out(paper).cut == ()


def test_a_finer_head_prints_the_same_size() -> None:
    coarse, fine = (proved(made(form=replace(ROLL_80, dpmm=dpmm))).height / dpmm for dpmm in (8, 12))
    assert coarse == pytest.approx(fine, rel=0.03)


def test_it_is_void_after_two_minutes_and_its_key_says_nothing() -> None:
    paper = made()
    assert (paper.expires_s, paper.on_expiry) == (120, "void")
    assert paper.key == f"convocation/{UUID(int=7)}/{'ab' * 16}"


@pytest.mark.parametrize("state", [State.ARRIVED, State.MISSED, State.CANCELLED])
def test_who_is_not_expected_any_more_gets_none(state: State) -> None:
    with pytest.raises(NotExpectedAnyMore):
        convocation(booked(state), SITE, Preparation.NONE, form=ROLL_80, key="k")
