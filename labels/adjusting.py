"""The plan of a visit changed by a person, before its labels: one tube more, one less, an exam on its own."""

from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.register.staff import Right
from kiosk.register.visits import visit_of
from kiosk.signin import actor, needs
from kiosk.web import chance, form_key, now, transaction
from labels.changes import NotInThisPlan, change_plan, undo_change
from labels.desk import site_rules
from labels.planning.kinds import Kind
from labels.planning.planned import Change, Wish
from labels.readiness import plan_of

bp = Blueprint("adjusting", __name__)

DONE: Final = {
    Change.ADD: "Un tube est ajouté au plan.",
    Change.REMOVE: "Le tube est retiré du plan.",
    Change.SPLIT: "L'examen a son propre tube.",
}


@bp.post("/passage/<uuid:visit_id>/plan/modifier")
@needs(Right.PRINT_LABELS)
def change(visit_id: UUID) -> ResponseReturnValue:
    """Change the plan, with a reason."""
    wish = _read(request.form["wish"], request.form.get("other", "") or request.form.get("reason", ""))
    with transaction() as db:
        visit = visit_of(db, visit_id)
        plan = plan_of(db, visit, site_rules(db))
        change_plan(db, visit, plan, wish, by=str(actor().id), at=now(), chance=chance, key=form_key())
    flash(DONE[wish.change], "ok")
    return redirect(url_for("desk.labels_page", visit_id=visit_id), 303)


@bp.post("/passage/<uuid:visit_id>/plan/revenir/<uuid:change_id>")
@needs(Right.PRINT_LABELS)
def undo(visit_id: UUID, change_id: UUID) -> ResponseReturnValue:
    """Take a change back."""
    with transaction() as db:
        undo_change(db, visit_of(db, visit_id), change_id, by=str(actor().id), at=now(), chance=chance)
    flash("La modification est retirée du plan.", "ok")
    return redirect(url_for("desk.labels_page", visit_id=visit_id), 303)


def _read(told: str, reason: str) -> Wish:
    """Read a line of the list: `add/EDTA`, `remove/EDTA/1104+1577`, `remove/FLUORURE/0413/120`, `split/EDTA/1104`."""
    word, kind, *rest = f"{told}///".split("/")
    exams, minutes = rest[0], rest[1]
    try:
        return Wish(
            change=Change(word), kind=Kind(kind), exams=tuple(exams.split("+")) if exams else (),
            minutes=int(minutes) if minutes else None, reason=reason,
        )  # fmt: skip
    except ValueError:
        raise NotInThisPlan from None
