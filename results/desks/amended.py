"""The biologist takes a signed report back, and sees who is to be told again."""

from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register import clock
from kiosk.register.errors import Invalid
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.amending.retracting import Mistake, NotSigned, retract, signed_reports
from results.amending.telling_again import NobodyToTell, Owed, Reached, end_task, to_tell_again
from results.callers.numbers import number_to_reach, number_words
from results.desks.unlocking import unlocked
from results.matrix import Person
from results.reports.versions import Reason
from results.signing import ReadAgain, read_again

bp = Blueprint("amended", __name__)

WORDS: Final = {
    Reason.SUPERSEDED: "rectifié", Reason.DELETED: "supprimé par le SIL", Reason.WRONG: "déclaré faux par le SIL",
    Reason.RETRACTED: "retiré par un biologiste",
}  # fmt: skip
PERSONS: Final = {
    "with_code": "le patient", "without_code": "le patient", "physician": "un médecin", "parent": "un parent",
    "mandated": "une personne mandatée", "institution": "un organisme",
}  # fmt: skip
CHANNELS: Final = {"counter": "au guichet", "phone": "au téléphone", "call_back": "rappelé", "letter": "par courrier"}
MISTAKES: Final = (
    (Mistake.PERSON, "Ce n'est pas le compte rendu de cette personne"),
    (Mistake.SAMPLE, "Le prélèvement n'était pas le bon, ou pas bon"),
    (Mistake.RESULT, "Une valeur est fausse"),
    (Mistake.OTHER, "Autre motif, noté dans le SIL"),
)
AGAINS: Final = (
    (ReadAgain.MISHEARD, "Mal répété, ou à expliquer à qui l'a entendu"),
    (ReadAgain.RECEIVED, "Le patient est reçu"),
    (ReadAgain.DOUBT, "Une valeur est mise en doute"),
    (ReadAgain.CHANGED, "Un résultat plus récent est arrivé"),
)
ENDS: Final = (
    (Reached.TOLD, "Prévenu de vive voix"),
    (Reached.HANDED, "Prévenu au guichet, papier repris"),
    (Reached.LOST, "Injoignable : courrier envoyé"),
)


class WhyMissing(Invalid):
    """A report is taken back with a reason of the list; choose one."""

    french = "Choisissez un motif."


@bp.get("/rectifies")
@needs(Right.SIGN)
def tasks() -> ResponseReturnValue:
    """Whom to tell again, and what may be taken back."""
    return _page()


@bp.post("/rectifies/<uuid:report_id>/<int:number>/retirer")
@needs(Right.SIGN)
def take_back(report_id: UUID, number: int) -> ResponseReturnValue:
    """Take a signed report back, with unlocked keys and a reason."""
    word = request.form.get("why", "")
    if word not in list(Mistake):
        return _page(errors={"why": WhyMissing.french}, chosen=(report_id, number))
    unlocked()
    with transaction("results") as db:
        retract(db, report_id, number, Mistake(word), by=actor().id, at=now(), chance=chance, key=form_key())
    flash("Compte rendu retiré : plus rien n'en sera dit. Prévenez qui l'a entendu.", "warn")
    return redirect(url_for("amended.tasks"), 303)


@bp.post("/rectifies/<uuid:report_id>/<int:number>/choisir")
@needs(Right.SIGN)
def choose(report_id: UUID, number: int) -> ResponseReturnValue:
    """Ask for the reason before a report is taken back."""
    return _page(chosen=(report_id, number))


@bp.post("/rectifies/<uuid:report_id>/<int:number>/relire")
@needs(Right.SIGN)
def reread(report_id: UUID, number: int) -> ResponseReturnValue:
    """Open a signed report once more, with unlocked keys and a reason; the page forgets it like any other."""
    word = request.form.get("again", "")
    if word not in list(ReadAgain):
        return _page(errors={"again": WhyMissing.french}, chosen=(report_id, number))
    biologist = unlocked()
    with transaction("results") as db:
        content = read_again(
            db, house().more["keys"], report_id, number, ReadAgain(word), biologist=biologist, by=actor().id,
            power=power(), at=now(), chance=chance,
        )  # fmt: skip
        signed = signed_reports(db, this_site(db).id, at=now())
    picked = next((one for one in signed if one.version.report_id == report_id), None)
    return page("results/reread.html", content=content, picked=picked)


@bp.post("/rectifies/prevenu/<uuid:release_id>")
@needs(Right.SIGN)
def told(release_id: UUID) -> ResponseReturnValue:
    """Somebody was told again."""
    word = request.form.get("how", "")
    if word not in list(Reached):
        raise NobodyToTell
    with transaction("results") as db:
        end_task(
            db, release_id, Reached(word), site_id=this_site(db).id, power=power(), by=actor().id, at=now(),
            chance=chance,
        )  # fmt: skip
    flash("C'est noté.", "ok")
    return redirect(url_for("amended.tasks"), 303)


def _number(db: Session, owed: Owed) -> str:
    """The number of a patient who is to be told again; of anybody else none."""
    if owed.visit is None or owed.release.person not in {Person.WITH_CODE, Person.WITHOUT_CODE}:
        return ""
    return number_to_reach(db, owed.visit.id, owed.patient, power(), is_discreet=owed.is_discreet)[0]


def _page(*, errors: dict[str, str] | None = None, chosen: tuple[UUID, int] | None = None) -> Response:
    with reading() as db:
        site = this_site(db)
        owed = to_tell_again(db, site.id, power())
        numbers = {one.release.id: number_words(_number(db, one)) for one in owed}
        signed = signed_reports(db, site.id, at=now())
    picked = next((one for one in signed if (one.version.report_id, one.version.version) == chosen), None)
    if chosen is not None and picked is None:
        raise NotSigned
    return page(
        "results/amended.html", status=422 if errors else 200, owed=owed, numbers=numbers, signed=signed, picked=picked,
        mistakes=MISTAKES, agains=AGAINS, ends=ENDS, reasons=WORDS, persons=PERSONS, channels=CHANNELS,
        errors=errors or {}, when=lambda at: clock.appointment_words(site.timezone, at),
    )  # fmt: skip
