"""Names as they are compared: without case, accents or punctuation, the same at the door and in the file."""

import unicodedata

#: Letters that no decomposition brings to a plain one.
PLAIN = str.maketrans({
    "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ı": "i", "İ": "I", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D",
    "ł": "l", "Ł": "L",
})  # fmt: skip


def fold(text: str) -> str:
    """A name without case, accents, hyphens, apostrophes or doubled blanks: `Éloïse d'Œuf` -> `ELOISE D OEUF`."""
    composed = unicodedata.normalize("NFC", text).translate(PLAIN)
    bare = "".join(c for c in unicodedata.normalize("NFD", composed) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare).upper().split())
