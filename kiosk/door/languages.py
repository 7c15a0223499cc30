"""The words of the door in each language: written in French, told in the others by one table each."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

#: Every language of the door by its own name, in the order in which it is offered.
LANGUAGES: Final = {
    "fr": "Français",
    "en": "English",
    "ar": "العربية",
    "es": "Español",
    "pt": "Português",
    "tr": "Türkçe",
}
FRENCH: Final = "fr"
#: A file a language, French sentence on the left.
TABLES: Final = Path(__file__).parent.parent / "translations"
_RIGHT_TO_LEFT: Final = frozenset({"ar"})


def direction(language: str) -> str:
    """The way in which a language is written, as HTML says it."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


@cache
def table(language: str) -> dict[str, str]:
    """What each French sentence becomes; empty for French itself."""
    if language == FRENCH or language not in LANGUAGES:
        return {}
    return tomllib.loads((TABLES / f"{language}.toml").read_text(encoding="utf-8"))


def say(language: str, french: str, /, **values: object) -> str:
    """Tell a French sentence in another language; what a table does not know stays French.

    Args:
        language: one of `LANGUAGES`.
        french: the sentence as it stands in a template or beside a rule.
        values: what `%(name)s` in it stands for.
    """
    told = table(language).get(french, french)
    return told % values if values else told
