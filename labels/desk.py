"""The labels of a visit: the plan, the print, and what became of each label."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound as NoSuchPage

from kiosk.counter.reception import keep_papers_in
from kiosk.exams.catalogue import catalogue
from kiosk.register.patients import patient_of
from kiosk.register.staff import Right
from kiosk.register.visits import Visit, visit_of
from kiosk.settings import StaffSettings
from kiosk.signin import actor, needs
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from labels.changes import changes_of, shown
from labels.planning.kinds import Kind, Look
from labels.planning.plan import plan
from labels.planning.rules import Rules
from labels.planning.table import shipped
from labels.printing import confirm, labels_of, reprint, void_tubes
from labels.readiness import child_of, end_before_draw, label_visit, plan_of
from labels.tubes import Tube, labelled_of
from labels.validation import SiteTable
from printers.draw import cut_texts
from printers.errors import ImpossibleMove, PrinterError, UnknownJob
from printers.moves import State, Verb
from printers.paper import Paper
from printers.preview import png

bp = Blueprint("desk", __name__)

#: A print job's state as the screen says it, and its tone.
WORDS: Final = {
    State.QUEUED: ("attend son tour", "info"),
    State.SENDING: ("part vers l'imprimante", "info"),
    State.SENT: ("envoyée, sortie pas encore prouvée", "info"),
    State.CONFIRMED: ("sortie", "ok"),
    State.UNSURE: ("à vérifier", "warn"),
    State.HELD: ("retenue : l'imprimante attend", "warn"),
    State.NOT_SENT: ("pas partie, nouvel essai bientôt", "warn"),
    State.VOID: ("pas sortie", "danger"),
}
#: The colour class of each cap; a pot has none.
CAPS: Final = {
    Kind.CITRATE: "citrate", Kind.DRY: "sec", Kind.DRY_GEL: "gel", Kind.HEPARIN: "heparine", Kind.EDTA: "edta",
    Kind.EDTA_GROUP: "rose", Kind.FLUORIDE: "fluorure", Kind.CITRATE_ESR: "vs",
}  # fmt: skip
REASONS: Final = ("abîmée", "illisible", "perdue", "jamais sortie")
WHY_CHANGE: Final = ("demande du prescripteur", "patient difficile à prélever", "tube déjà reçu", "essai ou étude")


@dataclass(frozen=True, kw_only=True)
class Label:
    """One container's newest label and what is known of it."""

    tube: Tube
    paper: Paper
    copy: int
    #: None before the spool has it.
    state: State | None
    words: str
    tone: str

    @property
    def doubtful(self) -> bool:
        """Whether only a person can say that it is out."""
        return self.state in {State.SENT, State.UNSURE}


@bp.app_context_processor
def _looks() -> dict[str, object]:
    return {"swatch": _swatch, "exam_name": _exam_name, "looks": house().more["tubes"].rules.looks}


@bp.get("/passage/<uuid:visit_id>/etiquettes")
@needs(Right.PRINT_LABELS)
def labels_page(visit_id: UUID) -> ResponseReturnValue:
    """The plan before the labels are numbered, and each label after."""
    with reading() as db:
        visit = visit_of(db, visit_id)
        made = plan_of(db, visit, site_rules(db))
        return page(
            "labels/labels.html", visit=visit, bearer=patient_of(db, visit.id), plan=made, kinds=tuple(Kind),
            changes=shown(changes_of(db, visit), made), labels=(labels := _labels(db, visit)), seen=_seen(labels),
            reasons=REASONS, why_change=WHY_CHANGE,
            cut=any(cut_texts(one.paper) for one in labels),
        )  # fmt: skip


@bp.get("/passage/<uuid:visit_id>/etiquettes/etat")
@needs(Right.PRINT_LABELS)
def states(visit_id: UUID) -> ResponseReturnValue:
    """What became of each label, for a page that is open; nothing when it has not changed."""
    with reading() as db:
        visit = visit_of(db, visit_id)
        labels = _labels(db, visit)
        if request.args.get("vu") == _seen(labels):
            return Response(status=204)
        return page("labels/states.html", visit=visit, labels=labels, seen=_seen(labels), reasons=REASONS)


@bp.post("/passage/<uuid:visit_id>/etiquettes")
@needs(Right.PRINT_LABELS)
def print_labels(visit_id: UUID) -> ResponseReturnValue:
    """Number the containers, commit, then put each label in the spool in order of draw."""
    with transaction() as db:
        visit = visit_of(db, visit_id)
        label_visit(db, visit, site_rules(db), by=str(actor().id), at=now(), chance=chance, key=form_key())
        papers = labels_of(db, visit, house().forms["labels"])
    _put(papers, visit)
    return redirect(url_for("desk.labels_page", visit_id=visit_id), 303)


@bp.post("/passage/<uuid:visit_id>/etiquettes/sortie")
@needs(Right.PRINT_LABELS)
def came_out(visit_id: UUID) -> ResponseReturnValue:
    """A person has looked: the label is out and can be read."""
    with transaction() as db:
        label = _label(db, visit_of(db, visit_id), request.form["position"])
        tube = label.tube
        confirm(db, tube.sample_number, site_id=tube.site_id, by=str(actor().id), at=now(), chance=chance)
    if label.doubtful:
        _move(label.paper.key, Verb.CONFIRM)
    return redirect(url_for("desk.labels_page", visit_id=visit_id), 303)


@bp.post("/passage/<uuid:visit_id>/etiquettes/reimprimer")
@needs(Right.PRINT_LABELS)
def print_again(visit_id: UUID) -> ResponseReturnValue:
    """Print a label again as the next copy, with a reason; the job before it is closed."""
    position, reason = request.form["position"], request.form.get("other", "") or request.form.get("reason", "")
    with transaction() as db:
        visit = visit_of(db, visit_id)
        before = _label(db, visit, position)
        number = before.tube.sample_number
        reprint(db, visit, number, reason=reason, by=str(actor().id), at=now(), chance=chance, key=form_key())
        after = _label(db, visit, position)
    if after.copy != before.copy:
        _close(before, reason)
    _put([after.paper], visit)
    return redirect(url_for("desk.labels_page", visit_id=visit_id), 303)


@bp.get("/passage/<uuid:visit_id>/etiquettes/<position>.png")
@needs(Right.PRINT_LABELS)
def preview(visit_id: UUID, position: str) -> ResponseReturnValue:
    """The very dots that are printed, drawn again from the rows."""
    with reading() as db:
        label = _label(db, visit_of(db, visit_id), position)
    return Response(png(label.paper), mimetype="image/png")


@bp.post("/passage/<uuid:visit_id>/etiquettes/annuler")
@needs(Right.PRINT_LABELS)
def void(visit_id: UUID) -> ResponseReturnValue:
    """Make the labels of a visit void, so that its prescription may be corrected."""
    with transaction() as db:
        visit = visit_of(db, visit_id)
        labels = _labels(db, visit)
        void_tubes(db, visit, reason=request.form.get("reason", ""), by=str(actor().id), at=now(), chance=chance)
    for label in labels:
        _close(label, "étiquettes annulées")
    flash("Les étiquettes sont annulées. Détruisez celles qui sont sorties.", "warn")
    return redirect(url_for("desk.labels_page", visit_id=visit_id), 303)


@bp.post("/passage/<uuid:visit_id>/etiquettes/parti")
@needs(Right.PRINT_LABELS)
def end_visit(visit_id: UUID) -> ResponseReturnValue:
    """The patient has gone before the draw: labels void, visit over."""
    with transaction() as db:
        visit = visit_of(db, visit_id)
        labels = _labels(db, visit)
        end_before_draw(
            db, visit, reason="parti avant le prélèvement", by=str(actor().id), at=now(), chance=chance, key=form_key()
        )
    for label in labels:
        _close(label, "étiquettes annulées")
    keep_papers_in(house().spool, visit, by=str(actor().id), at=now())
    flash(f"Le numéro {visit.number} est parti. Détruisez ses étiquettes.", "warn")
    return redirect(url_for("calling.line_page"), 303)


@bp.post("/passage/<uuid:visit_id>/plan")
@needs(Right.PRINT_LABELS)
def plan_pane(visit_id: UUID) -> ResponseReturnValue:
    """The plan of the exams on a form that is not saved yet, beside the prescription."""
    chosen = [catalogue().by_code(code) for code in request.form.getlist("exam")]
    with reading() as db:
        visit, rules = visit_of(db, visit_id), site_rules(db)
        child, wishes = child_of(db, visit, rules), [row.wish for row in changes_of(db, visit)]
    exams = [exam for exam in chosen if exam is not None]
    return page("labels/plan_pane.html", visit=visit, plan=plan(exams, rules=rules, child=child, wishes=wishes))


def site_rules(db: Session) -> Rules:
    """The site's table of tubes, with what the signatures say of it now."""
    table: SiteTable = house().more["tubes"]
    return table.now(db)


def _labels(db: Session, visit: Visit) -> list[Label]:
    found = []
    papers = {paper.key.split("/")[1]: paper for paper in labels_of(db, visit, house().forms["labels"])}
    for tube in labelled_of(db, visit):
        if tube.sample_number not in papers:
            continue
        paper = papers[tube.sample_number]
        job = house().spool.job(paper.key)
        words, tone = WORDS[job.state] if job else ("pas encore remise à l'imprimante", "warn")
        copy = int(paper.key.split("/")[2])
        state = job.state if job else None
        found.append(Label(tube=tube, paper=paper, copy=copy, state=state, words=words, tone=tone))
    return found


def _label(db: Session, visit: Visit, position: str) -> Label:
    label = next((one for one in _labels(db, visit) if str(one.tube.position) == position), None)
    if label is None:
        raise NoSuchPage
    return label


def _seen(labels: Sequence[Label]) -> str:
    return ".".join(f"{one.copy}{one.state or ''}" for one in labels)


def _put(papers: Sequence[Paper], visit: Visit) -> None:
    """Give labels to the spool, contiguous and in order of draw; what it cannot take is owed and comes back."""
    settings: StaffSettings = house().more["settings"]
    try:
        for position, paper in enumerate(papers):
            house().spool.put(
                paper, printer=settings.label_printer, at=now(), chance=chance, batch=str(visit.id), position=position
            )
    except (PrinterError, sqlite3.Error):
        flash("Les numéros sont donnés, mais une étiquette n'a pas pu partir. Elle sera proposée à nouveau.", "warn")


def _move(key: str, verb: Verb, reason: str = "") -> None:
    """Make a person's move of a print job; a job that the station has moved meanwhile stays where it is."""
    with suppress(ImpossibleMove, UnknownJob):
        house().spool.move(key, verb, by=str(actor().id), at=now(), reason=reason)


def _close(label: Label, reason: str) -> None:
    """Close the job of a label that is replaced: not out, or not to come out any more."""
    if label.doubtful:
        _move(label.paper.key, Verb.DISOWN, reason)
    elif label.state in {State.QUEUED, State.HELD, State.NOT_SENT}:
        _move(label.paper.key, Verb.DROP, reason)


def _swatch(kind: Kind, look: Look) -> str:
    """The colour class of a cap; none where the site's maker has it in another colour than ours."""
    return CAPS.get(kind, "") if look.cap == shipped().looks[kind].cap else ""


def _exam_name(code: str) -> str:
    exam = catalogue().by_code(code)
    return exam.name if exam is not None else code
