"""A slip is made again from every mishap: old lines die with the new one, and a biologist agrees where it must be."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from html import unescape
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import ResultsText
from printers.moves import STATION, Verb
from results.desks.replacing import AGREED_FOR, agree_to_slip
from results.desks.standing_by import LASTS
from results.giving import follow_slips, job_of, slip_of
from results.keeping.rotation import replace_lost_pepper, rotate_pepper
from results.signing import SealBroken
from results.vault.dossiers import Dossier, LineState, Slip, SlipState
from results.vault.keys import KeyRing
from results.vault.slips import IssuedSlip, lines_of
from results.vault.wraps import Line, stretch_code, unwrap_key
from tests.results.cast import exam_of
from tests.results.office.test_leaving import AUBRY, two_biologists
from tests.results.signing_room import SigningRoom, asks_for_keys, open_signing_room, result
from tests.staffroom import CHEAP, Browser

Chance = Callable[[int], bytes]
C0, C2, C3 = ReleaseClass.C0, ReleaseClass.C2, ReleaseClass.C3
NEW_PIN = "8241"


@dataclass(kw_only=True)
class Counter:
    """Sophie at the counter, Dr Lenoir at her desk, and a slip in somebody's hand."""

    signing: SigningRoom
    sophie: Browser
    visit: UUID
    first: IssuedSlip

    def page(self, leaf: str) -> str:
        return f"/passage/{self.visit}/{leaf}"

    def asks(self, **fields: str) -> str:
        """Fill in the form that makes a slip again; where it leads."""
        self.sophie.get(self.page("talon/refaire"))
        answer = self.sophie.post(
            self.page("talon/refaire"),
            **({"form_key": self.signing.key(), "reason": "lost", "document": "passport"} | fields),
        )
        assert answer.status_code == 303, answer.text
        return answer.location

    def agrees(self, reply: str = "agreed", *, unlocked: bool = True) -> TestResponse:
        """The biologist answers from the page of requests."""
        lenoir = self.signing.unlocked() if unlocked else self.signing.desks.browser("lenoir")
        (path,) = set(re.findall(r"/talons/demandes/[0-9a-f-]{36}", lenoir.get("/remise/demandes").text))
        return lenoir.post(path, reply=reply)

    def chooses(self, pin: str = NEW_PIN) -> str:
        """The patient types a PIN; where it leads."""
        self.signing.station.runs(self.signing.desks.at, self.signing.desks.chance)
        self.sophie.get("/file")
        self.sophie.get(self.page("code-personnel"))
        answer = self.sophie.post(self.page("code-personnel"), pin=pin, form_key=self.signing.key())
        return answer.location or str(answer.status_code)

    def slip(self) -> Slip:
        with self.signing.desks.database.reading() as db:
            found = slip_of(db, self.visit)
        assert found is not None
        return found

    def comes_out(self) -> None:
        """The printer proves the paper."""
        desks, slip = self.signing.desks, self.slip()
        spool = self.signing.station.spool
        job = job_of(spool, slip.id)
        assert job is not None
        for verb in (Verb.SEND, Verb.HAND_OVER, Verb.CONFIRM):
            spool.move(job.key, verb, by=STATION, at=desks.at)
        follow_slips(desks.database, spool, at=desks.at, chance=desks.chance)

    def lines(self, slip_id: UUID) -> list[LineState]:
        with self.signing.desks.database.reading() as db:
            return [one.state for one in lines_of(db, slip_id)]

    def opens(self, code16: str, pin: str) -> bool:
        """Whether a code of the slip that is there opens the dossier's own key."""
        slip, keys = self.slip(), KeyRing.load(self.signing.desks.keys.folder)
        with self.signing.desks.database.reading() as db:
            dossier = db.get_one(Dossier, slip.dossier_id)
            line = lines_of(db, slip.id)[0]
        assert line.wrap is not None
        assert line.salt is not None
        place = Line(dossier=dossier.id, slip=slip.id, line=1, pepper_version=line.pepper_version)
        k = stretch_code(code16[:15], pin, line.salt, cost=CHEAP)
        pepper = keys.pepper[line.pepper_version]
        return len(unwrap_key(place, line.wrap, k=k, pepper=pepper, public=dossier.public)) == 32

    def printed_code(self) -> str:
        """The first code on the paper that waits."""
        return "".join(re.findall(r"\d", re.findall(r"(?m)^ ?1  (.*)$", self.signing.printed())[-1]))

    def acts(self) -> str:
        with self.signing.desks.database.reading() as db:
            return "\n".join(db.scalars(select(ResultsText.text)))


@pytest.fixture
def signing(tmp_path: Path, at: datetime, chance: Chance, monkeypatch: pytest.MonkeyPatch) -> Iterator[SigningRoom]:
    with open_signing_room(tmp_path, monkeypatch, at=at, chance=chance) as opened:
        yield opened


def counter(signing: SigningRoom, release_class: ReleaseClass, *, sealed: bool) -> Counter:
    dossier_id = signing.desks.dossier(release_class)
    first = signing.desks.slip(dossier_id)
    if sealed:
        signing.desks.report(dossier_id, release_class, body=result(exam_of(release_class)))
    return Counter(signing=signing, sophie=signing.desks.browser(), visit=signing.visit_of(dossier_id), first=first)


@pytest.mark.parametrize("reason", ["lost", "pin_forgotten"])
def test_what_is_confidential_waits_for_the_biologist_then_the_old_lines_die(signing: SigningRoom, reason: str) -> None:
    here = counter(signing, C2, sealed=True)
    assert here.sophie.get(here.page("code-personnel")).location == here.page("talon/refaire")
    asked = here.asks(reason=reason)
    assert "Le biologiste est prévenu" in here.sophie.get(asked).text
    assert here.sophie.get(asked + "/etat").status_code == 204
    assert here.sophie.get(here.page("code-personnel")).status_code == 303
    assert here.agrees().location == "/remise/demandes"
    assert here.lines(here.first.slip_id) == [LineState.READY] * 4, "the old slip opens until the new one is there"
    assert here.page("code-personnel") in here.sophie.get(asked + "/etat").text
    assert here.chooses() == here.page("talon")
    assert here.slip().state is SlipState.PRINTING
    assert here.lines(here.first.slip_id) == [LineState.CLOSED] * 4
    assert here.opens(here.printed_code(), NEW_PIN)
    here.comes_out()
    assert here.slip().state is SlipState.VALID
    told = here.acts()
    for act in ("task.opened", "escrow.opened", "slip.reissued", "slip.voided", "slip.confirmed"):
        assert act in told
    assert NEW_PIN not in told
    # The agreement was for one slip: the next one asks again.
    assert here.sophie.get(here.page("code-personnel")).location == here.page("talon/refaire")
    assert "L'accord a servi" in unescape(here.sophie.get(asked).text)


@pytest.mark.parametrize(("release_class", "sealed"), [(C0, True), (C0, False), (C3, False)])
def test_nobody_is_asked_where_nothing_confidential_lies_sealed(
    signing: SigningRoom, release_class: ReleaseClass, sealed: bool
) -> None:
    here = counter(signing, release_class, sealed=sealed)
    assert here.asks(reason="pin_forgotten") == here.page("code-personnel")
    assert here.chooses() == here.page("talon")
    assert here.lines(here.first.slip_id) == [LineState.CLOSED] * 4


def test_it_is_two_clicks_from_the_visit_and_from_the_hand_over(signing: SigningRoom) -> None:
    here = counter(signing, C2, sealed=True)
    for page in (here.page("resultats"), f"/remise/{here.visit}"):
        shown = unescape(here.sophie.get(page).text)
        assert here.page("talon/refaire") in shown
        assert "Refaire le talon" in shown


def test_a_slip_that_jams_after_the_agreement_is_made_once_more_without_asking(signing: SigningRoom) -> None:
    here = counter(signing, C2, sealed=True)
    here.asks()
    here.agrees()
    here.chooses()
    jammed = here.slip()
    here.sophie.get(here.page("talon"))
    assert here.sophie.post(here.page("talon/pas-sorti"), slip=str(jammed.id)).status_code == 303
    assert here.lines(jammed.id) == [LineState.CLOSED] * 4
    assert here.chooses() == here.page("talon")
    assert here.slip().id != jammed.id
    here.comes_out()
    assert here.slip().state is SlipState.VALID


def test_a_print_nobody_is_sure_of_opens_nothing_and_is_made_again(signing: SigningRoom) -> None:
    here = counter(signing, C2, sealed=True)
    here.asks()
    here.agrees()
    here.chooses()
    unsure = here.slip()
    job = job_of(signing.station.spool, unsure.id)
    assert job is not None
    for verb in (Verb.SEND, Verb.HAND_OVER, Verb.DOUBT):
        signing.station.spool.move(job.key, verb, by=STATION, at=signing.desks.at)
    follow_slips(signing.desks.database, signing.station.spool, at=signing.desks.at, chance=signing.desks.chance)
    assert here.slip().state is SlipState.VOID
    assert here.lines(unsure.id) == [LineState.CLOSED] * 4
    assert here.chooses() == here.page("talon")


def test_an_agreement_ends_after_ten_minutes_and_with_a_refusal(signing: SigningRoom) -> None:
    here = counter(signing, C2, sealed=True)
    here.asks()
    here.agrees()
    signing.desks.later(seconds=AGREED_FOR.total_seconds())
    here.sophie.sign_in()
    assert here.sophie.get(here.page("code-personnel")).location == here.page("talon/refaire")
    assert here.chooses() == here.page("talon/refaire")
    assert here.lines(here.first.slip_id) == [LineState.READY] * 4
    asked = here.asks()
    here.agrees("declined")
    shown = here.sophie.get(asked).text
    assert "Pas de nouveau talon" in shown
    assert f"/remise/{here.visit}" in shown
    assert here.chooses() == here.page("talon/refaire")


def test_nobody_but_an_unlocked_biologist_agrees_and_only_in_time(signing: SigningRoom) -> None:
    here = counter(signing, C2, sealed=True)
    asked = here.asks()
    request_id = asked.rpartition("/")[2]
    assert here.sophie.post(f"/talons/demandes/{request_id}", reply="agreed").status_code == 403
    assert asks_for_keys(here.agrees(unlocked=False))
    assert here.lines(here.first.slip_id) == [LineState.READY] * 4
    signing.desks.later(seconds=LASTS.total_seconds())
    lenoir = signing.unlocked()
    assert request_id not in lenoir.get("/remise/demandes").text
    assert lenoir.post(f"/talons/demandes/{request_id}", reply="agreed").status_code == 404


def test_what_is_not_said_is_asked_for_and_nothing_is_lost(signing: SigningRoom) -> None:
    here = counter(signing, C2, sealed=True)
    here.sophie.get(here.page("talon/refaire"))
    for fields, words in (({"document": "passport"}, "pourquoi"), ({"reason": "lost"}, "pièce")):
        answer = here.sophie.post(here.page("talon/refaire"), **fields)
        assert answer.status_code == 422
        assert words in unescape(answer.text)
        assert "checked" in answer.text
    assert here.sophie.post(here.page("talon/refaire"), reason="lost", document="none").status_code == 422


def test_a_lost_pepper_makes_every_slip_worthless_and_each_can_be_made_again(signing: SigningRoom) -> None:
    here = counter(signing, C2, sealed=True)
    desks = signing.desks
    (desks.keys.folder / "pepper.1.key").unlink()
    made = replace_lost_pepper(desks.database, desks.keys.folder, by="test", at=desks.at, chance=desks.chance)
    assert (made.newest, made.resealed) == (2, 1)
    assert here.slip().state is SlipState.VOID
    started_again(signing)
    here.asks(reason="dead")
    here.agrees()
    assert here.chooses() == here.page("talon")
    assert here.opens(here.printed_code(), NEW_PIN)


def test_a_slip_made_again_after_a_rotation_has_the_new_pepper_and_the_old_one_goes(signing: SigningRoom) -> None:
    here = counter(signing, C2, sealed=True)
    desks = signing.desks
    rotate_pepper(desks.database, desks.keys.folder, by="test", at=desks.at, chance=desks.chance)
    started_again(signing)
    here.asks(reason="damaged")
    here.agrees()
    here.chooses()
    with desks.database.reading() as db:
        assert {one.pepper_version for one in lines_of(db, here.slip().id)} == {2}
    assert rotate_pepper(desks.database, desks.keys.folder, by="test", at=desks.at, chance=desks.chance).is_done
    assert here.opens(here.printed_code(), NEW_PIN)


def test_a_slip_made_again_after_a_biologist_left_opens_for_the_patient_and_not_for_who_left(
    signing: SigningRoom,
) -> None:
    house = two_biologists(signing)
    here = counter(signing, C2, sealed=True)
    house.leaves()
    started_again(signing)
    request_id = here.asks().rpartition("/")[2]
    # Whoever left has kept both private keys and agrees: the share that they open is gone.
    with signing.desks.database.transaction("results") as db, pytest.raises(SealBroken):
        agree_to_slip(
            db, house.ring, UUID(request_id), biologist=signing.desks.lenoir,
            by=signing.desks.room.people["lenoir"].id, at=signing.desks.at, chance=signing.desks.chance,
        )  # fmt: skip
    assert here.lines(here.first.slip_id) == [LineState.READY] * 4
    aubry = house.browser("aubry", AUBRY)
    aubry.get("/remise/demandes")
    assert aubry.post(f"/talons/demandes/{request_id}", reply="agreed").location == "/remise/demandes"
    assert here.chooses() == here.page("talon")
    code = here.printed_code()
    here.comes_out()
    assert here.opens(code, NEW_PIN)
    dossier_id = here.slip().dossier_id
    assert house.opens(dossier_id, house.keys_of("aubry", AUBRY))
    assert not house.opens(dossier_id, signing.desks.lenoir)


def started_again(signing: SigningRoom) -> None:
    """The programmes are started again: they read the keys that are there now."""
    app, ring = signing.desks.app, KeyRing.load(signing.desks.keys.folder)
    home = app.extensions["house"]
    app.extensions["house"] = replace(home, more={**home.more, "keys": replace(ring, line_cost=CHEAP)})
