"""A slip is issued, confirmed or void: the only paper whose codes no screen and no disk ever holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from kiosk.register.database import uuid7
from kiosk.register.errors import Conflict, NotFound
from kiosk.register.journal import Act, write
from results.reports.versions import Recipient, Report, SealedKey
from results.vault.codes import CODE_DIGITS, HANDLE_DIGITS, LINES, check_pin, draw_digits, with_check_digit
from results.vault.dossiers import CodeLine, Dossier, LineState, Slip, SlipState, set_pair, trusted_dossier
from results.vault.envelopes import search_handle
from results.vault.keys import KeyRing
from results.vault.sealing import SALT_SIZE, Purpose, make_pair, public_of, same
from results.vault.wraps import Line, stretch_code, wrap_key

#: Every permitted move of a slip.
MOVES: Final[dict[tuple[SlipState, SlipState], Act]] = {
    (SlipState.PRINTING, SlipState.VALID): Act.SLIP_CONFIRMED,
    (SlipState.PRINTING, SlipState.VOID): Act.SLIP_VOIDED,
    (SlipState.VALID, SlipState.VOID): Act.SLIP_VOIDED,
}


class ReissueNeeded(Conflict):
    """A confidential result already lies sealed for this dossier; a biologist re-issues the slip."""

    french = "Un biologiste doit donner son accord pour un nouveau talon. Demandez-lui."


class KeyChanged(Conflict):
    """The dossier changed while the slip was prepared; begin the slip again."""

    french = "Le dossier vient de changer. Recommencez le talon."


class NoSuchSlip(NotFound):
    """There is no such slip."""

    french = "Ce talon n'existe pas. Revenez au dossier."


class SlipAlreadyEnded(Conflict):
    """This slip was already confirmed or cancelled; look at the dossier again."""

    french = "Ce talon a déjà été confirmé ou annulé. Regardez le dossier à nouveau."


@dataclass(frozen=True, kw_only=True, repr=False)
class PreparedSlip:
    """Everything slow about a slip, made before its transaction; held in memory for one request."""

    slip_id: UUID
    dossier_id: UUID
    private: bytes
    is_reissue: bool
    pepper_version: int
    #: Code of 16 digits, salt, wrap; one for each line.
    lines: tuple[tuple[str, bytes, bytes], ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class IssuedSlip:
    """What goes on the paper and nowhere else."""

    slip_id: UUID
    #: Six digits, without check digit.
    handle: str
    #: Sixteen digits each.
    codes: tuple[str, ...]


def prepare_slip(
    keys: KeyRing,
    *,
    dossier_id: UUID,
    pin: str,
    birth_date: str,
    at: datetime,
    chance: Chance,
    private: bytes | None = None,
    lines: int = LINES,
) -> PreparedSlip:
    """Draw codes and wrap the dossier's key for each line: a quarter of a second a line, outside any transaction.

    Args:
        keys: the staff programme's keys.
        dossier_id: whose results.
        pin: four digits that the patient typed.
        birth_date: YYYYMMDD as on file, so that the PIN is not made of it.
        at: now.
        chance: gives codes, salts and keys.
        private: for a re-issue, the dossier's key that the biologist opened; otherwise a fresh pair is made.
        lines: 2 to 6.

    Raises:
        NotAPin, PinTooEasy: another PIN must be chosen.
    """
    check_pin(pin, birth_date)
    slip_id, version = uuid7(at, chance), max(keys.pepper)
    secret = make_pair(chance).private if private is None else private
    made = []
    for number in range(1, lines + 1):
        code15, salt = draw_digits(CODE_DIGITS, chance), chance(SALT_SIZE)
        k = stretch_code(code15, pin, salt, cost=keys.line_cost)
        line = Line(dossier=dossier_id, slip=slip_id, line=number, pepper_version=version)
        wrap = wrap_key(line, secret, k=k, pepper=keys.pepper[version], chance=chance)
        made.append((with_check_digit(code15), salt, wrap))
    return PreparedSlip(
        slip_id=slip_id,
        dossier_id=dossier_id,
        private=secret,
        is_reissue=private is not None,
        pepper_version=version,
        lines=tuple(made),
    )


def issue_slip(
    db: Session, keys: KeyRing, prepared: PreparedSlip, *, by: UUID, at: datetime, chance: Chance
) -> IssuedSlip:
    """Enter a slip as printing; every earlier slip of the dossier is void. The caller commits, then prints.

    While nothing is sealed to the dossier's key it gets the fresh pair of this slip; afterwards only a re-issue,
    made with the key that a biologist opened, can follow.

    Raises:
        NoSuchDossier: there is none, or it cannot be trusted.
        ReissueNeeded: something confidential is sealed already.
        KeyChanged: a re-issue for a key that is no longer the dossier's.
    """
    dossier = trusted_dossier(db, keys, prepared.dossier_id, lock=True)
    public = public_of(prepared.private)
    if prepared.is_reissue:
        if not same(public, dossier.public):
            raise KeyChanged
    elif is_sealed_to(db, dossier):
        raise ReissueNeeded
    else:
        set_pair(db, keys, dossier, private=prepared.private, public=public, chance=chance)
    for earlier in db.scalars(select(Slip).where(Slip.dossier_id == dossier.id, Slip.state != SlipState.VOID)):
        _move(db, earlier, SlipState.VOID, by=by, at=at, chance=chance)
    handle, handle_key = _draw_handle(db, keys, dossier.site_id, chance)
    slip = Slip(
        id=prepared.slip_id,
        site_id=dossier.site_id,
        dossier_id=dossier.id,
        handle_key=handle_key,
        fields_version=max(keys.fields),
        state=SlipState.PRINTING,
        issued_by=by,
        issued_at=at,
    )
    db.add(slip)
    db.flush()  # the lines hang on it
    for number, (_, salt, wrap) in enumerate(prepared.lines, start=1):
        line = CodeLine(
            slip_id=slip.id,
            line=number,
            state=LineState.READY,
            pepper_version=prepared.pepper_version,
            salt=salt,
            wrap=wrap,
        )
        db.add(line)
    act = Act.SLIP_REISSUED if prepared.is_reissue else Act.SLIP_ISSUED
    write(db, "results", act, by=by, at=at, chance=chance, slip=slip.id, dossier=dossier.id)
    return IssuedSlip(slip_id=slip.id, handle=handle, codes=tuple(code for code, _, _ in prepared.lines))


def confirm_slip(db: Session, slip_id: UUID, *, by: UUID | str, at: datetime, chance: Chance) -> None:
    """Let a slip open: the printer, or the secretary who holds it, says that the paper is there.

    Raises:
        NoSuchSlip: there is none.
        SlipAlreadyEnded: it was confirmed or cancelled before.
    """
    _move(db, _slip(db, slip_id), SlipState.VALID, by=by, at=at, chance=chance)


def void_slip(db: Session, slip_id: UUID, *, by: UUID | str, at: datetime, chance: Chance) -> None:
    """Make a slip worthless: its lines are deleted, its handle is not used again for a year.

    Raises:
        NoSuchSlip: there is none.
        SlipAlreadyEnded: it is void already.
    """
    _move(db, _slip(db, slip_id), SlipState.VOID, by=by, at=at, chance=chance)


def find_slip(db: Session, keys: KeyRing, site_id: UUID, handle: str) -> Slip | None:
    """Find a slip by the six digits of its handle, under every fields key that is still held."""
    wanted = [search_handle(handle, subkey=keys.subkey(Purpose.HANDLE, version)) for version in keys.fields]
    return db.scalar(select(Slip).where(Slip.site_id == site_id, Slip.handle_key.in_(wanted)))


def lines_of(db: Session, slip_id: UUID) -> list[CodeLine]:
    """The lines of a slip, in the order of the paper."""
    return list(db.scalars(select(CodeLine).where(CodeLine.slip_id == slip_id).order_by(CodeLine.line)))


def end_line(line: CodeLine, state: LineState, *, at: datetime) -> None:
    """Delete a line's wrap and salt; the only setter of a line's end."""
    line.wrap, line.salt, line.state, line.ended_at = None, None, state, at


def _slip(db: Session, slip_id: UUID) -> Slip:
    slip = db.scalar(select(Slip).where(Slip.id == slip_id).with_for_update())
    if slip is None:
        raise NoSuchSlip
    return slip


def _move(db: Session, slip: Slip, after: SlipState, *, by: UUID | str, at: datetime, chance: Chance) -> None:
    act = MOVES.get((slip.state, after))
    if act is None:
        raise SlipAlreadyEnded
    slip.state = after
    if after is SlipState.VALID:
        slip.confirmed_at = at
    else:
        slip.voided_at = at
        for line in lines_of(db, slip.id):
            if line.state is LineState.READY:
                end_line(line, LineState.CLOSED, at=at)
    write(db, "results", act, by=by, at=at, chance=chance, slip=slip.id)


def is_sealed_to(db: Session, dossier: Dossier) -> bool:
    """Tell whether something confidential lies sealed for a dossier: from then on a biologist re-issues its slip."""
    copies = (
        select(SealedKey.item)
        .join(Report, Report.id == SealedKey.item)
        .where(Report.dossier == dossier.id, SealedKey.recipient == Recipient.DOSSIER)
    )
    return db.scalar(copies.limit(1)) is not None


def _draw_handle(db: Session, keys: KeyRing, site_id: UUID, chance: Chance) -> tuple[str, bytes]:
    while True:
        handle = draw_digits(HANDLE_DIGITS, chance)
        if find_slip(db, keys, site_id, handle) is None:
            return handle, search_handle(handle, subkey=keys.subkey(Purpose.HANDLE))
