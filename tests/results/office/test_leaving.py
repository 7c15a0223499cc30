"""A biologist leaves: out at once and for ever, what was signed in office stands, and the escrow changes hands."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from html import unescape
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from kiosk.presence.roles import RoleGrant, grant_message, grant_role, is_granted, propose_role, roles_of
from kiosk.presence.withdrawing import BiologistEndsFirst, LastBiologist, ask_end
from kiosk.register.accounts import equip, make_staff, vouch
from kiosk.register.journal import ResultsText
from kiosk.register.staff import Actor, Role
from results.cli import main
from results.matrix import PROPOSAL, SignedMatrix, in_force, keep_head, read_routes, sign_matrix
from results.office import confirming
from results.office.leaving import keep_endings, let_go
from results.reports.versions import ReportVersion, State
from results.telling import open_signed
from results.trust import keyholders, standing
from results.trust.keyholders import Changed, HadKeys, let_in, rotate_escrow
from results.trust.standing import standing_of
from results.upkeep import asking, interview
from results.upkeep.check import missing_keys
from results.upkeep.interview import NotABiologist
from results.vault import keyfolder
from results.vault import keys as keyfiles
from results.vault.dossiers import Dossier, EscrowShare
from results.vault.envelopes import sign_report
from results.vault.keyfolder import UnsafeKeys, write_new
from results.vault.keys import BiologistKeys, KeyRing, WrongPassphrase, unlock
from results.vault.keytext import plain
from results.vault.opening import open_by_escrow, open_version, signed_facts
from results.vault.sealing import DoesNotOpen, public_of, sign
from results.vault.slips import issue_slip, prepare_slip
from tests.results.cast import BIRTH, PIN, exam_of
from tests.results.dying import Killed, dying_after
from tests.results.signing_room import PASSPHRASE, SigningRoom, open_signing_room, result
from tests.staffroom import CHEAP, SEED, Browser, password_hash
from tests.thorough import THOROUGH

Chance = Callable[[int], bytes]
C0, C2, C3 = ReleaseClass.C0, ReleaseClass.C2, ReleaseClass.C3
#: Every point of death in the long run, each fifth by default.
STRIDE = 1 if THOROUGH else 5
AUBRY = "le vent dans les peupliers"


@dataclass(kw_only=True)
class House:
    """Two biologists: Dr Lenoir, the first, and Dr Aubry, whom she has let in."""

    signing: SigningRoom
    aubry: UUID

    @property
    def ring(self) -> KeyRing:
        return replace(KeyRing.load(self.signing.desks.keys.folder), line_cost=CHEAP)

    @property
    def exchange(self) -> Path:
        return self.signing.desks.room.folder / "keys-exchange"

    def keys_of(self, person: str, passphrase: str) -> BiologistKeys:
        return unlock(self.signing.desks.keys.folder, person, passphrase, cost=CHEAP)

    def browser(self, login: str, passphrase: str = "") -> Browser:
        """Somebody who has signed in with six digits more; with a passphrase, unlocked too."""
        room = self.signing.desks.room
        room.later(seconds=30)
        browser = room.browser()
        assert browser.sign_in(login).status_code == 303
        if passphrase:
            assert self.signing.unlock(browser, passphrase).status_code == 303
        assert browser.raise_power().status_code == 303
        browser.get("/")
        return browser

    def roles(self, login: str) -> frozenset[Role]:
        people = {one: actor.id for one, actor in self.signing.desks.room.people.items()} | {"aubry": self.aubry}
        with self.signing.desks.database.reading() as db:
            return roles_of(db, people[login], self.signing.desks.room.power)

    def asks(self) -> UUID:
        """Alex proposes that Dr Lenoir's role end."""
        desks = self.signing.desks
        with desks.database.transaction("results") as db:
            grant = db.scalars(select(RoleGrant).where(RoleGrant.staff == desks.room.people["lenoir"].id)).one()
            ask_end(
                db, grant.id, by=desks.room.people["alex"], power=desks.room.power, at=desks.at, chance=desks.chance
            )
            return grant.id

    def leaves(self) -> Changed:
        """Dr Lenoir leaves by Dr Aubry's signature, as the screen does it."""
        self.agrees(self.asks())
        return self.rotates()

    def agrees(self, grant_id: UUID) -> None:
        desks, aubry = self.signing.desks, self.keys_of("aubry", AUBRY)
        with desks.database.transaction("results") as db:
            let_go(
                db, self.ring, grant_id, biologist=aubry, by=self.aubry, power=desks.room.power, at=desks.at,
                chance=desks.chance,
            )  # fmt: skip
        self.keeps()

    def keeps(self) -> None:
        with self.signing.desks.database.reading() as db:
            keep_endings(db, self.ring, self.signing.desks.room.power)

    def rotates(self) -> Changed:
        desks = self.signing.desks
        return rotate_escrow(
            desks.database, desks.keys.folder, self.exchange, self.keys_of("aubry", AUBRY), by=self.aubry, at=desks.at,
            chance=desks.chance,
        )  # fmt: skip

    def opens(self, dossier_id: UUID, biologist: BiologistKeys) -> bool:
        with self.signing.desks.database.reading() as db:
            dossier = db.get_one(Dossier, dossier_id)
            try:
                return public_of(open_by_escrow(db, dossier, biologist)) == dossier.public
            except DoesNotOpen:
                return False

    def tells(self, report_id: UUID) -> bytes | None:
        """What is told of a signed C0 report; None when its signature counts for nothing."""
        desks = self.signing.desks
        with desks.database.reading() as db:
            try:
                return open_signed(db, self.ring, desks.room.power, [(report_id, 1)], private=None)[0].content
            except DoesNotOpen:
                return None

    def missing(self) -> list[str]:
        """What `etiquette keys check` says."""
        with self.signing.desks.database.reading() as db:
            return missing_keys(db, self.ring, self.signing.desks.room.power)

    def acts(self) -> list[str]:
        with self.signing.desks.database.reading() as db:
            return list(db.scalars(select(ResultsText.text)))


@pytest.fixture
def signing(tmp_path: Path, at: datetime, chance: Chance, monkeypatch: pytest.MonkeyPatch) -> Iterator[SigningRoom]:
    with open_signing_room(tmp_path, monkeypatch, at=at, chance=chance) as opened:
        yield opened


@pytest.fixture
def house(signing: SigningRoom) -> House:
    return two_biologists(signing)


def two_biologists(signing: SigningRoom) -> House:
    """Dr Lenoir has signed Dr Aubry's role and let him in."""
    desks = signing.desks
    power, at, chance = desks.room.power, desks.at, desks.chance
    with desks.database.transaction("results") as db:
        made = make_staff(db, name="Dr Luc Aubry", login="aubry", by=None, power=power, at=at, chance=chance)
        equip(db, made.staff, password_hash=password_hash(), seed=SEED, power=power, at=at, chance=chance)
        grant = propose_role(db, made.staff.id, Role.BIOLOGIST, by=None, power=power, at=at, chance=chance)
        grant_role(
            db, grant, by=desks.room.people["lenoir"].id, sign=partial(sign, desks.lenoir.signer_seed),
            power=desks.room.power, at=desks.at, chance=desks.chance,
        )  # fmt: skip
        aubry = made.staff.id
    let_in(desks.keys, person="aubry", passphrase=AUBRY, by=desks.lenoir, at=desks.at, chance=desks.chance, cost=CHEAP)
    desks.room.people["aubry"] = Actor(id=aubry, name="Dr Luc Aubry", roles=frozenset({Role.BIOLOGIST}))
    return House(signing=signing, aubry=aubry)


def signs_end(browser: Browser) -> TestResponse:
    (grant,) = re.findall(r"/a-confirmer/retrait/([0-9a-f-]{36})\"", browser.get("/a-confirmer").text)
    assert browser.post(f"/a-confirmer/retrait/{grant}").status_code == 422
    return browser.post(f"/a-confirmer/retrait/{grant}", sure="yes")


def test_a_biologist_leaves_by_the_screens(house: House) -> None:
    desks = house.signing.desks
    dossier_id = desks.dossier(C2)
    report = desks.report(desks.dossier(C0), C0, body=result(exam_of(C0)))
    lenoir = house.browser("lenoir", PASSPHRASE)
    assert lenoir.get("/signature").status_code == 200
    alex = house.browser("alex")
    assert alex.post(f"/comptes/{desks.room.people['lenoir'].id}/fermer").status_code == 409
    assert alex.post(f"/comptes/{desks.room.people['lenoir'].id}/retirer", role="biologist").status_code == 303
    assert "retrait à signer" in unescape(alex.get("/comptes").text)
    assert house.roles("lenoir") == {Role.BIOLOGIST}
    assert alex.get("/a-confirmer").text.count("/a-confirmer/retrait/") == 0
    aubry = house.browser("aubry", AUBRY)
    assert "À confirmer" in aubry.get("/").text
    assert signs_end(aubry).status_code == 303
    assert "Séquestre n° 2" in unescape(aubry.get("/a-confirmer").text)
    # Out at once: her page, her keys, her way back in.
    assert lenoir.get("/signature").status_code == 401
    desks.later(seconds=30)
    lenoir.sign_in("lenoir")
    for path in ("/signature", "/a-confirmer", "/file"):
        assert lenoir.get(path).status_code == 403
    assert not list(desks.keys.folder.glob("*lenoir*.wrapped"))
    with pytest.raises(UnsafeKeys):
        house.keys_of("lenoir", PASSPHRASE)
    # Whoever stays goes on at once, and everybody keeps the role that she has signed.
    assert house.opens(dossier_id, house.keys_of("aubry", AUBRY))
    assert not house.opens(dossier_id, desks.lenoir)
    assert house.roles("sophie") == {Role.SECRETARY}
    assert house.tells(report) is not None
    waiting = desks.report(desks.dossier(C2), C2, body=result(exam_of(C2)), signed=False)
    assert aubry.post(f"/signature/{waiting}/ouvrir").status_code == 200
    assert alex.post(f"/comptes/{desks.room.people['lenoir'].id}/fermer").status_code in {303, 401}
    told = "\n".join(house.acts())
    for act in ("grant.end_asked", "grant.ended", "signin.closed", "key.rotated"):
        assert act in told


def test_a_sitting_that_is_open_elsewhere_is_locked_at_once(house: House) -> None:
    lenoir = house.browser("lenoir", PASSPHRASE)
    held = house.signing.desks.app.extensions["sittings"]
    assert len(held._held) == 1  # what is in memory alone is looked at there
    del lenoir
    house.browser("alex").post(f"/comptes/{house.signing.desks.room.people['lenoir'].id}/retirer", role="biologist")
    aubry = house.browser("aubry", AUBRY)
    signs_end(aubry)
    assert [one.staff_id for one in held._held.values()] == [house.aubry]


def test_a_running_programme_seals_to_the_escrow_that_a_command_has_made(house: House) -> None:
    signing = house.signing
    aubry = house.browser("aubry", AUBRY)
    held = signing.desks.app.extensions["sittings"]
    assert len(held._held) == 1
    house.leaves()  # by another programme: this one is told nothing

    def escrow() -> list[int]:
        return sorted(signing.desks.app.extensions["house"].more["keys"].escrow_public)

    assert escrow() == [1]
    aubry.get("/")
    assert escrow() == [1, 2]
    # Whoever was unlocked holds the keys of before.
    assert not held._held
    seen = signing.desks.app.extensions["house"]
    aubry.get("/")
    assert signing.desks.app.extensions["house"] is seen


def test_the_only_biologist_cannot_leave(signing: SigningRoom) -> None:
    room = signing.desks.room
    room.later(seconds=30)
    alex = room.browser()
    alex.sign_in("alex")
    alex.raise_power()
    alex.get("/")
    answer = alex.post(f"/comptes/{room.people['lenoir'].id}/retirer", role="biologist")
    assert answer.status_code == 409
    assert LastBiologist.french in unescape(answer.text)


def test_what_was_signed_in_office_stands_and_what_is_signed_later_does_not(house: House) -> None:
    desks = house.signing.desks
    before = desks.report(desks.dossier(C0), C0, body=result(exam_of(C0)))
    after = desks.report(desks.dossier(C0), C0, body=result(exam_of(C0)), signed=False)
    assert house.tells(before)
    house.leaves()
    assert house.tells(before)
    # She has kept her key, and writes yesterday's date.
    with desks.database.transaction("results") as db:
        version = db.get_one(ReportVersion, (after, 1))
        version.commitment = open_version(db, house.ring, version).commitment
        version.signed_at, version.signer = desks.at - timedelta(days=1), desks.room.people["lenoir"].id
        version.signature = sign_report(signed_facts(version), desks.lenoir.signer_seed)
        version.state = State.SIGNED
    assert house.tells(after) is None
    # A true signature that was upheld is good for the very report that it was made for.
    with desks.database.transaction("results") as db:
        db.get_one(ReportVersion, (after, 1)).signature = db.get_one(ReportVersion, (before, 1)).signature
    assert house.tells(after) is None


def test_a_table_that_she_signed_stays_in_force_and_her_next_one_does_not_come(house: House) -> None:
    desks = house.signing.desks
    house.leaves()
    with desks.database.reading() as db:
        assert in_force(db, house.ring, desks.at) is not None
    with desks.database.transaction("results") as db:
        sign_matrix(
            db, read_routes(PROPOSAL.read_bytes()), valid_from=desks.at - timedelta(days=1), biologist=desks.lenoir,
            by=desks.room.people["lenoir"].id, at=desks.at - timedelta(days=1), chance=desks.chance,
        )  # fmt: skip
        assert in_force(db, house.ring, desks.at) is None
        db.delete(db.get_one(SignedMatrix, 2))
        db.flush()
        ours = sign_matrix(
            db, read_routes(PROPOSAL.read_bytes()), valid_from=desks.at, biologist=house.keys_of("aubry", AUBRY),
            by=house.aubry, at=desks.at, chance=desks.chance,
        )  # fmt: skip
    keep_head(desks.keys.folder, ours)
    with desks.database.reading() as db:
        found = in_force(db, house.ring, desks.at)
    assert found is not None
    assert found.version == 2


def test_a_role_that_she_signs_after_leaving_gives_nothing_whatever_its_date(house: House) -> None:
    desks = house.signing.desks
    house.leaves()
    with desks.database.transaction("results") as db:
        grant = propose_role(
            db, desks.room.people["karim"].id, Role.BIOLOGIST, by=None, power=desks.room.power, at=desks.at,
            chance=desks.chance,
        )  # fmt: skip
        grant.signer, grant.granted_at = desks.room.people["lenoir"].id, desks.at - timedelta(days=9)
        grant.signature = sign(desks.lenoir.signer_seed, grant_message(grant))
        vouch(grant, desks.room.power)  # even by a programme that was made to vouch for it
        assert not is_granted(db, grant, desks.room.power)
    assert house.roles("karim") == {Role.SAMPLER}
    assert house.roles("aubry") == {Role.BIOLOGIST}


def test_her_older_rows_and_key_files_give_her_nothing(house: House) -> None:
    desks = house.signing.desks
    lenoir = desks.room.people["lenoir"].id
    files = {path.name: path.read_text("utf-8") for path in desks.keys.folder.glob("*lenoir*")}
    with desks.database.reading() as db:
        row = db.scalars(select(RoleGrant).where(RoleGrant.staff == lenoir)).one()
        kept = {one.key: getattr(row, one.key) for one in RoleGrant.__table__.columns}
    house.leaves()
    with desks.database.transaction("results") as db:
        back = db.get_one(RoleGrant, kept["id"])
        for name, value in kept.items():
            setattr(back, name, value)
    assert house.roles("lenoir") == frozenset()
    for name, text in files.items():
        if not (desks.keys.folder / name).exists():
            write_new(desks.keys.folder / name, text)
    assert standing_of(house.ring).in_office.keys() == {"aubry"}
    desks.later(seconds=30)
    browser = desks.room.browser()
    browser.sign_in("lenoir")
    assert browser.get("/signature/cles").status_code == 403
    assert any("est encore là" in one for one in house.missing())


def test_the_escrow_changes_hands_and_an_older_key_opens_nothing_new(house: House) -> None:
    desks = house.signing.desks
    dossiers = [desks.dossier(C3) for _ in range(3)]
    first = house.leaves()
    assert (first.newest, first.resealed, first.waits, first.is_done) == (2, 3, 0, False)
    aubry = house.keys_of("aubry", AUBRY)
    assert set(aubry.escrow) == {1, 2}
    assert all(house.opens(one, aubry) and not house.opens(one, desks.lenoir) for one in dossiers)
    assert [one for one in house.missing() if "ancien séquestre reste" in one]
    second = house.rotates()
    assert (second.resealed, second.is_done) == (0, True)
    assert house.missing() == []
    assert sorted(path.name for path in desks.keys.folder.glob("escrow.*")) == ["escrow.2.aubry.handed", "escrow.2.pub"]
    assert [path.name for path in house.exchange.glob("escrow.*")] == ["escrow.2.pub"]
    assert set(house.keys_of("aubry", AUBRY).escrow) == {2}
    with desks.database.reading() as db:
        assert set(db.scalars(select(EscrowShare.key_version))) == {2}


def test_a_fresh_pair_while_the_escrow_changes_leaves_no_share_behind(house: House) -> None:
    desks = house.signing.desks
    house.leaves()
    late = desks.dossier(C3)  # by a programme that was not started again
    prepared = prepare_slip(house.ring, dossier_id=late, pin=PIN, birth_date=BIRTH, at=desks.at, chance=desks.chance)
    with desks.database.transaction("results") as db:
        assert list(db.scalars(select(EscrowShare.key_version))) == [1]
        issue_slip(db, house.ring, prepared, by=house.aubry, at=desks.at, chance=desks.chance)
        assert list(db.scalars(select(EscrowShare.key_version))) == [2]
    assert house.opens(late, house.keys_of("aubry", AUBRY))
    assert house.rotates().is_done


def test_what_is_missing_is_said_until_it_is_done(house: House) -> None:
    desks = house.signing.desks
    desks.dossier(C3)
    assert house.missing() == []
    house.agrees(house.asks())
    said = house.missing()
    assert any("Un biologiste est parti" in one for one in said)
    house.rotates()
    house.rotates()
    assert house.missing() == []
    (desks.keys.folder / "escrow.2.aubry.handed").unlink()
    assert any("aubry n'a pas le séquestre n° 2" in one for one in house.missing())


def test_a_third_one_goes_and_what_the_first_had_signed_stands_still(house: House) -> None:
    desks = house.signing.desks
    report = desks.report(desks.dossier(C0), C0, body=result(exam_of(C0)))
    house.leaves()
    with desks.database.transaction("results") as db:
        for person, by in (("karim", house.aubry),):
            grant = propose_role(
                db, desks.room.people[person].id, Role.BIOLOGIST, by=None, power=desks.room.power, at=desks.at,
                chance=desks.chance,
            )  # fmt: skip
            seed = house.keys_of("aubry", AUBRY).signer_seed
            grant_role(
                db, grant, by=by, sign=partial(sign, seed), power=desks.room.power, at=desks.at, chance=desks.chance
            )
    third = "un troisième biologiste"
    let_in(
        house.ring, person="karim", passphrase=third, by=house.keys_of("aubry", AUBRY), at=desks.at,
        chance=desks.chance, cost=CHEAP,
    )  # fmt: skip
    karim = house.keys_of("karim", third)
    with desks.database.transaction("results") as db:
        last = db.scalars(select(RoleGrant).where(RoleGrant.staff == house.aubry)).one()
        ask_end(db, last.id, by=desks.room.people["alex"], power=desks.room.power, at=desks.at, chance=desks.chance)
        let_go(
            db, house.ring, last.id, biologist=karim, by=desks.room.people["karim"].id, power=desks.room.power,
            at=desks.at, chance=desks.chance,
        )  # fmt: skip
    house.keeps()
    assert standing_of(house.ring).in_office.keys() == {"karim"}
    assert house.tells(report)
    assert house.roles("sophie") == {Role.SECRETARY}
    assert house.roles("karim") == {Role.SAMPLER, Role.BIOLOGIST}
    with desks.database.reading() as db:
        assert in_force(db, house.ring, desks.at) is not None
    with pytest.raises(HadKeys):
        let_in(house.ring, person="aubry", passphrase=AUBRY, by=karim, at=desks.at, chance=desks.chance, cost=CHEAP)


def test_killed_at_every_step_nothing_is_lost_and_nobody_comes_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks = house.signing.desks
    monkeypatch.setattr(keyholders, "BATCH", 2)
    dossiers = [desks.dossier(C3) for _ in range(3)]
    report = desks.report(desks.dossier(C0), C0, body=result(exam_of(C0)))
    grant_id, deaths, has_gone = house.asks(), 0, False
    done: Changed | None = None
    while done is None or not done.is_done:
        try:
            with dying_after(1 + deaths * STRIDE, desks.database, monkeypatch, keyfolder, keyholders, keyfiles):
                if house.roles("lenoir"):
                    house.agrees(grant_id)
                house.keeps()  # as at every start
                done = house.rotates()
        except Killed:
            deaths += 1
        aubry = house.keys_of("aubry", AUBRY)
        assert all(house.opens(one, aubry) for one in dossiers)
        assert house.tells(report)
        assert house.roles("sophie") == {Role.SECRETARY}
        assert house.roles("aubry") == {Role.BIOLOGIST}
        is_gone = not house.roles("lenoir")
        assert is_gone or not has_gone, "once out, she is out"
        has_gone = is_gone
        with desks.database.reading() as db:
            assert in_force(db, house.ring, desks.at) is not None
    assert deaths > (40 if THOROUGH else 6)
    assert not any(house.opens(one, desks.lenoir) for one in dossiers)
    assert house.missing() == []


def test_killed_while_another_one_is_let_in_it_is_done_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    desks, deaths, is_in = house.signing.desks, 0, False
    while not is_in:
        try:
            with dying_after(deaths, house.signing.desks.database, monkeypatch, keyfolder, keyholders, keyfiles):
                let_in(
                    house.ring, person="martin", passphrase=AUBRY, by=house.keys_of("aubry", AUBRY), at=desks.at,
                    chance=desks.chance, cost=CHEAP,
                )  # fmt: skip
                is_in = True
        except Killed:
            deaths += 1
        assert standing_of(house.ring).in_office.keys() >= {"lenoir", "aubry"}
        assert standing_of(house.ring).root == "lenoir"
    assert deaths > 3
    martin = house.keys_of("martin", AUBRY)
    assert martin.escrow == house.keys_of("aubry", AUBRY).escrow
    with pytest.raises(WrongPassphrase):
        house.keys_of("martin", PASSPHRASE)


@pytest.mark.parametrize("forged", ["stranger", "departed", "unsigned", "another's"])
def test_nobody_comes_into_office_without_the_word_of_somebody_in_office(house: House, forged: str) -> None:
    desks = house.signing.desks
    house.leaves()
    stranger = BiologistKeys(person="aubry", escrow={}, signer_seed=bytes(32))
    by = desks.lenoir if forged == "departed" else stranger
    if forged == "unsigned":
        public = house.ring.signers["aubry"]
        write_new(desks.keys.folder / "signer.martin.pub", plain("signer", "martin", "pub", public).whole())
    else:
        standing.enter(house.ring, "martin", bytes(32), by=by, at=desks.at)
    found = standing_of(house.ring)
    assert "martin" not in found.in_office
    if forged == "unsigned":
        assert found.in_office == {}, "two first biologists: nobody signs, and the programme does not start"
    else:
        assert found.in_office.keys() == {"aubry"}


def test_a_file_of_standing_that_is_not_understood_stops_everything(house: House) -> None:
    file = house.signing.desks.keys.folder / "standing.list"
    text = file.read_text("utf-8")
    for changed in ("", "format: other\n", text + "{}\n", text.replace("entered", "enterd"), text + "no\n"):
        file.unlink()
        write_new(file, changed)
        if "enterd" in changed:
            assert standing_of(house.ring).in_office == {}
            continue
        with pytest.raises(UnsafeKeys):
            standing_of(house.ring)


def test_a_change_of_the_escrow_that_was_cut_short_is_finished_on_the_screen(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks = house.signing.desks
    dossier_id = desks.dossier(C3)
    house.browser("alex").post(f"/comptes/{desks.room.people['lenoir'].id}/retirer", role="biologist")
    aubry = house.browser("aubry", AUBRY)
    with monkeypatch.context() as patched:
        patched.setattr(confirming, "rotate_escrow", _dies)
        with pytest.raises(Killed):
            signs_end(aubry)
    shown = unescape(aubry.get("/a-confirmer").text)
    assert "le séquestre n'a pas encore changé" in shown
    assert aubry.post("/a-confirmer/sequestre").status_code == 303
    assert "n'a pas encore changé" not in unescape(aubry.get("/a-confirmer").text)
    assert house.opens(dossier_id, house.keys_of("aubry", AUBRY))
    assert not house.opens(dossier_id, desks.lenoir)


def test_the_terminal_makes_another_ones_keys_and_changes_the_escrow(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks, own = house.signing.desks, "la neige sur le toit"
    instance = desks.room.folder
    (instance / "results").mkdir()
    (instance / "results" / "results.sqlite").symlink_to(instance / "results.sqlite")
    monkeypatch.setattr(asking, "unlock", partial(unlock, cost=CHEAP))
    monkeypatch.setattr(interview, "let_in", partial(let_in, cost=CHEAP))

    def say(*words: str, typed: str = "") -> tuple[int, str]:
        done = CliRunner().invoke(main, ["--instance", str(instance), *words], input=typed)
        return done.exit_code, done.output

    assert NotABiologist.french in say("keys", "add", "karim")[1]
    with desks.database.transaction("results") as db:
        grant = propose_role(
            db, desks.room.people["karim"].id, Role.BIOLOGIST, by=None, power=desks.room.power, at=desks.at,
            chance=desks.chance,
        )  # fmt: skip
        grant_role(
            db, grant, by=desks.room.people["lenoir"].id, sign=partial(sign, desks.lenoir.signer_seed),
            power=desks.room.power, at=desks.at, chance=desks.chance,
        )  # fmt: skip
    assert "etiquette keys add karim" in say("keys", "check")[1]
    code, said = say("keys", "add", "karim", typed=f"aubry\n{AUBRY}\n{own}\n{own}\n")
    assert code == 0, said
    assert re.search(r"(?m)^  ([0-9a-f]{8} ?){8}$", said)
    assert own not in said
    assert AUBRY not in said
    assert say("keys", "check") == (0, "Les clés sont en ordre.\n")
    assert HadKeys.french in say("keys", "add", "karim")[1]
    assert BiologistEndsFirst.french in say("staff", "disable", "lenoir")[1]
    house.agrees(house.asks())
    assert "Un biologiste est parti" in say("keys", "check")[1]
    assert say("keys", "rotate", "escrow", typed=f"lenoir\n{PASSPHRASE}\n")[0] == 1
    for ends in ("Relancez les programmes", "L'ancien est retiré."):
        code, said = say("keys", "rotate", "escrow", typed=f"karim\n{own}\n")
        assert (code, ends in said) == (0, True), said
    assert say("keys", "check") == (0, "Les clés sont en ordre.\n")
    assert set(house.keys_of("aubry", AUBRY).escrow) == set(house.keys_of("karim", own).escrow) == {2}


def _dies(*_: object, **__: object) -> None:
    raise Killed
