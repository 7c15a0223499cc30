"""Who is asking, and what proves it."""

from collections.abc import Collection
from datetime import date
from typing import Final

from kiosk.register.errors import Invalid
from kiosk.register.patients import Document, TraitsToCorrect, read_birth_date
from kiosk.register.staff import Role as Post
from results.release import Role

#: Documents with a photograph: what may be compared with a face.
DOCUMENTS: Final = (Document.CARD, Document.PASSPORT, Document.RESIDENCE, Document.LICENCE)
MAJORITY: Final = 18

#: As what a person of the laboratory tells results; the most that their roles allow comes first.
_ACTS_AS: Final = (
    (Post.BIOLOGIST, Role.BIOLOGIST),
    (Post.SECRETARY, Role.SECRETARY),
    (Post.SAMPLER, Role.TECHNICIAN),
)


class NoDocumentSeen(Invalid):
    """An identity document must be seen before anything is given on it; ask for one."""

    french = "Demandez une pièce d'identité et dites laquelle vous avez vue."


class DateMisheard(Invalid):
    """No such day exists; ask for the birth date again."""

    french = "Cette date n'existe pas. Faites répéter le jour, le mois et l'année de naissance."


def seen(word: str) -> Document:
    """Read which identity document was seen.

    Raises:
        NoDocumentSeen: none, or a word that is not on the list.
    """
    if word not in DOCUMENTS:
        raise NoDocumentSeen
    return Document(word)


def read_spoken_birth_date(spoken: str, *, today: date) -> str:
    """Read a birth date as it was said, YYYYMMDD, an unknown day or month as 00; it is compared with nothing.

    Raises:
        DateMisheard: no such day, or one that has not come yet.
    """
    try:
        return read_birth_date(spoken, today=f"{today:%Y%m%d}")
    except TraitsToCorrect:
        raise DateMisheard from None


def is_minor(birth_date: str, *, today: date) -> bool:
    """Tell whether a person is under eighteen; an unknown month or day counts as the last of the year.

    Args:
        birth_date: YYYYMMDD as on file.
        today: the site's own day.
    """
    month, day = birth_date[4:6], birth_date[6:]
    month = "12" if month == "00" else month
    day = "31" if day == "00" else day
    return f"{today:%Y%m%d}" < f"{int(birth_date[:4]) + MAJORITY:04d}{month}{day}"


def acting_as(posts: Collection[Post]) -> Role:
    """As what the rule sees a person of the laboratory; who has none of these posts tells nothing."""
    return next((role for post, role in _ACTS_AS if post in posts), Role.ADMINISTRATOR)
