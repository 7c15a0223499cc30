"""Who is asking: what was said and what was seen, compared with nothing."""

from datetime import date

import pytest

from kiosk.register.patients import Document
from kiosk.register.staff import Role as Post
from results.identity import DOCUMENTS, DateMisheard, NoDocumentSeen, acting_as, is_minor, read_spoken_birth_date, seen
from results.release import Role

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_with_a_face_counts(document: Document) -> None:
    assert seen(document.value) is document


@pytest.mark.parametrize("word", ["", "none", "library_card"])
def test_without_a_document_nothing_goes_on(word: str) -> None:
    with pytest.raises(NoDocumentSeen):
        seen(word)


@pytest.mark.parametrize(
    ("spoken", "read"),
    [("28/02/1954", "19540228"), ("28021954", "19540228"), ("28 2 1954", "19540228"), ("00/00/1954", "19540000")],
)
def test_a_birth_date_is_read_as_it_is_said(spoken: str, read: str) -> None:
    assert read_spoken_birth_date(spoken, today=TODAY) == read


@pytest.mark.parametrize("spoken", ["", "31/02/1954", "22/11/2026", "1954", "le premier mai"])
def test_a_day_that_cannot_be_was_misheard(spoken: str) -> None:
    with pytest.raises(DateMisheard):
        read_spoken_birth_date(spoken, today=TODAY)


@pytest.mark.parametrize(
    ("birth_date", "minor"),
    [
        ("20081121", False), ("20081122", True), ("20080229", False), ("20080000", True), ("20070000", False),
        ("20081100", True), ("19540228", False),
    ],
)  # fmt: skip
def test_majority_begins_on_the_eighteenth_birthday(birth_date: str, minor: bool) -> None:
    assert is_minor(birth_date, today=TODAY) is minor


def test_whoever_is_born_on_the_29th_of_february_is_of_age_the_day_after_the_28th() -> None:
    assert is_minor("20080229", today=date(2026, 2, 28))
    assert not is_minor("20080229", today=date(2026, 3, 1))


@pytest.mark.parametrize(
    ("posts", "role"),
    [
        ({Post.SECRETARY}, Role.SECRETARY),
        ({Post.SAMPLER}, Role.TECHNICIAN),
        ({Post.BIOLOGIST}, Role.BIOLOGIST),
        ({Post.SAMPLER, Post.SECRETARY}, Role.SECRETARY),
        ({Post.ADMINISTRATOR, Post.BIOLOGIST}, Role.BIOLOGIST),
        ({Post.ADMINISTRATOR}, Role.ADMINISTRATOR),
        ({Post.MANAGER}, Role.ADMINISTRATOR),
        (set(), Role.ADMINISTRATOR),
    ],
)
def test_a_person_tells_as_the_most_that_their_posts_allow(posts: set[Post], role: Role) -> None:
    assert acting_as(posts) is role
