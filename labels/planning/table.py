"""The site's table of tubes, read from `[tubes]` of `staff.toml`; what is not understood is refused with its line."""

import json
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from kiosk.exams.catalogue import catalogue
from kiosk.settings import UnsafeSettings, read_private
from labels.planning.kinds import LONGEST_CAP, LONGEST_WORDS, Kind, Look
from labels.planning.lines import Part, Wrong, line_of
from labels.planning.rules import DEAD, Bench, Child, Rules

#: The shipped table, from general professional knowledge, unverified: no biologist has signed it.
SHIPPED: Final = Path(__file__).parent / "data" / "tubes.toml"
LONGEST_TEST: Final = 24 * 60
OLDEST_CHILD: Final = 18

_KNOWN: Final = (
    "order", "prefer", "usual", "on_ice", "from_light", "alone", "apart", "send_out", "two_draws", "kinds", "volumes",
    "times", "methods", "groups", "benches", "children",
)  # fmt: skip


@cache
def shipped() -> Rules:
    """Give the rules that hold where a site has none of its own."""
    return parse(SHIPPED.read_text(encoding="utf-8"), file=SHIPPED.name)


def read_table(path: Path) -> Rules:
    """Read the site's table from its settings file; without one, the shipped table holds.

    Raises:
        UnsafeSettings: the file may not be read, or the table is not understood; the sentence says where and what.
    """
    return parse(read_private(path), file=path.name)


def parse(text: str, *, file: str) -> Rules:
    """Read the table from the text of a settings file.

    Raises:
        UnsafeSettings: with the file's name and the line to change.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise UnsafeSettings(f"{file} : {broken}") from None
    if "tubes" not in found:
        return shipped()
    try:
        rules = _rules(Part(where=(), values=found).part("tubes"))
    except Wrong as wrong:
        raise UnsafeSettings(f"{file}, ligne {line_of(text, wrong.where)} : {wrong}") from None
    said = json.dumps(found["tubes"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return replace(rules, said=said)


def _rules(tubes: Part) -> Rules:
    tubes.know(*_KNOWN)
    kinds = {_kind(tubes.part("kinds"), name, name): part for name, part in tubes.part("kinds").parts().items()}
    for kind in Kind:
        if kind not in kinds:
            raise tubes.wrong("kinds", f"il manque le genre « {kind} » dans [tubes.kinds].")
    rules = Rules(
        looks={kind: _look(kind, part) for kind, part in kinds.items()},
        order=tubes.many("order", _blood),
        usable={kind: part.number("usable", low=1) for kind, part in kinds.items() if "usable" in part.values},
        dead={kind: part.number("dead", DEAD) for kind, part in kinds.items()},
        usual=tubes.number("usual", 100, low=1),
        volumes=tubes.part("volumes").each(_exam, _volume),
        on_ice=frozenset(tubes.many("on_ice", _exam)),
        from_light=frozenset(tubes.many("from_light", _exam)),
        alone=frozenset(tubes.many("alone", _exam)),
        apart=tubes.many("apart", _together),
        groups=tubes.part("groups").each(_exam, lambda part, name: part.words(name, 40)),
        benches={name: _bench(part) for name, part in tubes.part("benches").parts().items()},
        send_out=frozenset(tubes.many("send_out", _exam)),
        two_draws=frozenset(tubes.many("two_draws", _exam)),
        times=tubes.part("times").each(_exam, lambda part, name: part.many(name, _minutes)),
        methods=tubes.part("methods").each(_exam, lambda part, name: _kind(part, name, part.values[name])),
        preferred=tubes.many("prefer", _kind),
        children=tuple(_child(name, part) for name, part in tubes.part("children").parts().items()),
    )
    _agree(tubes, rules)
    return rules


def _agree(tubes: Part, rules: Rules) -> None:
    """Refuse what each line alone may say, and all together not."""
    missing = [kind for kind in Kind if kind.is_blood and kind not in rules.order]
    if missing:
        raise tubes.wrong("order", f"il manque « {missing[0]} » dans l'ordre de prélèvement.")
    placed = [exam for bench in rules.benches.values() for exam in bench.exams]
    for exam in placed:
        if placed.count(exam) > 1:
            raise tubes.wrong("benches", f"l'examen « {exam} » est sur deux paillasses.")
    deepest = max((bench.dead for bench in rules.benches.values()), default=0)
    for child in (None, *rules.children):
        for kind, room in rules.rooms(child).items():
            if room <= deepest:
                where = ("kinds", kind) if child is None or kind not in child.usable else ("children", child.words)
                words = f"« {kind} » : le volume mort ne laisse rien d'utile ; augmentez « usable »."
                raise Wrong((*tubes.where, *where), words)


def _exam(at: Part, name: str, value: Any) -> str:
    exam = catalogue().by_code(value) if isinstance(value, str) else None
    if exam is None or exam.nabm != value:
        raise at.wrong(name, f"« {value} » n'est pas le code NABM d'un examen du catalogue.")
    return exam.nabm


def _kind(at: Part, name: str, value: Any) -> Kind:
    if not isinstance(value, str) or value not in set(Kind):
        raise at.wrong(name, f"« {value} » n'est pas un genre de tube. Il y a : {', '.join(Kind)}.")
    return Kind(value)


def _blood(at: Part, name: str, value: Any) -> Kind:
    kind = _kind(at, name, value)
    if not kind.is_blood:
        raise at.wrong(name, f"« {value} » n'est pas un tube de sang : il vient après, sans rang.")
    return kind


def _together(at: Part, name: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list) or len(value) < 2:
        raise at.wrong(name, f"« {name} » est une liste de listes d'au moins deux examens.")
    return frozenset(_exam(at, name, one) for one in value)


def _minutes(at: Part, name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value <= LONGEST_TEST:
        raise at.wrong(name, f"« {name} » : des minutes entières, de 0 à {LONGEST_TEST}.")
    return value


def _volume(at: Part, name: str) -> int:
    return at.number(name, low=1)


def _look(kind: Kind, part: Part) -> Look:
    part.know("words", "cap", "usable", "dead")
    words = part.words("words", LONGEST_WORDS)
    if not words:
        raise part.wrong("words", f"« {kind} » a besoin de « words », son nom sur l'étiquette.")
    return Look(words=words, cap=part.words("cap", LONGEST_CAP), nature=kind.nature)


def _bench(part: Part) -> Bench:
    part.know("exams", "dead", "own_tube")
    return Bench(exams=frozenset(part.many("exams", _exam)), dead=part.number("dead"), own_tube=part.flag("own_tube"))


def _child(name: str, part: Part) -> Child:
    part.know("under", "usual", "dead", "usable", "volumes")
    return Child(
        words=name,
        under=part.number("under", 0, low=1, high=OLDEST_CHILD),
        usable=part.part("usable").each(_kind, _volume),
        dead=part.number("dead", DEAD),
        usual=part.number("usual", 100, low=1),
        volumes=part.part("volumes").each(_exam, _volume),
    )
