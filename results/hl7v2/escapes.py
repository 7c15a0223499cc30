"""The separators of a message and the escapes that let a text hold them."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiters:
    """The characters that one message declares in MSH-1 and MSH-2."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    #: The truncation character, in any version: many senders declare it before 2.7.
    truncation: str = ""

    @property
    def declared(self) -> str:
        """The text of MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation


STANDARD = Delimiters()

#: Formatting and charset escapes that are legal and stay as they came: what they enclose is not ours to guess.
_KEPT = re.compile(r"[HN]|[CMZ][0-9A-Fa-f]*|\.[A-Za-z]{2}[+-]?[0-9]*")
_HEX = re.compile(r"X(?:[0-9A-Fa-f]{2})+")


def declared(separator: str, text: str) -> Delimiters:
    r"""What MSH-1 and MSH-2 declare; a missing character takes its default.

    Args:
        separator: MSH-1, one character.
        text: MSH-2 as decoded characters. `^~\\&` with its escape doubled means `^~\&`.
    """
    if len(text) == 5 and text[2] == text[3] and text[4] == STANDARD.subcomponent:
        text = text[:3] + text[4]
    default = STANDARD.declared
    four = text[:4] + default[len(text[:4]) :]
    return Delimiters(
        field=separator,
        component=four[0],
        repetition=four[1],
        escape=four[2],
        subcomponent=four[3],
        truncation=text[4:5],
    )


def escape(text: str, delimiters: Delimiters) -> str:
    r"""Protect a text; a line feed becomes `\.br\`, every other control character `\Xhh\`."""
    mark = delimiters.escape
    table = {
        ord(character): f"{mark}{code}{mark}"
        for character, code in (
            (delimiters.field, "F"),
            (delimiters.component, "S"),
            (delimiters.subcomponent, "T"),
            (delimiters.repetition, "R"),
            (delimiters.truncation, "P"),
            (mark, "E"),
            ("\n", ".br"),
        )
        if character
    }
    for control in (*range(0x20), 0x7F):
        table.setdefault(control, f"{mark}X{control:02X}{mark}")
    return text.translate(table)


def unescape(text: str, delimiters: Delimiters) -> str:
    """The text that was meant; an unknown or unterminated escape stays as it is."""
    mark = delimiters.escape
    start = text.find(mark)
    if start < 0:
        return text
    parts = [text[:start]]
    while start >= 0:
        end = text.find(mark, start + 1)
        if end < 0:
            break
        code = text[start + 1 : end]
        meaning = _meaning(code, delimiters)
        if meaning is not None:
            parts.append(meaning)
            rest = end + 1
        elif _KEPT.fullmatch(code):
            parts.append(text[start : end + 1])
            rest = end + 1
        else:
            # What closes a piece of plain text (`C:\dir\F\`) may open a true escape.
            parts.append(text[start:end])
            rest = end
        start = text.find(mark, rest)
        parts.append(text[rest : start if start >= 0 else len(text)])
    else:
        return "".join(parts)
    parts.append(text[start:])
    return "".join(parts)


def _meaning(code: str, delimiters: Delimiters) -> str | None:
    if _HEX.fullmatch(code):
        raw = bytes.fromhex(code[1:])
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("latin-1")
    meanings = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        "P": delimiters.truncation or None,
        ".br": "\n",
    }
    return meanings.get(code)
