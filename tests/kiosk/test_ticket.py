"""The ticket: read from afar, followed on a phone, silent about the person."""

from dataclasses import replace
from uuid import UUID

import pytest

from kiosk.ticket import Words, code_of, ticket
from printers.draw import lay_out
from printers.paper import ROLL_58, ROLL_80, Cut, Form, Paper, Text
from printers.verify import proved, read_symbols

VISIT = UUID("01938000-0000-7000-8000-000000000001")
URL = "https://labo.example/suivre/k3f9x2m4q8"
FRENCH = Words(
    lang="fr",
    heading="Votre numéro",
    wait="Attente : 15 à 25 min",
    what_next="Vous serez appelé par ce numéro.",
    follow="Suivez la file sur votre téléphone.",
)
ARABIC = Words(
    lang="ar",
    heading="رقمكم",
    wait="مدة الانتظار: 15 إلى 25 دقيقة",
    what_next="سيتم استدعاؤكم بهذا الرقم.",
    follow="تابعوا الدور على هاتفكم.",
)


def said(paper: Paper) -> list[str]:
    return [item.s for item in paper.items if isinstance(item, Text)]


@pytest.mark.parametrize("form", [ROLL_80, ROLL_58, replace(ROLL_80, dpmm=12), replace(ROLL_58, dpmm=12)])
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("words", [FRENCH, ARABIC], ids=["fr", "ar"])
@pytest.mark.parametrize("number", [1, 42, 9999])
def test_each_ticket_is_drawn_and_its_code_read_back(form: Form, large: bool, words: Words, number: int) -> None:
    paper = ticket(
        VISIT, number, words, follow_url=URL, letters="J 18 204  QGZT 4MXA 2LDW 7KPE", large=large, form=form
    )
    assert sorted(read_symbols(proved(paper))) == sorted([URL, code_of(VISIT)])
    assert lay_out(paper).cut == ()


def test_a_ticket_says_number_wait_and_journal_and_ends_with_the_knife() -> None:
    paper = ticket(VISIT, 42, FRENCH, follow_url=URL, letters="J 18 204  QGZT 4MXA 2LDW 7KPE", form=ROLL_80)
    assert said(paper) == [
        "Votre numéro",
        "42",
        "Attente : 15 à 25 min",
        "Vous serez appelé par ce numéro.",
        "Suivez la file sur votre téléphone.",
        "J 18 204  QGZT 4MXA 2LDW 7KPE",
    ]
    assert isinstance(paper.items[-1], Cut)


def test_where_nothing_is_followed_nothing_invites_to_follow() -> None:
    paper = ticket(VISIT, 42, FRENCH, form=ROLL_80)
    assert FRENCH.follow not in said(paper)
    assert paper.symbols() == [code_of(VISIT)]


def test_the_bars_are_drawn_by_chance_and_differ_from_every_other_number() -> None:
    assert code_of(VISIT) == "09223372036854775809"
    assert code_of(UUID("01938000-0000-7000-8000-000000000002")) != code_of(VISIT)
    assert len(code_of(UUID(int=2**128 - 1))) == 20


def test_the_visit_names_the_job_and_is_not_printed() -> None:
    paper = ticket(VISIT, 42, FRENCH, follow_url=URL, form=ROLL_80)
    assert paper.key == f"ticket/{VISIT}/1"
    assert str(VISIT) not in "".join(said(paper)) + "".join(paper.symbols())


def test_a_ticket_is_void_after_two_minutes() -> None:
    paper = ticket(VISIT, 42, FRENCH, form=ROLL_80)
    assert (paper.expires_s, paper.on_expiry, paper.secret) == (120, "void", False)


def test_large_print_is_larger() -> None:
    def tall(*, large: bool) -> int:
        return proved(ticket(VISIT, 42, FRENCH, large=large, form=ROLL_80)).height

    assert tall(large=True) > 1.25 * tall(large=False)


def test_a_long_sentence_takes_a_second_line_and_stays_readable() -> None:
    words = replace(FRENCH, what_next="Asseyez-vous en salle d'attente, vous serez appelé par ce numéro seul. " * 2)
    paper = ticket(VISIT, 42, words, form=ROLL_58, large=True)
    smallest = min(item.size_min for item in paper.items if isinstance(item, Text))
    assert smallest >= 20
    assert proved(paper).height > proved(ticket(VISIT, 42, FRENCH, form=ROLL_58, large=True)).height
