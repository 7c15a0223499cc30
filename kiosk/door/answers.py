"""What is asked of everyone before the counter, and what was answered: by the patient there, then at the counter."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.convocation import Convocation
from kiosk.register.database import Base, UtcDateTime
from kiosk.register.errors import Invalid
from kiosk.register.once import PageAlreadyUsed
from kiosk.register.visits import Purpose


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question with its answers, in French."""

    #: The heading of its page.
    asks: str
    #: A few words for the page that reads the answers again, and for the counter.
    short: str
    #: Value -> words of a button.
    answers: dict[str, str]


#: Answers that every question has: nobody must tell a screen what they would rather tell a person.
_OPEN: Final = {"unknown": "Je ne sais pas", "in_person": "Je préfère le dire à la personne"}

QUESTIONS: Final = {
    "fasting": Question(
        asks="Quand avez-vous mangé ou bu pour la dernière fois ?",
        short="Dernier repas",
        answers={
            "under_8": "Moins de 8 heures",
            "8_to_12": "De 8 à 12 heures",
            "over_12": "Plus de 12 heures",
        }
        | _OPEN,
    ),
    "delivery": Question(
        asks="Comment voulez-vous recevoir vos résultats ?",
        short="Vos résultats",
        answers={
            "online": "En ligne",
            "pick_up": "Je viens les chercher",
            "post": "Par courrier",
            "phone": "Par téléphone",
            "doctor": "Mon médecin seulement",
        }
        | _OPEN,
    ),
}
#: What is asked of whom: the same of everyone who came for the same thing.
ASKED: Final = {
    Purpose.BOOKED: ("fasting", "delivery"),
    Purpose.WALK_IN: ("fasting", "delivery"),
    Purpose.COLLECT: (),
}


class Answer(Base):
    """One answer given at the kiosk; insert-only for the public app, read by staff. A later one replaces it."""

    __tablename__ = "answer"
    __table_args__ = (Index(None, "visit_id", "at"),)
    keep = "the day, then purged with the visit's open questions"

    #: The form that brought it.
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    question: Mapped[str] = mapped_column(String(12))
    answer: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class CounterAnswer(Base):
    """One answer as it was confirmed or corrected at the counter, never changed; the public app cannot reach it."""

    __tablename__ = "counter_answer"
    __table_args__ = (Index(None, "visit_id", "at"),)
    keep = "10 years: traces of care"

    #: The form that brought it, which may confirm several.
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    question: Mapped[str] = mapped_column(String(12), primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    answer: Mapped[str] = mapped_column(String(12))
    #: What the patient had answered at the kiosk and when, as it stood then; that row goes with the day.
    patient_said: Mapped[str | None] = mapped_column(String(12))
    patient_said_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Staff identifier.
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class NoSuchAnswer(Invalid):
    """This question has no such answer; touch one of those on the screen."""

    french = "Touchez une des réponses à l'écran."


def counter_answers(question: str) -> dict[str, str]:
    """What can be answered at the counter: there, the person is told."""
    return {value: words for value, words in QUESTIONS[question].answers.items() if value != "in_person"}


def asked_of(purpose: Purpose, scanned: Convocation | None = None) -> tuple[str, ...]:
    """What is asked of someone who came for this; a convocation that asks no fasting makes the list shorter."""
    unneeded = {"fasting"} if scanned is not None and scanned.fasting is False else set()
    return tuple(one for one in ASKED[purpose] if one not in unneeded)


def keep_answer(db: Session, visit_id: UUID, question: str, answer: str, *, at: datetime, key: str) -> None:
    """Keep an answer; the same form again changes nothing.

    Raises:
        NoSuchAnswer: the question has no such answer.
    """
    if question not in QUESTIONS or answer not in QUESTIONS[question].answers:
        raise NoSuchAnswer
    # What was typed cannot be read back from here: that it is there already is learnt by trying.
    with suppress(IntegrityError), db.begin_nested():
        db.add(Answer(key=key, visit_id=visit_id, question=question, answer=answer, at=at))


def confirm(db: Session, visit_id: UUID, told: Mapping[str, str], *, by: str, at: datetime, key: str) -> None:
    """Keep what was said at the counter, with what the patient had said at the kiosk; the same form changes nothing.

    Args:
        told: question -> answer; a question that nobody has answered is left out, and stays open.

    Raises:
        NoSuchAnswer: it is empty, or a question has no such answer.
        PageAlreadyUsed: the form was sent for another visit.
    """
    if not told or any(one not in QUESTIONS or answer not in counter_answers(one) for one, answer in told.items()):
        raise NoSuchAnswer
    if before := db.scalars(select(CounterAnswer).where(CounterAnswer.key == key).limit(1)).first():
        if before.visit_id != visit_id:
            raise PageAlreadyUsed
        return
    said = {one.question: one for one in answers_of(db, visit_id)}
    for question, answer in told.items():
        at_the_kiosk = said.get(question)
        db.add(
            CounterAnswer(
                key=key, question=question, visit_id=visit_id, answer=answer, by=by, at=at,
                patient_said=at_the_kiosk.answer if at_the_kiosk else None,
                patient_said_at=at_the_kiosk.at if at_the_kiosk else None,
            )
        )  # fmt: skip


def confirmed(db: Session, visit_id: UUID) -> dict[str, CounterAnswer]:
    """Question -> what was said of it last at the counter."""
    found = db.scalars(select(CounterAnswer).where(CounterAnswer.visit_id == visit_id).order_by(CounterAnswer.at))
    return {one.question: one for one in found}


def answers_of(db: Session, visit_id: UUID) -> Sequence[Answer]:
    """The last answer to each question, in the order in which they are asked."""
    found = db.scalars(select(Answer).where(Answer.visit_id == visit_id).order_by(Answer.at))
    last = {one.question: one for one in found}
    return [last[question] for question in QUESTIONS if question in last]


def unconfirmed_among(db: Session, visit_ids: Collection[UUID]) -> frozenset[UUID]:
    """Which of these visits have an answer of the kiosk that nobody has confirmed or corrected since."""
    asked = select(Answer.visit_id).where(Answer.visit_id.in_(visit_ids), _unconfirmed()).distinct()
    return frozenset(db.scalars(asked)) if visit_ids else frozenset()


def how_many_answers(db: Session) -> tuple[int, int]:
    """How many answers were given at the kiosk, and how many of them nobody has confirmed; they go with the day."""
    db.flush()  # what this transaction itself has changed counts too
    given, waiting = db.connection().execute(_how_many()).one()
    return given, waiting


@cache
def _how_many() -> Select[int, int]:
    return select(func.count(), func.count().filter(_unconfirmed())).select_from(Answer)


def _unconfirmed() -> ColumnElement[bool]:
    same = (CounterAnswer.visit_id == Answer.visit_id, CounterAnswer.question == Answer.question)
    return ~select(CounterAnswer.key).where(*same, CounterAnswer.at >= Answer.at).correlate(Answer).exists()
