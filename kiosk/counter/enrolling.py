"""A person takes an account over, alone before the screen: a password of one's own and a second factor."""

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.register import accounts
from kiosk.register.errors import Invalid
from kiosk.register.staff import check_password, hash_password, seed_address
from kiosk.signin import power
from kiosk.squares import squares
from kiosk.web import chance, house, now, page, transaction

bp = Blueprint("enrolling", __name__)


@bp.get("/premiere-fois")
def first_time() -> Response:
    """Where a new colleague types the invitation code."""
    return page("staff/enrol.html", login="", code="")


@bp.post("/premiere-fois")
def invitation() -> Response:
    """Show the second-factor seed to the person who holds the invitation."""
    return _proofs()


@bp.post("/premiere-fois/preuves")
def take_over() -> ResponseReturnValue:
    """Take the account over: a password of one's own and six digits."""
    form = request.form
    login = form.get("login", "")
    shown = _proofs()
    if shown.status_code != 200:
        return shown
    try:
        check_password(form.get("password", ""), login=login)
        hashed = hash_password(form.get("password", ""), chance=chance)
        with transaction(writes="results") as db:
            accounts.take_over(
                db, login, form.get("code", ""), typed=form.get("digits", ""), password_hash=hashed,
                power=power(), at=now(), chance=chance,
            )  # fmt: skip
    except Invalid as refusal:
        return _proofs({"digits" if isinstance(refusal, accounts.WrongStep) else "password": refusal.sentence})
    flash("Votre compte est prêt. Identifiez-vous avec les six chiffres suivants.", "ok")
    return redirect(url_for("signin.door"), 303)


def _proofs(errors: dict[str, str] | None = None) -> Response:
    login, code = request.form.get("login", ""), request.form.get("code", "")
    try:
        with transaction(writes="results") as db:
            staff, seed = accounts.show_seed(db, login, code, power=power(), at=now(), chance=chance)
    except accounts.InvitationGone as refusal:
        return page("staff/enrol.html", status=422, login=login, code="", errors={"code": refusal.sentence})
    address = seed_address(seed, login=login, site=house().site_name)
    return page(
        "staff/enrol.html", status=422 if errors else 200, login=login, code=code, name=staff.name, seed=seed,
        squares=squares(address), errors=errors or {},
    )  # fmt: skip
