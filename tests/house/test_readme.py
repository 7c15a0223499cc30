"""What the README and the examples name exists, and what exists is named there."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import click
import pytest

from kiosk.settings import KioskSettings, StaffSettings
from printers.settings import EXAMPLE
from results.cli import main

HOUSE = Path(__file__).resolve().parents[2]
README = (HOUSE / "README.md").read_text(encoding="utf-8")


def commands(group: click.Group, name: str = "etiquette") -> set[str]:
    found = set()
    for word, command in group.commands.items():
        whole = f"{name} {word}"
        found |= commands(command, whole) if isinstance(command, click.Group) else {whole}
    return found


def test_every_command_is_named_and_every_named_command_exists() -> None:
    named = {
        " ".join(word for word in told.split() if not word.isupper())
        for told in re.findall(r"`(etiquette [a-z][a-z A-Z-]*)`", README)
    }
    assert named == commands(main)


@pytest.mark.parametrize("name", sorted(commands(main)))
def test_every_command_has_help_in_words(name: str) -> None:
    command: click.Command = main
    for word in name.split()[1:]:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    assert command.help


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (HOUSE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)", README)) - {"are"} <= targets


def test_every_picture_exists() -> None:
    pictures = re.findall(r"\]\((docs/[^)]+\.png)\)", README)
    assert pictures
    assert not [picture for picture in pictures if not (HOUSE / picture).is_file()]


@pytest.mark.parametrize(("file", "kind"), [("kiosk", KioskSettings), ("staff", StaffSettings)])
def test_an_example_holds_exactly_the_settings(file: str, kind: type[KioskSettings] | type[StaffSettings]) -> None:
    told = tomllib.loads((HOUSE / "instance" / f"{file}.example.toml").read_text(encoding="utf-8"))
    assert set(told) == {one.name for one in fields(kind)}


def test_the_printers_example_is_the_one_that_the_reader_knows() -> None:
    assert (HOUSE / "instance" / "printers.example.toml").read_text(encoding="utf-8") == EXAMPLE


def test_every_dependency_has_its_reason() -> None:
    told = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = told["dependencies"] + told["optional-dependencies"]["test"]
    reasons = (HOUSE / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    names = [re.split(r"[\[=]", one)[0].lower() for one in wanted]
    assert not [name for name in names if name not in reasons]
    assert not [one for one in wanted if "==" not in one]
