"""The people who work here: an administrator makes and proposes, a biologist signs, a second person confirms."""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.presence.recovery import ask_reset, resets_waiting
from kiosk.presence.roles import NoSuchGrant, everyone, grants_of, propose_role, proposed_grants
from kiosk.presence.withdrawing import ask_end, disable, ends_waiting
from kiosk.register.accounts import BadLogin, Invited, LoginTaken, make_staff
from kiosk.register.errors import Invalid
from kiosk.register.staff import Right, Role
from kiosk.signin import actor, needs, power, raised
from kiosk.web import chance, house, now, page, reading, transaction
from results.office.leaving import keep_endings

bp = Blueprint("accounts", __name__)

ROLES: dict[Role, str] = {
    Role.SECRETARY: "Secrétaire", Role.SAMPLER: "Préleveur", Role.BIOLOGIST: "Biologiste",
    Role.MANAGER: "Responsable", Role.ADMINISTRATOR: "Administrateur",
}  # fmt: skip


class NoSuchRole(Invalid):
    """A role is one of the list; choose one."""

    french = "Choisissez un rôle de la liste."


@bp.get("/comptes")
@needs(Right.ACCOUNTS)
@raised
def people() -> ResponseReturnValue:
    """Everyone who has an account, with roles in force and proposed."""
    return _people()


@bp.post("/comptes")
@needs(Right.ACCOUNTS)
@raised
def add() -> ResponseReturnValue:
    """Make an account that opens nothing, propose its roles, show the code that its owner types once."""
    form = request.form
    try:
        wanted = [_role(one) for one in form.getlist("roles")]
        with transaction("results") as db:
            invited = make_staff(
                db, name=form.get("name", ""), login=form.get("login", "").strip(), by=actor(), power=power(), at=now(),
                chance=chance,
            )  # fmt: skip
            for role in wanted:
                propose_role(db, invited.staff.id, role, by=actor(), power=power(), at=now(), chance=chance)
            return show_code(invited, "accounts.people")
    except (BadLogin, LoginTaken) as refusal:
        return _people({"login": refusal.sentence})
    except NoSuchRole as refusal:
        return _people({"roles": refusal.sentence})


@bp.post("/comptes/<uuid:staff_id>/role")
@needs(Right.ACCOUNTS)
@raised
def propose(staff_id: UUID) -> ResponseReturnValue:
    """Propose one more role; it gives nothing until a biologist has signed it."""
    with transaction("results") as db:
        propose_role(
            db, staff_id, _role(request.form.get("role", "")), by=actor(), power=power(), at=now(), chance=chance
        )
    flash("Le rôle est proposé. Il s'ouvrira quand un biologiste l'aura signé.", "ok")
    return redirect(url_for("accounts.people"), 303)


@bp.post("/comptes/<uuid:staff_id>/retirer")
@needs(Right.ACCOUNTS)
@raised
def ask_role_end(staff_id: UUID) -> ResponseReturnValue:
    """Ask that a role end; it stays until a biologist has signed."""
    role = _role(request.form.get("role", ""))
    with transaction("results") as db:
        grant = next((one for one in grants_of(db, staff_id, power()) if one.role is role), None)
        if grant is None:
            raise NoSuchGrant
        ask_end(db, grant.id, by=actor(), power=power(), at=now(), chance=chance)
    flash("Le retrait est proposé. Rien ne change avant qu'un biologiste l'ait signé.", "ok")
    return redirect(url_for("accounts.people"), 303)


@bp.post("/comptes/<uuid:staff_id>/fermer")
@needs(Right.ACCOUNTS)
@raised
def close(staff_id: UUID) -> ResponseReturnValue:
    """Close an account from this instant on."""
    with transaction("results") as db:
        disable(db, staff_id, by=actor(), power=power(), at=now(), chance=chance)
    with reading() as db:
        keep_endings(db, house().more["keys"], power())
    flash("Le compte est fermé, sur tous les postes.", "ok")
    return redirect(url_for("accounts.people"), 303)


@bp.post("/comptes/<uuid:staff_id>/preuves")
@needs(Right.ACCOUNTS)
@raised
def start_reset(staff_id: UUID) -> ResponseReturnValue:
    """Ask that lost proofs be taken away; a second person confirms it."""
    with transaction("results") as db:
        ask_reset(db, staff_id, by=actor(), power=power(), at=now(), chance=chance)
    flash("Demande faite. Une deuxième personne doit la confirmer dans « À confirmer ».", "ok")
    return redirect(url_for("accounts.people"), 303)


def _people(errors: dict[str, str] | None = None) -> Response:
    with reading() as db:
        proposed: dict[UUID, list[Role]] = {}
        for grant in proposed_grants(db, power()):
            proposed.setdefault(grant.staff, []).append(grant.role)
        ending: dict[UUID, list[Role]] = {}
        for grant in ends_waiting(db, power()):
            ending.setdefault(grant.staff, []).append(grant.role)
        resets = {one.staff for one in resets_waiting(db, power=power(), at=now())}
        return page(
            "results/accounts.html", status=422 if errors else 200, errors=errors or {}, roles=ROLES, me=actor().id,
            people=everyone(db, power()), proposed=proposed, ending=ending, resets=resets, now=now(), form=request.form,
        )  # fmt: skip


def show_code(invited: Invited, back: str) -> Response:
    """Show, once, the code that its owner types to set proofs of their own."""
    return page(
        "results/invitation.html", name=invited.staff.name, login=invited.staff.login, code=invited.code, back=back
    )


def _role(word: str) -> Role:
    if word not in list(Role):
        raise NoSuchRole
    return Role(word)
