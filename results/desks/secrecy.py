"""What closes ways: a discreet visit marked at the counter, decided and confirmed; the laboratory system's flags."""

from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.booking import discretion
from kiosk.booking.discretion import Decision, discretion_of
from kiosk.register import clock
from kiosk.register.patients import Patient, patient_of
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right
from kiosk.register.visits import FINAL, NoVisit, State, Visit, visit_of
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.desks.unlocking import unlocked
from results.identity import is_minor
from results.reports.flags import NoSuchFlag, lift_flag, reports_flagged
from results.reports.sorting import Flag
from results.vault.dossiers import Dossier, Wish, add_wish

bp = Blueprint("secrecy", __name__)

#: A visit's screens that still open when a discreet visit is over; what is fetched comes by its ticket or slip.
_STILL_OPEN: Final = frozenset({"handover", "coding", "papers", "agreeing", "secrecy", "reissuing", "leaving_message"})
#: Of the desk that gives slips, what another slip needs.
_SLIP_PAGES: Final = frozenset(
    f"delivery.{name}" for name in ("pin", "make_slip", "slip", "slip_state", "came_out", "did_not_come_out")
)


@bp.get("/passage/<uuid:visit_id>/discretion")
@needs(Right.REGISTER)
def of_visit(visit_id: UUID) -> ResponseReturnValue:
    """Whether a visit is a discreet one, and what that changes."""
    with reading() as db:
        visit, patient, mark = visit_of(db, visit_id), patient_of(db, visit_id), discretion_of(db, visit_id, power())
        today = clock.day(this_site(db).timezone, now())
        return page(
            "results/discretion.html", visit=visit, patient=patient, mark=mark, **_stage(mark),
            is_minor=patient is not None and is_minor(patient.birth_date, today=today),
        )  # fmt: skip


@bp.post("/passage/<uuid:visit_id>/discretion")
@needs(Right.REGISTER)
def mark(visit_id: UUID) -> ResponseReturnValue:
    """Mark a visit as discreet: from this instant it stands in no list."""
    with transaction("results") as db:
        visit = visit_of(db, visit_id)
        discretion.mark_discreet(db, visit, by=actor().id, power=power(), at=now(), chance=chance, key=form_key())
        if dossier := db.scalars(select(Dossier).where(Dossier.visit_id == visit_id)).first():
            add_wish(
                db, house().more["keys"], dossier.id, Wish.DISCREET, by=actor().id, at=now(), chance=chance
            )  # fmt: skip
        room = visit.desk if visit.state is State.IN_ROOM else ""
    flash(
        f"Visite discrète. La personne est déjà en {room} : l'écran de la salle dit d'attendre. Prévenez le biologiste."
        if room
        else "Visite discrète. Le biologiste décide avant le prélèvement : prévenez-le.",
        "ok",
    )
    return redirect(url_for("secrecy.of_visit", visit_id=visit_id), 303)


@bp.get("/confidentialite")
@needs(Right.REGISTER)
def tasks() -> ResponseReturnValue:
    """The discreet visits that wait for somebody; for a biologist also what the laboratory system has closed."""
    with reading() as db:
        site = this_site(db)
        rows = [(row, visit_of(db, row.visit_id)) for row in discretion.open_tasks(db, site.id, power(), at=now())]
        may_sign = actor().may(Right.SIGN)
        found = reports_flagged(db, site.id, power()) if may_sign else []
        flagged = [(one, *_whose(db, one.dossier_id)) for one in found]
    return page(
        "results/secrecy.html", rows=[(visit, _stage(row)) for row, visit in rows], flagged=flagged, may_sign=may_sign,
        when=lambda at: clock.appointment_words(site.timezone, at),
    )  # fmt: skip


@bp.post("/confidentialite/<uuid:visit_id>/decision")
@needs(Right.SIGN)
def decide(visit_id: UUID) -> ResponseReturnValue:
    """The biologist keeps or lifts a discreet visit."""
    decision = Decision.LIFTED if request.form.get("decision") == Decision.LIFTED else Decision.KEPT
    with transaction("results") as db:
        discretion.decide(db, visit_id, decision, by=actor().id, power=power(), at=now(), chance=chance)
    kept = decision is Decision.KEPT
    flash("La visite reste discrète." if kept else "C'est une visite ordinaire à nouveau.", "ok" if kept else "warn")
    return redirect(url_for("secrecy.tasks"), 303)


@bp.post("/confidentialite/<uuid:visit_id>/non-exposition")
@needs(Right.REGISTER)
def confirm(visit_id: UUID) -> ResponseReturnValue:
    """A person has seen in the laboratory system that nothing of the order is exposed."""
    with transaction("results") as db:
        discretion.confirm(db, visit_id, by=actor().id, power=power(), at=now(), chance=chance)
    flash("Non-exposition confirmée dans le SIL.", "ok")
    return redirect(url_for("secrecy.tasks"), 303)


@bp.post("/confidentialite/voie/<uuid:report_id>")
@needs(Right.SIGN)
def lift(report_id: UUID) -> ResponseReturnValue:
    """The biologist opens a way that the laboratory system has closed, with unlocked keys."""
    word = request.form.get("flag", "")
    if word not in list(Flag):
        raise NoSuchFlag
    unlocked()
    with transaction("results") as db:
        lift_flag(db, report_id, Flag(word), by=actor().id, power=power(), at=now(), chance=chance)
    flash("La voie est ouverte. Un nouveau message du SIL peut la refermer.", "warn")
    return redirect(url_for("secrecy.tasks"), 303)


def waiting_words(db: Session, site: Site) -> str:
    """What the menu says while a discreet visit waits for somebody; whoever looks over a shoulder learns nothing."""
    return "une tâche attend" if discretion.open_tasks(db, site.id, power(), at=now()) else ""


@bp.before_app_request
def leave_no_trace() -> None:
    """A discreet visit that is over has no page of its own: the same answer as for a visit that never was."""
    visit_id = (request.view_args or {}).get("visit_id")
    if not isinstance(visit_id, UUID) or (request.blueprint or "") in _STILL_OPEN:
        return
    if request.endpoint in _SLIP_PAGES:
        return
    with reading() as db:
        visit = db.get(Visit, visit_id)
        if visit is not None and visit.state in FINAL and discretion_of(db, visit_id, power()) is not None:
            raise NoVisit


def _stage(row: discretion.DiscreetVisit | None) -> dict[str, bool]:
    return {
        "is_undecided": row is not None and discretion.awaits_decision(row, power()),
        "is_unconfirmed": row is not None and discretion.awaits_confirmation(row, power()),
    }


def _whose(db: Session, dossier_id: UUID | None) -> tuple[Visit | None, Patient | None]:
    """Whose a flagged report is; nobody's while it is held."""
    dossier = None if dossier_id is None else db.get(Dossier, dossier_id)
    if dossier is None:
        return None, None
    return visit_of(db, dossier.visit_id), patient_of(db, dossier.visit_id)
