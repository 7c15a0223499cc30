"""The door speaks six languages, each of them whole."""

import ast
import re
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.door.answers import QUESTIONS
from kiosk.door.devices import CodeGone
from kiosk.door.following import WORDS
from kiosk.door.languages import FRENCH, LANGUAGES, direction, say, table
from kiosk.door.limits import TooOften
from kiosk.door.voice import PAGES, VOICES
from kiosk.live import TooManyScreens
from kiosk.register.errors import Refusal
from kiosk.register.once import PageAlreadyUsed
from kiosk.register.visits import NoVisit, Visit
from kiosk.ticket import ticket_of
from kiosk.web import STATUS
from printers.paper import ROLL_58, ROLL_80
from printers.verify import proved

KIOSK = Path(__file__).resolve().parents[3] / "kiosk"
TEMPLATES = KIOSK / "templates" / "touchscreen"
OTHERS = [language for language in LANGUAGES if language != FRENCH]
#: Refusals of other rooms that a person at the door may meet, and what an answer that is no refusal says.
MET = (CodeGone, NoVisit, PageAlreadyUsed, TooManyScreens, TooOften)
TOO_LONG = "C'est trop long. Raccourcissez ce qui est tapé."
#: Functions whose first argument is a French sentence for the person at the door.
TELLERS = {"say", "told", "tell", "_say"}


def in_templates() -> dict[str, set[str]]:
    """The French of each template."""
    found = {}
    for file in TEMPLATES.glob("*.html"):
        text = file.read_text(encoding="utf-8")
        quoted = re.findall(r"\b_\(\s*\"((?:[^\"\\]|\\.)*)\"|\b_\(\s*'((?:[^'\\]|\\.)*)'", text)
        found[file.stem] = {first or second for first, second in quoted}
    return found


def in_code() -> set[str]:
    """The French that the door's own rooms hand to a teller, and the sentences of what it may refuse."""
    found = set()
    rooms = [room for room in (KIOSK / "door").glob("*.py") if room.stem != "devices"]  # it refuses staff alone
    for file in (*rooms, KIOSK / "questions.py", KIOSK / "ticket.py", KIOSK / "web.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found |= {
                    one.value
                    for one in node.args[:2]
                    if isinstance(one, ast.Constant)
                    and isinstance(one.value, str)
                    and teller(node)
                    and " " in one.value
                }
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "french":
                found.add(ast.literal_eval(node.value))
    return found


def teller(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    return name in TELLERS or name == "told()"


def in_tables() -> set[str]:
    """The French of the questions, of what the voice and the telephone say, and of the refusals of every app."""
    found = {words for one in QUESTIONS.values() for words in (one.asks, one.short, *one.answers.values())}
    found |= {sentence for page in PAGES.values() for sentence in page}
    return found | set(WORDS.values()) | {kind.french for kind in (Refusal, *STATUS, *MET)}


def everything() -> set[str]:
    return set.union(*in_templates().values()) | in_code() | in_tables() | {"Guichet", "Salle", "Numéro", TOO_LONG}


def test_the_collectors_find_what_they_look_for() -> None:
    assert "Pourquoi venez-vous ?" in in_templates()["home"]
    assert "Cette date n'existe pas. Regardez le jour et le mois." in in_code()
    assert "Attente : %(low)s à %(high)s min" in in_code()
    assert "Quelque chose s'est mal passé. Rien n'est perdu. Donnez ce numéro : %(incident)s." in in_code()
    assert "Touchez une des réponses à l'écran." in in_code()
    assert "Mon médecin seulement" in in_tables()


@pytest.mark.parametrize("language", OTHERS)
def test_each_language_is_whole_and_holds_nothing_that_is_no_longer_said(language: str) -> None:
    assert everything() - table(language).keys() == set()
    assert table(language).keys() - everything() == set()
    assert all(words.strip() for words in table(language).values())


@pytest.mark.parametrize("language", OTHERS)
def test_what_stands_in_a_sentence_stands_in_its_translation(language: str) -> None:
    wrong = [
        french
        for french, words in table(language).items()
        if sorted(re.findall(r"%\(\w+\)s", french)) != sorted(re.findall(r"%\(\w+\)s", words))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_table_is_in_its_language(language: str) -> None:
    words = list(table(language).values())
    if language == "ar":
        assert [one for one in words if not re.search(r"[\u0600-\u06ff]", one)] == []
        # Western digits everywhere: ticket, board and voice agree.
        assert not re.search(r"[\u0660-\u0669\u06f0-\u06f9]", "".join(words))
    else:
        assert not re.search(r"[^\u0000-\u024f\u2019\u201c\u201d\u00ab\u00bb\u2026]", "".join(words))
    assert sum(french == one for french, one in table(language).items()) <= 2  # `Contraste` is one in Spanish too


@pytest.mark.parametrize("language", ["en", "es", "pt", "tr", "ar"])
def test_sentences_are_short_in_every_language(language: str) -> None:
    long = [
        sentence
        for words in table(language).values()
        for sentence in re.split(r"(?<=[.?!؟:])\s+", words)
        if len(sentence.split()) > 14
    ]
    assert long == []


def test_a_language_that_nobody_knows_is_answered_in_french() -> None:
    assert say("xx", "Bonjour.") == "Bonjour."
    assert say("en", "Attente : %(low)s à %(high)s min", low=5, high=15) == "Wait: 5 to 15 min"


def test_arabic_alone_is_written_from_the_right() -> None:
    assert [language for language in LANGUAGES if direction(language) == "rtl"] == ["ar"]
    assert VOICES.keys() == LANGUAGES.keys()


def test_the_voice_says_what_stands_on_its_page() -> None:
    pages = in_templates() | {"walk_in": in_templates()["confirm"], "collect": in_templates()["confirm"]}
    pages["help"] = pages["coming"]
    for name, question in QUESTIONS.items():
        pages[name] = {question.asks, *question.answers.values()}
    assert {name: set(words) - pages[name] for name, words in PAGES.items()} == {name: set() for name in PAGES}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("wait", [(0, 5), (15, 60), (30, 90), (70, 90)], ids=str)
def test_a_ticket_is_drawn_in_every_language_and_for_every_wait(
    language: str, wait: tuple[int, int], at: datetime, *, large: bool
) -> None:
    visit = Visit(
        id=UUID(int=1), number=42, day=at.date(), language=language, announced_low=wait[0], announced_high=wait[1]
    )
    tell = partial(say, language)
    for form in (ROLL_80, ROLL_58):
        paper = ticket_of(
            visit,
            "a" * 32,
            tell=tell,
            follow_url="https://file.labo.test",
            letters="123 ABCDEFGHIJKLMNOP",
            large=large,
            form=form,
        )
        assert proved(paper).height > 0
