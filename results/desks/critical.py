"""Critical values: the list with its clocks, one value open at a time, the call, and the blind repeat."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register import clock
from kiosk.register.accounts import NoSuchAccount, staff_of
from kiosk.register.errors import NotAllowed
from kiosk.register.patients import patient_of
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.callers.numbers import number_to_reach, number_words
from results.callers.repeating import HeardOtherwise
from results.critical import alerts, calling
from results.critical.alerts import Contact, CriticalAlert, EndReason, State, Verb, alert_of
from results.critical.calling import NobodyNamed, Opened, open_alert
from results.critical.drills import drill_now, end_drill, is_biologist_wanted
from results.critical.escalation import biologist_number, plan_at
from results.desks.unlocking import unlocked
from results.physicians.register import phone_of
from results.physicians.repeating import Heard
from results.reports.versions import Report, newest
from results.sitting import Locked
from results.vault.dossiers import Dossier
from results.vault.keys import BiologistKeys

bp = Blueprint("critical", __name__)

CONTACTS: Final = {
    Contact.BIOLOGIST: "Biologiste",
    Contact.COLLEAGUE: "Mobile ou collègue biologiste",
    Contact.PRESCRIBER: "Prescripteur",
    Contact.SECOND: "Second numéro du prescripteur",
    Contact.PHYSICIAN: "Médecin traitant",
    Contact.NURSE: "Infirmier à domicile",
    Contact.PATIENT: "Patient, par le biologiste",
    Contact.EMERGENCY: "SAMU",
}
CAUSES: Final = {"flag": "signal du SIL", "limit": "borne dépassée", "unreadable": "illisible", "mark": "biologiste"}
ENDS: Final = (
    (EndReason.KNOWN, "Connue et déjà dite pour ce patient"),
    (EndReason.WITHDRAWN, "Corrigée ou retirée depuis"),
    (EndReason.SAMPLE, "Prélèvement à refaire"),
    (EndReason.NOT_CRITICAL, "Relue : elle peut attendre"),
    (EndReason.ELSEWHERE, "Dite d'après l'écran du SIL"),
)
VERBS: Final = {
    "see": "vue", "call": "appel", "miss": "pas de réponse", "reach": "joint", "hear": "répétée",
    "hand_on": "coupé, ou pas pris en charge", "acknowledge": "prise en charge", "send": "compte rendu envoyé",
    "close": "close",
}  # fmt: skip
#: Minutes from receipt from which a clock is yellow, then red.
SOON, LATE = 10, 30


class BiologistOpens(NotAllowed):
    """This value is confidential, or nobody has matched it yet: a biologist opens it."""

    french = "Cette valeur s'ouvre avec les clés d'un biologiste. Appelez-en un maintenant."


@bp.get("/alarme")
@needs(Right.ENTER)
def alarm() -> ResponseReturnValue:
    """The part of every staff page that says that a value waits; nothing of it, and to reception nothing at all."""
    with reading() as db:
        site = this_site(db)
        if actor().may(Right.CRITICAL):
            return _alarm(db, site)
        wanted = actor().may(Right.CALL) and is_biologist_wanted(db, site.id, now())
        number = biologist_number(db, site.id, site.timezone, now(), power()) if wanted else ""
    state = f"{wanted:d}{number}"
    if request.args.get("vu") == state:
        return Response(status=204)
    return page("results/alarm_reception.html", state=state, wanted=wanted, number=number_words(number))


@bp.get("/critiques")
@needs(Right.CRITICAL)
def all_of_them() -> ResponseReturnValue:
    """Every value that waits, the longest first; none of their content."""
    with reading() as db:
        site = this_site(db)
        waiting = [_row(db, alert) for alert in alerts.open_alerts(db, site.id)]
        sending = [_row(db, alert) for alert in alerts.to_send(db, site.id)]
        plan = plan_at(db, site.id, site.timezone, now(), power())
        is_drill = drill_now(db, site.id, now()) is not None
    return page(
        "results/critical.html", waiting=waiting, sending=sending, plan=plan, contacts=CONTACTS, causes=CAUSES,
        is_drill=is_drill, soon=SOON, late=LATE, number_words=number_words,
    )  # fmt: skip


@bp.post("/critiques/<uuid:alert_id>/ouvrir")
@needs(Right.CRITICAL)
def look(alert_id: UUID) -> ResponseReturnValue:
    """Open one value; the journal knows, and it counts as seen."""
    return _show(alert_id)


@bp.post("/critiques/<uuid:alert_id>/appeler")
@needs(Right.CRITICAL)
def call(alert_id: UUID) -> ResponseReturnValue:
    """Begin to ring somebody of the list."""
    contact = Contact(request.form["contact"]) if request.form.get("contact") in list(Contact) else None
    if contact is None or (contact is Contact.PATIENT and not actor().may(Right.SIGN)):
        raise BiologistOpens

    def ring(db: Session) -> None:
        calling.call(db, alert_of(db, alert_id, lock=True), contact, by=actor().id, at=now(), chance=chance)

    return _show(alert_id, ring)


@bp.post("/critiques/<uuid:alert_id>/absent")
@needs(Right.CRITICAL)
def miss(alert_id: UUID) -> ResponseReturnValue:
    """Nobody there, or nobody who takes charge: back to the list of whom to ring."""
    with transaction("results") as db:
        calling.miss(db, alert_of(db, alert_id, lock=True), by=actor().id, at=now(), chance=chance)
    try:
        return _show(alert_id)
    except Locked:  # it is noted, whatever becomes of the keys: somebody else may have to ring next
        return redirect(url_for("critical.all_of_them"), 303)


@bp.post("/critiques/<uuid:alert_id>/joint")
@needs(Right.CRITICAL)
def reached(alert_id: UUID) -> ResponseReturnValue:
    """Who answers, by name; the value is read to them, and the release is entered."""
    form = request.form

    def reach(db: Session) -> None:
        calling.reach(
            db, house().more["keys"], alert_of(db, alert_id, lock=True), person_name=form.get("person_name", ""),
            rpps=form.get("rpps", ""), by=actor().id, power=power(), at=now(), chance=chance,
        )  # fmt: skip

    try:
        return _show(alert_id, reach)
    except NobodyNamed as refusal:
        return _show(alert_id, errors={"person_name": refusal.sentence})


@bp.post("/critiques/<uuid:alert_id>/repetition")
@needs(Right.CRITICAL)
def read_back(alert_id: UUID) -> ResponseReturnValue:
    """What is repeated; the value is out of sight from here on."""
    with transaction("results") as db:
        count = len(_open(db, alert_id).lines)
    return page("results/critical_repeat.html", alert_id=alert_id, count=count, tries=0, errors={})


@bp.post("/critiques/<uuid:alert_id>/comparer")
@needs(Right.CRITICAL)
def compare(alert_id: UUID) -> ResponseReturnValue:
    """Compare what was heard with what was told."""
    form = request.form
    said = zip(form.getlist("analysis_secret"), form.getlist("value_secret"), form.getlist("unit_secret"), strict=True)
    with transaction("results") as db:
        opened = _open(db, alert_id)
        right = calling.hear(
            db, opened, [Heard(analysis=one, value=two, unit=three) for one, two, three in said],
            initials=form.get("initials", ""), year=form.get("year", ""), by=actor().id, at=now(), chance=chance,
        )  # fmt: skip
        count, tries, state = len(opened.lines), opened.alert.read_back_tries, opened.alert.state
    if right or state is not State.REACHED:
        return _show(alert_id, problem="" if right else "Trois répétitions fausses : un biologiste reprend cet appel.")
    errors = {"initials": HeardOtherwise.french}
    return page("results/critical_repeat.html", status=422, alert_id=alert_id, count=count, tries=tries, errors=errors)


@bp.post("/critiques/<uuid:alert_id>/prise-en-charge")
@needs(Right.CRITICAL)
def acknowledge(alert_id: UUID) -> ResponseReturnValue:
    """The person reached takes charge: the clock stops."""
    with transaction("results") as db:
        calling.acknowledge(db, alert_of(db, alert_id, lock=True), by=actor().id, at=now(), chance=chance)
    flash("Prise en charge notée. Envoyez maintenant le compte rendu.", "ok")
    return redirect(url_for("critical.all_of_them"), 303)


@bp.post("/critiques/<uuid:alert_id>/envoye")
@needs(Right.CRITICAL)
def sent(alert_id: UUID) -> ResponseReturnValue:
    """The written report has followed."""
    with transaction("results") as db:
        alerts.move(db, alert_of(db, alert_id, lock=True), Verb.SEND, by=actor().id, at=now(), chance=chance)
    flash("C'est noté.", "ok")
    return redirect(url_for("critical.all_of_them"), 303)


@bp.post("/critiques/<uuid:alert_id>/clore")
@needs(Right.SIGN)
def end(alert_id: UUID) -> ResponseReturnValue:
    """End one without a call: a biologist's decision, with a reason of the list."""
    word = request.form.get("reason", "")
    if word not in list(EndReason):
        return _show(alert_id, errors={"reason": "Choisissez pourquoi."})
    with transaction("results") as db:
        alerts.end(db, alert_of(db, alert_id, lock=True), EndReason(word), by=actor().id, at=now(), chance=chance)
    flash("Close sans appel. Le motif est au journal.", "warn")
    return redirect(url_for("critical.all_of_them"), 303)


@bp.post("/critiques/signaler/<uuid:report_id>")
@needs(Right.SIGN)
def mark(report_id: UUID) -> ResponseReturnValue:
    """The biologist says that a report cannot wait."""
    with transaction("results") as db:
        report = db.get(Report, report_id)
        if report is None:
            raise alerts.NoAlert
        alert = alerts.mark(db, report, by=actor().id, at=now(), chance=chance, key=form_key())
        alert_id = alert.id
    return _show(alert_id)


@bp.post("/critiques/exercice")
@needs(Right.CRITICAL)
def answer_drill() -> ResponseReturnValue:
    """The biologist has answered a drill: reception's screen is quiet again."""
    with transaction("results") as db:
        end_drill(db, this_site(db).id, at=now())
    return redirect(url_for("critical.all_of_them"), 303)


def _unlock() -> BiologistKeys:
    if not actor().may(Right.SIGN):
        raise BiologistOpens
    return unlocked()


def _open(db: Session, alert_id: UUID) -> Opened:
    return open_alert(
        db, house().more["keys"], alert_of(db, alert_id, lock=True), unlock=_unlock, by=actor().id, power=power(),
        at=now(), chance=chance,
    )  # fmt: skip


def _show(
    alert_id: UUID, act: Callable[[Session], None] | None = None, *, errors: Mapping[str, str] | None = None,
    problem: str = "",
) -> ResponseReturnValue:  # fmt: skip
    with transaction("results") as db:
        if act is not None:
            act(db)  # in the same transaction: where locked keys show nothing, nothing is entered either
        site, opened = this_site(db), _open(db, alert_id)
        plan = plan_at(db, site.id, site.timezone, now(), power())
        number, is_given_now = _patients_number(db, opened)
        log = [_said(db, site, step) for step in alerts.steps_of(db, alert_id)]
    numbers = {one.id: number_words(phone_of(one, power()) or "") for _, one in opened.physicians}
    return page(
        "results/critical_value.html", status=422 if errors else 200, opened=opened, plan=plan, log=log,
        numbers=numbers, number=number_words(number), is_given_now=is_given_now,
        waited=now() - opened.alert.received_at, minutes=_minutes(opened.alert), contacts=CONTACTS,
        causes=CAUSES, ends=ENDS, errors=errors or {}, problem=problem, may_sign=actor().may(Right.SIGN), soon=SOON,
        late=LATE, number_words=number_words,
    )  # fmt: skip


def _patients_number(db: Session, opened: Opened) -> tuple[str, bool]:
    """The patient's number, while the biologist rings the patient; nobody else sees it here."""
    rings = opened.alert.state is State.CALLING and opened.alert.contact is Contact.PATIENT
    if opened.visit is None or not rings or not actor().may(Right.SIGN):
        return "", False
    return number_to_reach(db, opened.visit.id, opened.patient, power(), is_discreet=opened.is_discreet)


def _alarm(db: Session, site: Site) -> Response:
    waiting = alerts.open_alerts(db, site.id)
    unseen = sum(alert.state is State.FOUND for alert in waiting)
    oldest = _minutes(waiting[0]) if waiting else 0
    is_drill = drill_now(db, site.id, now()) is not None
    state = f"{len(waiting)}-{unseen}-{oldest}-{is_drill:d}"
    if request.args.get("vu") == state:
        return Response(status=204)
    return page("results/alarm.html", state=state, count=len(waiting), unseen=unseen, oldest=oldest, is_drill=is_drill)


def _row(db: Session, alert: CriticalAlert) -> dict[str, object]:
    version = newest(db, alert.report_id)
    dossier = None if version is None or version.dossier is None else db.get(Dossier, version.dossier)
    patient = None if dossier is None else patient_of(db, dossier.visit_id)
    return {"alert": alert, "patient": patient, "minutes": _minutes(alert), "waited": now() - alert.received_at}


def _minutes(alert: CriticalAlert) -> int:
    return clock.minutes_between(alert.received_at, now())


def _said(db: Session, site: Site, step: alerts.CriticalStep) -> tuple[str, str, str]:
    """One line of the log: hour, what was done towards whom, by whom."""
    try:
        by = staff_of(db, step.by, power()).name
    except NoSuchAccount:
        by = ""
    towards = ", ".join(
        part for part in ("" if step.contact is None else CONTACTS[step.contact], alerts.who_was(step, power())) if part
    )
    return _hour(site, step.at), f"{VERBS[step.verb]}{' : ' if towards else ''}{towards}", by


def _hour(site: Site, at: datetime) -> str:
    return f"{clock.local(site.timezone, at):%H:%M:%S}"
