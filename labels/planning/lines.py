"""A settings table read key by key, so that what is wrong is told with its line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

#: Microlitres and minutes beyond which a number is a slip of the finger.
LARGEST: Final = 100_000

Read = TypeVar("Read")


class Wrong(Exception):  # noqa: N818  # a reader's answer, told to a person as a refusal to start
    """What is wrong, in French, and where: the keys from the top of the file."""

    def __init__(self, where: tuple[str, ...], words: str) -> None:
        super().__init__(words)
        self.where = where


@dataclass(frozen=True, kw_only=True)
class Part:
    """A table of a settings file, and the keys that lead to it."""

    where: tuple[str, ...]
    values: Mapping[str, Any]

    def wrong(self, name: str, words: str) -> Wrong:
        """What to raise for one key of this table."""
        return Wrong((*self.where, name), words)

    def know(self, *names: str) -> None:
        """Refuse every key that is not one of these."""
        for name in self.values:
            if name not in names:
                raise self.wrong(name, f"réglage inconnu « {name} ».")

    def part(self, name: str) -> "Part":
        """A table in this table; an empty one where it does not stand."""
        values = self.values.get(name, {})
        if not isinstance(values, dict):
            raise self.wrong(name, f"« {name} » doit être une table.")
        return Part(where=(*self.where, name), values=values)

    def parts(self) -> dict[str, "Part"]:
        """Every table in this table."""
        return {name: self.part(name) for name in self.values}

    def number(self, name: str, usual: int = 0, *, low: int = 0, high: int = LARGEST) -> int:
        """A whole number."""
        value = self.values.get(name, usual)
        if type(value) is not int or not low <= value <= high:
            raise self.wrong(name, f"« {name} » doit être un nombre entier de {low} à {high}.")
        return value

    def flag(self, name: str) -> bool:
        """A yes or no; no where it does not stand."""
        value = self.values.get(name, False)
        if type(value) is not bool:
            raise self.wrong(name, f"« {name} » doit être true ou false.")
        return value

    def words(self, name: str, longest: int) -> str:
        """One line of words; empty where it does not stand."""
        value = self.values.get(name, "")
        if not isinstance(value, str) or len(value) > longest or not value.isprintable() or value != value.strip():
            raise self.wrong(name, f"« {name} » doit tenir en {longest} lettres, entre guillemets.")
        return value

    def many(self, name: str, read: Callable[["Part", str, Any], Read]) -> tuple[Read, ...]:
        """A list, each thing once."""
        value = self.values.get(name, [])
        if not isinstance(value, list):
            raise self.wrong(name, f"« {name} » doit être une liste, entre crochets.")
        found = tuple(read(self, name, one) for one in value)
        if len(set(found)) < len(found):
            raise self.wrong(name, f"« {name} » nomme deux fois la même chose.")
        return found

    def each(self, key: Callable[["Part", str, Any], Read], value: Callable[["Part", str], Any]) -> Mapping[Read, Any]:
        """Every key and value of this table, read."""
        return MappingProxyType({key(self, name, name): value(self, name) for name in self.values})


def line_of(text: str, where: tuple[str, ...]) -> int:
    """Tell on which line a key stands; the line of the nearest table that names it where it cannot be found.

    Args:
        text: a TOML file.
        where: the keys from the top of the file to the one that is looked for.
    """
    header: tuple[str, ...] = ()
    best, found = 0, 1
    for number, line in enumerate(text.splitlines(), 1):
        if told := re.match(r"\s*\[+([^\]]+)\]", line):
            header = _keys(told[1])
            at: tuple[str, ...] = header
        elif told := re.match(r"\s*([^#=\[]+?)\s*=", line):
            at = (*header, *_keys(told[1]))
        else:
            continue
        if at == where[: len(at)] and len(at) > best:
            best, found = len(at), number
    return found


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(key.strip().strip("\"'") for key in dotted.split("."))
