"""The one rule: may this be told, to whom, by which way, by whom, now; never because of what the result says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from kiosk.exams.catalogue import ReleaseClass
from results.matrix import Channel, Matrix, Person, Teller
from results.reports.versions import Life


class Role(StrEnum):
    """As what the person at the desk acts."""

    SECRETARY = "secretary"
    TECHNICIAN = "technician"  #: technician, nurse, sampler
    BIOLOGIST = "biologist"
    ADMINISTRATOR = "administrator"


class Answer(StrEnum):
    """What the desk does."""

    TELL = "tell"  #: this person may tell it here
    BIOLOGIST = "biologist"  #: for this class it is always the biologist who answers
    NOT_NOW = "not_now"  #: the one sentence that everybody hears


class Why(StrEnum):
    """The true reason, for the journal alone; the desk sees the answer and nothing of this."""

    ALLOWED = "allowed"
    ROUTE = "route"  #: the table names the biologist
    STOPPED = "stopped"  #: a journal does not agree with its note, and no biologist has cleared it
    NO_MATRIX = "no_matrix"  #: no verified table in force
    NOTHING = "nothing"  #: nothing has come yet
    UNKNOWN_EXAM = "unknown_exam"  #: a code without a class
    UNSIGNED = "unsigned"  #: not signed, held, or before the promised hour
    WITHDRAWN = "withdrawn"
    INCOMPLETE = "incomplete"  #: told whole or not at all
    CLOSED = "closed"  #: the table says nobody
    SECRET = "secret"  # noqa: S105 -- a reason, not a password  #: a minor's secret or a discreet visit closes this way
    WISH = "wish"  #: the patient's wish closes this way
    HIDDEN = "hidden"  #: the sender's flag closes this way until the biologist lifts it
    NO_RULE = "no_rule"  #: the dossier has no rule that opens this way
    OF_AGE = "of_age"  #: the parents' way ended on the eighteenth birthday
    ROLE = "role"  #: this role tells nothing of this class to this person


_ORDER: Final = tuple(ReleaseClass)
_TOLD: Final = frozenset({Life.RELEASABLE, Life.RELEASED})
_PATIENT: Final = frozenset({Person.WITH_CODE, Person.WITHOUT_CODE})
_AWAY: Final = frozenset({Channel.PHONE, Channel.CALL_BACK, Channel.LETTER})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the dossier, the patient's wishes and the sender's flags close or open; each stands as given."""

    #: A minor's opposition was noted, or a flag says the same.
    minor_secret: bool = False
    #: A discreet visit.
    discreet: bool = False
    #: The patient is eighteen on the day of release: there is no parents' way any more.
    of_age: bool = False
    #: The number on file was confirmed as the patient's own, given for this visit.
    own_number: bool = False
    #: The mandate was given for this visit.
    mandate_for_this_visit: bool = False
    #: The patient wishes to be told in person only.
    in_person_only: bool = False
    #: The patient wishes that nobody else is told.
    nobody_else: bool = False
    #: INVISIBLE_PATIENT: announced by the biologist first.
    hidden_from_patient: bool = False
    #: MASQUE_PS: hidden from physicians, except the order's prescriber.
    hidden_from_physicians: bool = False
    #: The physician is the order's prescriber.
    is_prescriber: bool = False
    #: The dossier has a rule of its own that opens this very way to this very person.
    rule_allows: bool = False
    #: The biologist has agreed to this hand-over without code.
    agreed: bool = False
    #: The patient has asked in writing for a letter.
    letter_asked: bool = False


@dataclass(frozen=True, kw_only=True)
class Question:
    """All that the answer depends on; a result's value is not among it."""

    channel: Channel
    person: Person
    role: Role
    #: The class of every analysis expected in the dossier, arrived or not; None is an analysis without a class.
    expected: Sequence[str | None]
    #: The life of every report that has arrived, each in its newest version.
    lives: Sequence[Life]
    #: Everything expected has arrived.
    is_complete: bool
    limits: Limits = field(default_factory=Limits)
    #: Releases are stopped, whatever they are.
    is_stopped: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The answer, its true reason, and the manner that the class asks for."""

    answer: Answer
    why: Why
    #: The route's class; None where none was reached.
    release_class: ReleaseClass | None = None
    #: The table's version, kept with every release.
    matrix_version: int = 0
    #: Something is still to come and must be announced as « résultat partiel ».
    is_partial: bool = False
    #: Handed over in a sealed envelope.
    is_sealed: bool = False
    #: What was heard is typed back; for a physician with the result hidden.
    is_read_back: bool = False


def strictest(classes: Iterable[str | None]) -> ReleaseClass | None:
    """Give the class that rules a dossier: the strictest of all; None as soon as one analysis has no class.

    Raises:
        ValueError: a word that is no class.
    """
    known = list(classes)
    if not known or None in known:
        return None
    return max((ReleaseClass(one) for one in known if one is not None), key=_ORDER.index)


def decide(question: Question, matrix: Matrix | None) -> Decision:
    """Answer a question; release note, sections 3 to 6.

    Args:
        question: class, channel, person, role, state and limits.
        matrix: the verified table in force, or None, and then nothing leaves.
    """
    if question.is_stopped:
        return _not_now(Why.STOPPED)
    if matrix is None:
        return _not_now(Why.NO_MATRIX)
    release_class = strictest(question.expected)
    if release_class is None:
        return _not_now(Why.UNKNOWN_EXAM if question.expected else Why.NOTHING)
    why = _not_ripe(question, release_class) or _closed(question)
    if why is not None:
        return _not_now(why)
    teller = matrix.teller(release_class, question.channel, question.person)
    answer, why = _route(teller, question, release_class)
    if answer is Answer.NOT_NOW:
        return _not_now(why)
    return Decision(
        answer=answer,
        why=why,
        release_class=release_class,
        matrix_version=matrix.version,
        is_partial=not question.is_complete or not _TOLD.issuperset(question.lives),
        is_sealed=question.channel in {Channel.COUNTER, Channel.LETTER}
        and (release_class >= ReleaseClass.C2 or question.person in {Person.PARENT, Person.MANDATED}),
        is_read_back=release_class is ReleaseClass.C1 and question.channel in {Channel.PHONE, Channel.CALL_BACK},
    )


def _not_ripe(question: Question, release_class: ReleaseClass) -> Why | None:
    """Nothing is told before it is signed, its hour has come and nothing holds it; C2 and above only whole."""
    if not question.lives:
        return Why.NOTHING
    ripe = [life in _TOLD for life in question.lives]
    if not any(ripe):
        return Why.WITHDRAWN if set(question.lives) == {Life.WITHDRAWN} else Why.UNSIGNED
    whole = all(ripe) and question.is_complete
    return None if whole or release_class < ReleaseClass.C2 else Why.INCOMPLETE


def _closed(question: Question) -> Why | None:
    """What the patient, the minor's secret and the sender's flags close, whatever the table says."""
    limits, channel, person = question.limits, question.channel, question.person
    closed: tuple[tuple[bool, Why], ...] = (
        (limits.hidden_from_patient and person is not Person.PHYSICIAN, Why.HIDDEN),
        (limits.hidden_from_physicians and person is Person.PHYSICIAN and not limits.is_prescriber, Why.HIDDEN),
        (limits.nobody_else and person not in _PATIENT, Why.WISH),
        (limits.in_person_only and channel in _AWAY, Why.WISH),
        (limits.of_age and person is Person.PARENT, Why.OF_AGE),
        ((limits.minor_secret or limits.discreet) and _opens_to_the_family(question), Why.SECRET),
    )
    return next((why for is_closed, why in closed if is_closed), None)


def _opens_to_the_family(question: Question) -> bool:
    limits, channel, person = question.limits, question.channel, question.person
    to_patient = person in _PATIENT
    return (
        person is Person.PARENT
        or channel is Channel.LETTER
        or (channel is Channel.CALL_BACK and to_patient and not limits.own_number)
        or (limits.discreet and person is Person.MANDATED and not limits.mandate_for_this_visit)
    )


def _route(teller: Teller, question: Question, release_class: ReleaseClass) -> tuple[Answer, Why]:
    """Turn the table's word into who tells here."""
    if teller is Teller.NOBODY:
        return Answer.NOT_NOW, Why.CLOSED
    limits = question.limits
    if (teller is Teller.RULE and not limits.rule_allows) or (teller is Teller.ASKED and not limits.letter_asked):
        return Answer.NOT_NOW, Why.NO_RULE
    return _by_role(_is_for_the_desk(teller, limits, release_class), question, release_class)


def _is_for_the_desk(teller: Teller, limits: Limits, release_class: ReleaseClass) -> bool:
    """A signed table never gives C3 and above to anyone but the biologist."""
    if release_class > ReleaseClass.C2:
        return False
    return teller in {Teller.SECRETARY, Teller.RULE} or (teller is Teller.AGREED and limits.agreed)


def _by_role(is_for_the_desk: bool, question: Question, release_class: ReleaseClass) -> tuple[Answer, Why]:
    tells = {
        Role.SECRETARY: True,
        Role.TECHNICIAN: release_class is ReleaseClass.C1 and question.person is Person.PHYSICIAN,
        Role.BIOLOGIST: True,
        Role.ADMINISTRATOR: False,
    }[question.role]
    if question.role is Role.ADMINISTRATOR or (is_for_the_desk and not tells):
        return Answer.NOT_NOW, Why.ROLE
    if is_for_the_desk or question.role is Role.BIOLOGIST:
        return Answer.TELL, Why.ALLOWED
    return Answer.BIOLOGIST, Why.ROUTE


def _not_now(why: Why) -> Decision:
    return Decision(answer=Answer.NOT_NOW, why=why)
