"""Messages that wait for a person: why, since when, and whose once opened; never a class, never a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.errors import Conflict, Invalid
from kiosk.register.journal import Act, write
from kiosk.register.patients import TraitsToCorrect, patient_of, read_birth_date
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right
from kiosk.register.visits import visit_of
from kiosk.signin import actor, needs, power
from kiosk.web import chance, house, now, page, reading, transaction
from results.desks.unlocking import unlocked
from results.exchange.attaching import TraitsDisagree, attach, is_about_whom, suggested
from results.exchange.filing_held import file_attached
from results.exchange.matching import Evidence, evidence_of
from results.exchange.received import MessageState, ReceivedMessage, held_message
from results.handing.finding import NotOnATicket, read_ticket, visit_on_ticket
from results.hl7v2.reader import Message
from results.reports.versions import Part, Reason, Recipient, ReportVersion, SealedKey, State, Verb, move
from results.vault.envelopes import RawPart, RawSeal, open_body, open_copy
from results.vault.keys import KeyRing
from results.vault.sealing import DoesNotOpen

bp = Blueprint("quarantine", __name__)

#: Age in minutes from which a message is late, then very late.
LATE: Final = 30
VERY_LATE: Final = 240


class Aside(StrEnum):
    """Why a message is set aside."""

    OTHER_LABORATORY = "other_laboratory"
    SENT_AGAIN = "sent_again"
    TEST = "test"


ASIDE: Final = (
    (Aside.SENT_AGAIN, "Un renvoi corrigé est demandé au SIL"),
    (Aside.OTHER_LABORATORY, "Ce message n'est pas pour ce laboratoire"),
    (Aside.TEST, "C'était un essai"),
)


class ReasonMissing(Invalid):
    """A message is set aside with a reason of the list; choose one."""

    french = "Choisissez un motif."


class NamesNobody(Conflict):
    """The message names nobody, or its part that does cannot be opened here; ask the sender."""

    french = "Ce message ne dit pas de qui il parle, ou ne s'ouvre pas ici. Demandez un renvoi au SIL."


@dataclass(frozen=True, kw_only=True, repr=False)
class Named:
    """Who and which samples a message says it speaks of; no exam is in it."""

    message_id: UUID
    birth_name: str
    given_names: tuple[str, ...]
    birth_date: str
    sex: str
    numbers: tuple[str, ...]
    #: All of it, to look for visits that it may speak of.
    said: Evidence


def waiting_for_a_person(db: Session) -> list[ReceivedMessage]:
    """Every held message: contradictions first, then the oldest first."""
    asked = (
        select(ReceivedMessage)
        .where(ReceivedMessage.state == MessageState.HELD)
        .order_by(ReceivedMessage.is_urgent.desc(), ReceivedMessage.received_at)
    )
    return list(db.scalars(asked))


def open_identity(db: Session, keys: KeyRing, message_id: UUID, *, by: UUID, at: datetime, chance: Chance) -> Named:
    """Open the part of a held message that says whose it is; the journal knows.

    Args:
        db: a session that writes the results.
        keys: hold the release key.
        message_id: which message.
        by: staff id.
        at: now.
        chance: gives the journal's salt.

    Raises:
        NoLongerHeld: it does not wait any more.
        NamesNobody: there is no such part, or it does not open.
    """
    row = held_message(db, message_id)
    copies = select(SealedKey).where(
        SealedKey.item == row.id, SealedKey.part == Part.IDENTITY, SealedKey.recipient == Recipient.RELEASE
    )
    copy = db.scalars(copies).first()
    private = None if copy is None else keys.release.get(copy.key_version)
    if copy is None or private is None or row.identity is None:
        raise NamesNobody
    try:
        dek = open_copy(row.id, 0, copy.box, private=private)
        body = open_body(RawSeal(message=row.id, part=RawPart.IDENTITY, rank=0), row.identity, dek)
    except DoesNotOpen:
        raise NamesNobody from None
    write(db, "results", Act.PATIENT_OPENED, by=by, at=at, chance=chance, message=row.id)
    said = evidence_of(Message.read(body.content))
    return Named(
        message_id=row.id,
        birth_name=said.traits.birth_name,
        given_names=said.traits.givens,
        birth_date=said.traits.birth_date,
        sex=said.traits.sex,
        numbers=tuple(sorted(said.numbers)),
        said=said,
    )


def set_aside(db: Session, message_id: UUID, why: Aside, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Set a held message aside for good: its bytes stay sealed, its reports are withdrawn and never told.

    Args:
        db: a session that writes the results.
        message_id: which message.
        why: a word of the list.
        by: staff id.
        at: now.
        chance: gives the journal's salt.

    Raises:
        NoLongerHeld: it does not wait any more.
    """
    row = held_message(db, message_id)
    row.state = MessageState.REFUSED
    for version in db.scalars(select(ReportVersion).where(ReportVersion.message_id == row.id)):
        if version.state is State.RECEIVED:
            move(version, Verb.WITHDRAW, at=at, reason=Reason.RETRACTED)
    write(db, "results", Act.MESSAGE_REFUSED, by=by, at=at, chance=chance, message=row.id, why=why)


@bp.get("/messages-retenus")
@needs(Right.HELD_MESSAGES)
def held_messages() -> ResponseReturnValue:
    """What waits for a person."""
    return _list(None)


@bp.post("/messages-retenus/<uuid:message_id>/ouvrir")
@needs(Right.HELD_MESSAGES)
def whose(message_id: UUID) -> ResponseReturnValue:
    """Show whose one message may be, after the journal has been told."""
    return _opened(message_id, {})


@bp.post("/messages-retenus/<uuid:message_id>/rattacher")
@needs(Right.HELD_MESSAGES)
def attach_to_visit(message_id: UUID) -> ResponseReturnValue:
    """Say whose one message is, with two traits typed again; a biologist files it."""
    told = request.form
    try:
        with transaction("results") as db:
            site = this_site(db)
            today = f"{clock.day(site.timezone, now()):%Y%m%d}"
            attach(
                db, message_id, _visit(db, site, told), birth_name=told.get("birth_name", ""),
                birth_date=read_birth_date(told.get("birth_date", ""), today=today), by=actor().id, at=now(),
                chance=chance,
            )  # fmt: skip
    except (NotOnATicket, TraitsDisagree, TraitsToCorrect) as refusal:
        field = "number" if isinstance(refusal, NotOnATicket) else "birth_name"
        return _opened(message_id, {field: refusal.sentence})
    flash("Rattaché. Un biologiste le classe avec ses clés ; rien n'en est dit avant sa signature.", "ok")
    return redirect(url_for("quarantine.held_messages"), 303)


@bp.post("/messages-retenus/<uuid:message_id>/classer")
@needs(Right.SIGN)
def put_in_dossier(message_id: UUID) -> ResponseReturnValue:
    """File an attached message with the biologist's keys; it then waits for a signature."""
    with transaction("results") as db:
        file_attached(
            db, house().more["keys"], message_id, request.form.get("visit", type=UUID), site=this_site(db),
            biologist=unlocked(), power=power(), by=actor().id, at=now(), chance=chance,
        )  # fmt: skip
    flash("Classé dans le dossier. Il attend votre signature.", "ok")
    return redirect(url_for("quarantine.held_messages"), 303)


@bp.post("/messages-retenus/<uuid:message_id>/ecarter")
@needs(Right.HELD_MESSAGES)
def put_away(message_id: UUID) -> ResponseReturnValue:
    """Set one message aside, with a reason of the list."""
    why = _why(request.form.get("reason", ""))
    with transaction("results") as db:
        set_aside(db, message_id, why, by=actor().id, at=now(), chance=chance)
    flash("Message écarté. Il reste gardé, scellé.", "ok")
    return redirect(url_for("quarantine.held_messages"), 303)


def _opened(message_id: UUID, errors: dict[str, str]) -> ResponseReturnValue:
    with transaction("results") as db:
        named = open_identity(db, house().more["keys"], message_id, by=actor().id, at=now(), chance=chance)
    return _list(named, errors)


def _list(named: Named | None, errors: dict[str, str] | None = None) -> ResponseReturnValue:
    with reading() as db:
        site, found = this_site(db), waiting_for_a_person(db)
        attached = {one.id: visit_of(db, one.visit) for one in found if one.visit is not None}
        row = next((one for one in found if named is not None and one.id == named.message_id), None)
        visits, bearer = [], None
        if row is not None and named is not None and is_about_whom(row):
            visits = suggested(db, site, row, named.said, power=power(), at=now())
            bearer = None if row.visit is None else patient_of(db, row.visit)
    minutes = {one.id: clock.minutes_between(one.received_at, now()) for one in found}
    return page(
        "results/held.html", status=422 if errors else 200, found=found, named=named, minutes=minutes, reasons=ASIDE,
        late=LATE, very_late=VERY_LATE, when=lambda at: clock.appointment_words(site.timezone, at), attached=attached,
        can_attach=row is not None and is_about_whom(row), visits=visits, bearer=bearer,
        may_file=actor().may(Right.SIGN), told=request.form, errors=errors or {},
    )  # fmt: skip


def _visit(db: Session, site: Site, told: Mapping[str, str]) -> UUID:
    """The visit that was chosen, or that of a ticket; the journal knows who has asked by the ticket."""
    try:
        return UUID(told.get("visit", ""))
    except ValueError:
        number, on = read_ticket(told.get("number", ""), told.get("day", ""))
        return visit_on_ticket(db, site.id, number, on, by=actor().id, at=now(), chance=chance).id


def _why(word: str) -> Aside:
    if word not in list(Aside):
        raise ReasonMissing
    return Aside(word)
