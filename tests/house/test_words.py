"""What is said to people: one sentence that tells what to do, in words that frighten nobody."""

import ast
import re
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import pytest

from kiosk.register.errors import Refusal
from kiosk.web import STATUS

HOUSE = Path(__file__).resolve().parents[2]
PATIENTS = HOUSE / "kiosk" / "templates" / "touchscreen"
#: Modules whose words a patient may read on the screen of the public app.
PUBLIC_MODULES = (
    "questions", "ticket", "waiting", "web",
    *(f"door/{room.stem}" for room in sorted((HOUSE / "kiosk" / "door").glob("[a-z]*.py"))),
)  # fmt: skip

BANNED = re.compile(
    r"\b(erreurs?|invalides?|échecs?|échoué\w*|refus\w*|impossibles?|obligatoires?|veuillez|saisi\w*|valide[rz]?|"
    r"utilisateurs?|authentification|systèmes?)\b",
    re.IGNORECASE,
)
LONGEST = 12


def leaves(kind: type[Refusal] = Refusal) -> list[type[Refusal]]:
    """Every refusal of the house that a rule can raise."""
    below = [leaf for child in kind.__subclasses__() for leaf in leaves(child)]
    own = [] if kind is Refusal or kind in STATUS else [kind]
    return own + below


@pytest.fixture(scope="module")
def refusals() -> list[type[Refusal]]:
    for folder in ("kiosk", "labels", "results"):
        for path in (HOUSE / folder).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            if "kiosk.register.errors import" in source and "migrations" not in path.parts:
                import_module(".".join(path.relative_to(HOUSE).with_suffix("").parts))
    tops = ("kiosk.", "labels.", "results.")
    return [leaf for leaf in leaves() if leaf.__module__.startswith(tops)]


def test_every_refusal_is_one_of_the_five_kinds(refusals: list[type[Refusal]]) -> None:
    assert len(refusals) > 5
    assert [leaf.__name__ for leaf in refusals if not issubclass(leaf, tuple(STATUS))] == []


def test_every_refusal_has_one_english_sentence(refusals: list[type[Refusal]]) -> None:
    wrong = []
    for leaf in [*refusals, *STATUS]:
        first = (vars(leaf).get("__doc__") or "").strip().split("\n\n", maxsplit=1)[0]
        if not re.fullmatch(r"[A-Z].*\.", first, re.DOTALL) or ". " in first:
            wrong.append(leaf.__name__)
    assert wrong == []


def test_every_refusal_has_a_french_sentence_of_its_own(refusals: list[type[Refusal]]) -> None:
    wrong = [
        leaf.__name__
        for leaf in [*refusals, *STATUS]
        if not re.fullmatch(r"[A-ZÀÉÈÊ].*[.?…]", vars(leaf).get("french", ""), re.DOTALL)
    ]
    assert wrong == []
    assert all(leaf().sentence == leaf.french for leaf in STATUS)


class Text(HTMLParser):
    """The words of a page, cut where the eye stops."""

    STOPS = frozenset({"p", "h1", "h2", "h3", "button", "a", "li", "div", "dt", "dd", "label", "title", "legend", "td"})
    UNREAD = frozenset({"script", "style"})

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unread += tag in self.UNREAD
        if tag in self.STOPS:
            self.parts.append("\n")
        self.parts += [f"\n{value}\n" for name, value in attrs if name in {"aria-label", "alt", "title"} and value]

    def handle_endtag(self, tag: str) -> None:
        self.unread -= tag in self.UNREAD
        if tag in self.STOPS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.unread:
            self.parts.append(re.sub(r"\s+", " ", data))


def sentences_of(template: str) -> list[str]:
    """The sentences of a template; what a rule fills in counts as one word."""
    template = re.sub(r"\{#.*?#\}", "", template, flags=re.DOTALL)
    quoted = re.findall(r"_\(\s*\"((?:[^\"\\]|\\.)*)\"|_\(\s*'((?:[^'\\]|\\.)*)'", template)
    plain = re.sub(r"\{%.*?%\}", "\n", template, flags=re.DOTALL)
    plain = re.sub(r"\{\{\s*_\(.*?\)\s*\}\}", " ", plain, flags=re.DOTALL)
    plain = re.sub(r"\{\{.*?\}\}", " x ", plain, flags=re.DOTALL)
    reader = Text()
    reader.feed(plain)
    reader.close()
    pieces = "".join(reader.parts).split("\n") + [first or second for first, second in quoted]
    return [one.strip() for piece in pieces for one in re.split(r"(?<=[.?!:;])\s+", piece) if one.strip()]


def test_the_reader_of_templates_reads() -> None:
    found = sentences_of('<p>{{ _("Un deux. Trois ?") }}</p><button aria-label="Non">{% if a %}Oui{% endif %}</button>')
    assert set(found) == {"Un deux.", "Trois ?", "Non", "Oui"}
    assert BANNED.search("Saisie invalide")
    assert not BANNED.search("Regardez votre convocation.")


def test_no_patient_reads_a_word_that_frightens_or_orders() -> None:
    found = {
        (path.name, one)
        for path in PATIENTS.glob("*.html")
        for one in sentences_of(path.read_text(encoding="utf-8"))
        if BANNED.search(one)
    }
    assert found == set()


def test_no_sentence_on_a_patient_screen_has_more_than_twelve_words() -> None:
    found = {
        (path.name, one)
        for path in PATIENTS.glob("*.html")
        for one in sentences_of(path.read_text(encoding="utf-8"))
        if len(re.findall(r"[\w’'-]+", one)) > LONGEST
    }
    assert found == set()


def test_what_the_public_apps_code_says_frightens_nobody() -> None:
    found = set()
    for name in PUBLIC_MODULES:
        path = HOUSE / "kiosk" / f"{name}.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        found |= {
            (name, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
            and " " in node.value  # one word alone is a name in the code
            and BANNED.search(node.value)
        }
    assert found == set()


def test_the_refusals_that_the_public_app_can_meet_frighten_nobody(refusals: list[type[Refusal]]) -> None:
    public = {f"kiosk.{name.replace('/', '.')}" for name in PUBLIC_MODULES} | {
        f"kiosk.register.{name}" for name in ("errors", "sites", "visits", "once")
    }
    met: list[type[Refusal]] = [Refusal, *STATUS, *refusals]
    found = {leaf.__name__ for leaf in met if leaf.__module__ in public and BANNED.search(leaf.french)}
    assert found == set()
