"""The register of physicians, and which of them a visit's order names; what proves one is the biologist's to set."""

from typing import Any
from uuid import UUID

import qrcode
from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.exams.prescriptions import prescription_of
from kiosk.formats.folding import fold
from kiosk.register import clock
from kiosk.register.errors import Invalid
from kiosk.register.patients import patient_of
from kiosk.register.sites import this_site
from kiosk.register.staff import Right, seed_address
from kiosk.register.visits import visit_of
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.callers.numbers import number_words
from results.desks.unlocking import unlocked
from results.physicians import register
from results.physicians.orders import Standing, name_physician, physicians_of, unname_physician
from results.physicians.register import AlreadyKnown, BadRpps, Physician, bare_name
from results.physicians.said import said_for, unknown_prescribers

bp = Blueprint("prescribers", __name__)


class NoPhysicianChosen(Invalid):
    """A physician of the register is chosen from the list."""

    french = "Choisissez un médecin dans la liste."


@bp.get("/medecins")
@needs(Right.REGISTER)
def all_of_them() -> ResponseReturnValue:
    """The register, without any number that is rung."""
    return _register("")


@bp.post("/medecins/chercher")
@needs(Right.REGISTER)
def search() -> ResponseReturnValue:
    """Those who suit what was typed."""
    return _register(request.form.get("typed", ""))


@bp.post("/medecins")
@needs(Right.REGISTER)
def enter() -> ResponseReturnValue:
    """Enter a physician who can be named by orders."""
    form = request.form
    try:
        with transaction("results") as db:
            row = register.enter_physician(
                db, this_site(db).id, rpps=form.get("rpps", ""), name=form.get("name", ""), by=actor().id,
                power=power(), at=now(), chance=chance, key=form_key(),
            )  # fmt: skip
    except (Invalid, AlreadyKnown) as refusal:
        field = "rpps" if isinstance(refusal, (BadRpps, AlreadyKnown)) else "name"
        return _register("", errors={field: refusal.sentence}, told=form)
    flash(f"{row.name} est au registre. Un biologiste y met le téléphone ou la clé.", "ok")
    return redirect(url_for("prescribers.all_of_them"), 303)


@bp.get("/medecins/<uuid:physician_id>")
@needs(Right.SIGN)
def card(physician_id: UUID) -> ResponseReturnValue:
    """One entry: the number on file and whether a key proves it."""
    return _card(physician_id)


@bp.post("/medecins/<uuid:physician_id>/numero")
@needs(Right.SIGN)
def set_number(physician_id: UUID) -> ResponseReturnValue:
    """Set the number that the laboratory rings, with unlocked keys."""
    try:
        unlocked()
        with transaction("results") as db:
            register.set_number(
                db, physician_id, request.form.get("phone", ""), by=actor().id, power=power(), at=now(), chance=chance
            )
    except Invalid as refusal:
        return _card(physician_id, errors={"phone": refusal.sentence})
    flash("Le numéro est au registre.", "ok")
    return redirect(url_for("prescribers.card", physician_id=physician_id), 303)


@bp.post("/medecins/<uuid:physician_id>/cle")
@needs(Right.SIGN)
def draw_seed(physician_id: UUID) -> ResponseReturnValue:
    """Draw a key for the physician who is here in person; shown once."""
    unlocked()
    with transaction("results") as db:
        drawn = register.begin_enrolment(db, physician_id, by=actor().id, power=power(), at=now(), chance=chance)
    return _enrolment(drawn.physician, drawn.seed)


@bp.post("/medecins/<uuid:physician_id>/cle/six-chiffres")
@needs(Right.SIGN)
def believe_seed(physician_id: UUID) -> ResponseReturnValue:
    """Believe the key once six digits were read from it."""
    try:
        unlocked()
        with transaction("results") as db:
            register.end_enrolment(
                db, physician_id, request.form.get("digits", ""), by=actor().id, power=power(), at=now(),
                chance=chance,
            )  # fmt: skip
    except register.NotTheDigits as refusal:
        return _card(physician_id, errors={"digits": refusal.sentence})
    flash("La clé prouve ce médecin au téléphone.", "ok")
    return redirect(url_for("prescribers.card", physician_id=physician_id), 303)


@bp.post("/medecins/<uuid:physician_id>/fermer")
@needs(Right.SIGN)
def close(physician_id: UUID) -> ResponseReturnValue:
    """Close an entry: nothing is told to this physician any more."""
    with transaction("results") as db:
        register.close_physician(db, physician_id, by=actor().id, power=power(), at=now(), chance=chance)
    flash("Ce médecin est retiré du registre. Numéro et clé sont oubliés.", "warn")
    return redirect(url_for("prescribers.all_of_them"), 303)


@bp.get("/passage/<uuid:visit_id>/medecins")
@needs(Right.REGISTER)
def of_visit(visit_id: UUID) -> ResponseReturnValue:
    """Whom the order of a visit names."""
    return _of_visit(visit_id)


@bp.post("/passage/<uuid:visit_id>/medecins")
@needs(Right.REGISTER)
def name(visit_id: UUID) -> ResponseReturnValue:
    """Say that the paper names a physician of the register."""
    try:
        chosen, standing = _chosen()
    except NoPhysicianChosen as refusal:
        return _of_visit(visit_id, errors={"physician": refusal.sentence})
    with transaction("results") as db:
        name_physician(
            db, visit_of(db, visit_id), chosen, standing, by=actor().id, power=power(), at=now(), chance=chance
        )
    flash("C'est noté.", "ok")
    return redirect(url_for("prescribers.of_visit", visit_id=visit_id), 303)


@bp.post("/passage/<uuid:visit_id>/medecins/<uuid:physician_id>/retirer")
@needs(Right.REGISTER)
def unname(visit_id: UUID, physician_id: UUID) -> ResponseReturnValue:
    """Take a physician off the order."""
    with transaction("results") as db:
        unname_physician(db, visit_id, physician_id, by=actor().id, at=now(), chance=chance)
    flash("Ce médecin n'est plus nommé par l'ordonnance.", "warn")
    return redirect(url_for("prescribers.of_visit", visit_id=visit_id), 303)


def _register(typed: str, *, errors: dict[str, str] | None = None, told: Any = None) -> Response:
    with reading() as db:
        site_id = this_site(db).id
        found = register.all_physicians(db, site_id, power(), typed=typed)
        unknown = unknown_prescribers(db, site_id, at=now())
    return page(
        "results/physicians.html", status=422 if errors else 200, found=found, typed=typed, errors=errors or {},
        told=told or {}, may_prove=actor().may(Right.SIGN), unknown=unknown,
    )  # fmt: skip


def _card(physician_id: UUID, *, errors: dict[str, str] | None = None) -> Response:
    with reading() as db:
        site, row = this_site(db), register.physician_of(db, physician_id, power())
    number = register.phone_of(row, power())
    since = "" if row.phone_at is None else clock.appointment_words(site.timezone, row.phone_at)
    return page(
        "results/physician_card.html", status=422 if errors else 200, physician=row, since=since,
        number="" if number is None else number_words(number), errors=errors or {},
    )  # fmt: skip


def _enrolment(row: Physician, seed: str) -> Response:
    code = qrcode.QRCode(border=3)
    code.add_data(seed_address(seed, login=row.rpps, site=house().site_name))
    rows = code.get_matrix()
    dots = [f"M{x} {y}h1v1h-1z" for y, line in enumerate(rows) for x, dark in enumerate(line) if dark]
    return page(
        "results/physician_key.html", physician=row, seed=seed, squares={"size": len(rows), "path": "".join(dots)}
    )


def _of_visit(visit_id: UUID, *, errors: dict[str, str] | None = None) -> Response:
    with reading() as db:
        visit = visit_of(db, visit_id)
        patient, prescription = patient_of(db, visit_id), prescription_of(db, visit_id)
        named = physicians_of(db, visit_id, power())
        known = {one.id for _, one in named}
        others = [one for one in register.all_physicians(db, visit.site_id, power()) if one.id not in known]
        said = {row.rpps: row.name for row in said_for(db, visit_id)}
    written = bare_name(prescription.prescriber) if prescription is not None else ""
    # Whom the laboratory system names by number stands first, then who is written on the paper; a person chooses.
    others.sort(key=lambda one: (one.rpps not in said, not _suits(one.name, written), one.name))
    of_register = {one.rpps for one in others} | {one.rpps for _, one in named}
    return page(
        "results/visit_physicians.html", status=422 if errors else 200, visit=visit, patient=patient, named=named,
        others=others, said=said, of_register=of_register,
        written=prescription.prescriber if prescription is not None else "", errors=errors or {},
    )  # fmt: skip


def _suits(name: str, written: str) -> bool:
    return bool(written) and set(fold(written).split()) <= set(fold(name).split())


def _chosen() -> tuple[UUID, Standing]:
    form = request.form
    try:
        return UUID(form.get("physician", "")), Standing(form.get("standing", ""))
    except ValueError:
        raise NoPhysicianChosen from None
