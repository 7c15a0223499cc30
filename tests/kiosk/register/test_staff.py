import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from argon2.low_level import Type, verify_secret
from pyotp import TOTP
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from kiosk.presence import signins
from kiosk.presence.behind import resume
from kiosk.presence.roles import NotTheSigner, RoleGrant, everyone, grant_message, grant_role, propose_role, roles_of
from kiosk.presence.signins import Knock, SignIn, knock, open_sign_in, sign_out
from kiosk.presence.withdrawing import disable
from kiosk.register import staff
from kiosk.register.accounts import (
    BadLogin,
    InvitationGone,
    LoginTaken,
    NoSuchAccount,
    NotYourself,
    Staff,
    WrongStep,
    make_staff,
    reset_totp,
    show_seed,
    take_over,
    vouch,
    vouched,
)
from kiosk.register.database import Database
from kiosk.register.errors import Later
from kiosk.register.journal import ResultsText, verify
from kiosk.register.staff import (
    RIGHTS,
    Actor,
    Right,
    Role,
    WeakPassword,
    check_password,
    hash_password,
    step_of,
    verify_password,
)
from results.trust.power import KeyRingPower
from results.vault.sealing import sign
from tests.results.vault.vectors import OWN, read_vectors
from tests.staffroom import PASSWORD, SEED, SIGNER, people, power_of, ring_of

Chance = Callable[[int], bytes]


@pytest.fixture
def power() -> KeyRingPower:
    return power_of(ring_of())


@pytest.fixture
def cast(database: Database, power: KeyRingPower, at: datetime, chance: Chance) -> dict[str, Actor]:
    return people(database, power, SIGNER, at=at, chance=chance)


class Door:
    """One device at which people try to sign in."""

    def __init__(self, database: Database, power: KeyRingPower, chance: Chance, device: str = "10.0.0.1") -> None:
        self.database, self.power, self.chance, self.device = database, power, chance, device

    def knock(self, login: str, digits: str, *, at: datetime) -> Knock:
        with self.database.transaction("results") as db:
            return knock(db, login, digits, device=self.device, power=self.power, at=at, chance=self.chance)

    def enter(self, login: str, digits: str, *, at: datetime, proved: bool = True) -> str | None:
        """Both steps; what Argon2id would say of the password is given, so that these tests are quick."""
        found = self.knock(login, digits, at=at)
        with self.database.transaction("results") as db:
            return open_sign_in(db, found, proved=proved, desk="Guichet 1", power=self.power, at=at, chance=self.chance)

    def resume(self, token: str, *, at: datetime) -> signins.Present | None:
        with self.database.reading() as db:
            return resume(db, token, power=self.power, at=at)


@pytest.fixture
def door(database: Database, power: KeyRingPower, chance: Chance, cast: dict[str, Actor]) -> Door:
    return Door(database, power, chance)


def digits_at(at: datetime, steps: int = 0) -> str:
    return TOTP(SEED).at(at, counter_offset=steps)


def row_of(db: Session, login: str) -> Staff:
    return db.scalars(select(Staff).where(Staff.login == login)).one()


# Rights.


def test_each_right_belongs_to_somebody_and_each_role_may_enter() -> None:
    assert set(RIGHTS) == set(Right)
    assert all(RIGHTS.values())
    assert RIGHTS[Right.ENTER] == frozenset(Role)


def test_only_a_biologist_signs_and_an_administrator_reads_no_result() -> None:
    assert RIGHTS[Right.SIGN] == {Role.BIOLOGIST}
    administrator = Actor(id=UUID(int=1), name="Alex", roles=frozenset({Role.ADMINISTRATOR}))
    assert {right for right in Right if administrator.may(right)} == {
        Right.ENTER, Right.JOURNAL, Right.ACCOUNTS, Right.CONFIRM_RESET, Right.PAIR, Right.BACKUP,
    }  # fmt: skip


def test_nobody_may_do_anything_without_a_role() -> None:
    nobody = Actor(id=UUID(int=1), name="Personne", roles=frozenset())
    assert not any(nobody.may(right) for right in Right)


# Passwords and digits.


@pytest.mark.parametrize(
    "weak",
    ["court", "onze lettre", "motdepasse123", "MotDePasse1234!", "aaaaaaaaaaaa", "123456789012", "laboratoire2026",
     "sophiesophiesophie", "Azertyuiop123", "x" * 129],
)  # fmt: skip
def test_a_password_that_is_guessed_first_is_refused(weak: str) -> None:
    with pytest.raises(WeakPassword):
        check_password(weak, login="sophie")


@pytest.mark.parametrize("strong", [PASSWORD, "quatre mots au hasard", "Tr0ub4dor&3xyz"])
def test_a_password_of_twelve_characters_that_nobody_guesses_is_taken(strong: str) -> None:
    check_password(strong, login="sophie")


def test_a_password_opens_with_its_own_hash_alone(chance: Chance) -> None:
    kept = hash_password(PASSWORD, chance=chance)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert verify_password(kept, PASSWORD)
    assert not verify_password(kept, PASSWORD + " ")


def test_a_password_for_nobody_costs_one_argon2id_and_never_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def counted(kept: bytes, password: bytes, kind: Type) -> bool:
        asked.append(kept)
        return verify_secret(kept, password, kind)

    monkeypatch.setattr(staff, "verify_secret", counted)
    assert not verify_password(None, "nobody")
    assert len(asked) == 1
    assert asked[0].startswith(b"$argon2id$v=19$m=65536,t=3,p=1$")


def test_too_many_passwords_at_once_wait_and_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "_TURN", threading.BoundedSemaphore(1))
    monkeypatch.setattr(staff, "_TURN_S", 0.01)
    with staff._turn(), pytest.raises(Later):
        verify_password(None, "x")


def test_digits_are_taken_one_step_either_way_and_never_backwards(at: datetime) -> None:
    now = int(at.timestamp()) // 30
    assert [step_of(SEED, digits_at(at, n), at=at, after=0) for n in (-2, -1, 0, 1, 2)] == [
        None, now - 1, now, now + 1, None,
    ]  # fmt: skip
    assert step_of(SEED, digits_at(at), at=at, after=now) is None
    assert step_of(None, digits_at(at), at=at, after=0) is None


# Accounts.


def test_an_account_is_taken_over_by_its_invitation_once_and_within_an_hour(
    database: Database, power: KeyRingPower, at: datetime, chance: Chance
) -> None:
    with database.transaction("results") as db:
        invited = make_staff(db, name="Sophie", login="sophie", by=None, power=power, at=at, chance=chance)
    assert re.fullmatch(r"([A-Z2-7]{4} ){3}[A-Z2-7]{4}", invited.code)
    with database.transaction("results") as db:
        _, seed = show_seed(db, "sophie", invited.code.lower(), power=power, at=at, chance=chance)
    with database.transaction("results") as db:
        assert show_seed(db, "sophie", invited.code, power=power, at=at, chance=chance)[1] == seed

    def finish(typed: str, when: datetime, code: str = invited.code) -> None:
        with database.transaction("results") as db:
            take_over(db, "sophie", code, typed=typed, password_hash="x", power=power, at=when, chance=chance)

    wrong = "0" * 6 if TOTP(seed).at(at) != "0" * 6 else "1" * 6
    with pytest.raises(WrongStep):
        finish(wrong, at)
    with pytest.raises(InvitationGone):
        finish(TOTP(seed).at(at), at, "AAAA AAAA AAAA AAAA")
    with pytest.raises(InvitationGone):
        finish(TOTP(seed).at(at + timedelta(hours=1)), at + timedelta(hours=1))
    finish(TOTP(seed).at(at), at)
    with pytest.raises(InvitationGone):
        finish(TOTP(seed).at(at + timedelta(seconds=60)), at + timedelta(seconds=60))


def test_a_login_is_simple_and_belongs_to_one_person(
    database: Database, power: KeyRingPower, cast: dict[str, Actor], at: datetime, chance: Chance
) -> None:
    for login in ("Sophie", "s", "sophie martin", "é", "-a", "a" * 32, ""):
        with database.transaction("results") as db, pytest.raises(BadLogin):
            make_staff(db, name="X", login=login, by=None, power=power, at=at, chance=chance)
    with database.transaction("results") as db, pytest.raises(LoginTaken):
        make_staff(db, name="X", login="sophie", by=None, power=power, at=at, chance=chance)


def test_nobody_changes_their_own_account(
    database: Database, power: KeyRingPower, cast: dict[str, Actor], at: datetime, chance: Chance
) -> None:
    alex = cast["alex"]
    for act in (disable, reset_totp, partial(propose_role, role=Role.BIOLOGIST)):
        with database.transaction("results") as db, pytest.raises(NotYourself):
            act(db, alex.id, by=alex, power=power, at=at, chance=chance)


def test_a_reset_takes_both_proofs_away_until_the_person_has_set_new_ones(
    door: Door, cast: dict[str, Actor], at: datetime
) -> None:
    token = door.enter("sophie", digits_at(at), at=at)
    assert token
    with door.database.transaction("results") as db:
        invited = reset_totp(db, cast["sophie"].id, by=cast["alex"], power=door.power, at=at, chance=door.chance)
    later = at + timedelta(seconds=60)
    assert door.resume(token, at=later) is None
    assert door.enter("sophie", digits_at(later), at=later) is None
    with door.database.transaction("results") as db:
        _, seed = show_seed(db, "sophie", invited.code, power=door.power, at=later, chance=door.chance)
        take_over(
            db, "sophie", invited.code, typed=TOTP(seed).at(later), password_hash="x", power=door.power, at=later,
            chance=door.chance,
        )  # fmt: skip
    assert seed != SEED
    later += timedelta(seconds=60)
    assert door.enter("sophie", TOTP(seed).at(later), at=later)


def test_proofs_lie_sealed_and_open_in_their_own_row_alone(
    database: Database, power: KeyRingPower, cast: dict[str, Actor]
) -> None:
    with database.transaction("results") as db:
        sophie, karim = row_of(db, "sophie"), row_of(db, "karim")
        assert SEED.encode() not in (sophie.totp_seed or b"")
        karim.totp_seed = sophie.totp_seed
        vouch(karim, power)
        assert knock(
            db, "karim", "000000", device="x", power=power, at=karim.made_at, chance=bytes
        ).passed is False  # fmt: skip
        assert power.open("staff", "totp_seed", karim.id, sophie.totp_seed or b"") is None
        assert power.open("staff", "totp_seed", sophie.id, sophie.totp_seed or b"") == SEED.encode()


# Grants.


def test_a_proposal_gives_nothing_until_a_biologist_has_signed_it(
    database: Database, power: KeyRingPower, cast: dict[str, Actor], at: datetime, chance: Chance
) -> None:
    sophie = cast["sophie"].id
    with database.transaction("results") as db:
        grant = propose_role(db, sophie, Role.MANAGER, by=cast["alex"], power=power, at=at, chance=chance)
        again = propose_role(db, sophie, Role.MANAGER, by=cast["alex"], power=power, at=at, chance=chance)
        assert again.id == grant.id
        assert roles_of(db, sophie, power) == {Role.SECRETARY}
        grant_role(db, grant, by=cast["lenoir"].id, sign=partial(sign, SIGNER), power=power, at=at, chance=chance)
        assert roles_of(db, sophie, power) == {Role.SECRETARY, Role.MANAGER}
        assert {row.login: roles for row, roles in everyone(db, power)}["sophie"] == {
            Role.SECRETARY,
            Role.MANAGER,
        }


def test_a_grant_signed_by_another_key_or_another_person_is_refused(
    database: Database, power: KeyRingPower, cast: dict[str, Actor], at: datetime, chance: Chance
) -> None:
    for signer, key in (("lenoir", bytes(32)), ("alex", SIGNER), ("sophie", bytes(32))):
        with database.transaction("results") as db:
            grant = propose_role(db, cast["karim"].id, Role.BIOLOGIST, by=None, power=power, at=at, chance=chance)
            with pytest.raises(NotTheSigner):
                grant_role(db, grant, by=cast[signer].id, sign=partial(sign, key), power=power, at=at, chance=chance)
            db.rollback()
    with database.reading() as db:
        assert roles_of(db, cast["karim"].id, power) == {Role.SAMPLER}


def test_a_biologist_whose_fingerprint_is_not_the_settings_one_gives_nothing(
    database: Database, cast: dict[str, Actor]
) -> None:
    other = KeyRingPower(ring_of(), biologist_fingerprint="00" * 32)
    assert not other.rooted
    with database.reading() as db:
        assert roles_of(db, cast["lenoir"].id, other) == frozenset()


def test_the_grant_is_the_one_of_the_known_answers() -> None:
    known = read_vectors(OWN)["power_row"]
    columns = known["columns"]
    grant = RoleGrant(
        id=UUID(columns["id"]), staff=UUID(columns["staff"]), role=Role(columns["role"]),
        signer=UUID(columns["signer"]), granted_at=datetime.fromtimestamp(columns["granted_at"], tz=UTC),
        signature=None, mac=b"",
    )  # fmt: skip
    assert grant_message(grant).hex() == known["signed_message"]


# Forged rows.


@pytest.mark.parametrize("table", [Staff, RoleGrant, SignIn], ids=lambda table: str(table.__name__))
def test_a_row_whose_proof_is_missing_or_foreign_gives_nothing(
    door: Door, cast: dict[str, Actor], at: datetime, table: type[Staff | RoleGrant | SignIn]
) -> None:
    token = door.enter("sophie", digits_at(at), at=at) or ""
    before = door.resume(token, at=at)
    assert before is not None
    assert before.actor.may(Right.CALL)
    for mac in (b"", bytes(32)):
        with door.database.transaction("results") as db:
            db.execute(update(table).values(mac=mac))
        after = door.resume(token, at=at)
        assert after is None or not any(after.actor.may(right) for right in Right)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (Staff, {"disabled_at": None, "name": "Dr Faux"}),
        (Staff, {"login": "lenoir-2"}),
        (RoleGrant, {"role": Role.BIOLOGIST}),
        (SignIn, {"desk": "Salle 9"}),
        (SignIn, {"idle_s": 999_999}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "-".join(value),
)
def test_a_row_that_was_changed_gives_nothing(
    door: Door, cast: dict[str, Actor], at: datetime, table: type[Staff | RoleGrant | SignIn], change: dict[str, object]
) -> None:
    token = door.enter("sophie", digits_at(at), at=at) or ""
    before = door.resume(token, at=at)
    assert before is not None  # what was proved once is proved again once it has changed
    assert before.actor.may(Right.CALL)
    with door.database.transaction("results") as db:
        column = Staff.id if table is Staff else RoleGrant.staff if table is RoleGrant else SignIn.staff
        db.execute(update(table).where(column == cast["sophie"].id).values(change))
    after = door.resume(token, at=at)
    assert after is None or not after.actor.roles


def test_a_grant_moved_to_another_person_with_its_proof_gives_nothing(
    database: Database, power: KeyRingPower, cast: dict[str, Actor]
) -> None:
    with database.transaction("results") as db:
        grant = db.scalars(select(RoleGrant).where(RoleGrant.staff == cast["lenoir"].id)).one()
        grant.staff = cast["sophie"].id
        vouch(grant, power)  # even whoever holds the HMAC key cannot sign as the biologist
        assert vouched(grant, power)
        assert Role.BIOLOGIST not in roles_of(db, cast["sophie"].id, power)


def test_a_forged_account_cannot_sign_in_nor_be_changed(
    door: Door, cast: dict[str, Actor], at: datetime, chance: Chance
) -> None:
    with door.database.transaction("results") as db:
        db.execute(update(Staff).where(Staff.login == "sophie").values(mac=bytes(32)))
    assert door.enter("sophie", digits_at(at), at=at) is None
    with door.database.transaction("results") as db, pytest.raises(NoSuchAccount):
        disable(db, cast["sophie"].id, by=cast["alex"], power=door.power, at=at, chance=chance)


# Sign-ins.


def test_both_proofs_open_and_either_alone_does_not(door: Door, at: datetime) -> None:
    assert door.enter("sophie", "000000", at=at, proved=True) is None
    assert door.enter("sophie", digits_at(at), at=at, proved=False) is None
    assert door.enter("nadia", digits_at(at), at=at, proved=True)
    assert door.enter("nobody", digits_at(at), at=at, proved=True) is None


def test_the_token_is_kept_as_a_digest_alone(door: Door, at: datetime) -> None:
    token = door.enter("sophie", digits_at(at), at=at) or ""
    with door.database.reading() as db:
        kept = db.scalars(select(SignIn.token)).one()
    assert len(bytes.fromhex(token)) == 32
    assert kept.hex() != token
    for strange in ("", "zz", "00" * 32, kept.hex()):
        assert door.resume(strange, at=at) is None


def test_digits_a_then_b_then_a_again_are_refused(door: Door, at: datetime) -> None:
    later = at + timedelta(seconds=30)
    assert door.enter("sophie", digits_at(at), at=at)
    assert door.enter("sophie", digits_at(later), at=later)
    assert door.enter("sophie", digits_at(at), at=later) is None
    assert door.enter("sophie", digits_at(later), at=later + timedelta(seconds=5)) is None


def test_digits_with_a_wrong_password_are_spent(door: Door, at: datetime) -> None:
    assert door.enter("sophie", digits_at(at), at=at, proved=False) is None
    assert door.enter("sophie", digits_at(at), at=at + timedelta(seconds=1), proved=True) is None


def test_fifty_uses_of_the_same_digits_at_once_open_one_sign_in(
    database: Database, power: KeyRingPower, cast: dict[str, Actor], at: datetime, chance: Chance
) -> None:
    lock = threading.Lock()
    passed: list[bool] = []
    start = threading.Barrier(50)

    def drawn(size: int) -> bytes:
        with lock:
            return chance(size)

    def use(device: int) -> None:
        door = Door(database, power, drawn, device=str(device))
        start.wait()
        passed.append(door.knock("sophie", digits_at(at), at=at).passed)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 50
    assert sum(passed) == 1


def test_five_failures_in_five_minutes_close_this_door_for_this_name_alone(
    door: Door, database: Database, power: KeyRingPower, chance: Chance, at: datetime
) -> None:
    moment = at
    for _ in range(5):
        moment += timedelta(seconds=15)
        assert door.enter("sophie", "000000", at=moment) is None
    moment += timedelta(seconds=60)
    assert door.knock("sophie", digits_at(moment), at=moment).try_id is None
    assert Door(database, power, chance, "10.0.0.2").enter("sophie", digits_at(moment), at=moment)
    assert door.enter("nadia", digits_at(moment), at=moment)
    moment += timedelta(minutes=5)
    assert door.enter("sophie", digits_at(moment), at=moment)


def test_each_failure_makes_the_next_try_wait_longer(door: Door, at: datetime) -> None:
    moment = at
    for wait in (0, 0, 2, 5, 10):
        if wait:
            early = moment + timedelta(seconds=wait, milliseconds=-1)
            assert door.knock("sophie", "000000", at=early).try_id is None
        moment += timedelta(seconds=wait)
        assert door.knock("sophie", "000000", at=moment).try_id is not None


def test_twenty_failures_in_an_hour_close_the_door_until_one_grows_old(door: Door, at: datetime) -> None:
    for number in range(20):
        moment = at + timedelta(minutes=2, seconds=90 * number)
        assert door.knock("sophie", "000000", at=moment).try_id is not None
    moment = at + timedelta(minutes=50)
    assert door.knock("sophie", digits_at(moment), at=moment).try_id is None
    moment = at + timedelta(minutes=63)
    assert door.enter("sophie", digits_at(moment), at=moment)


def test_silence_of_five_minutes_and_ten_hours_in_all_end_a_sign_in(door: Door, at: datetime) -> None:
    token = door.enter("sophie", digits_at(at), at=at) or ""
    assert door.resume(token, at=at + timedelta(minutes=5))
    assert door.resume(token, at=at + timedelta(minutes=5, seconds=1)) is None
    moment = at
    while moment < at + timedelta(hours=10) - timedelta(minutes=4):
        moment += timedelta(minutes=4)
        with door.database.transaction("results") as db:
            signins.keep_open(db, token, power=door.power, at=moment)
    assert door.resume(token, at=at + timedelta(hours=10) - timedelta(seconds=1))
    assert door.resume(token, at=at + timedelta(hours=10)) is None


def test_signing_out_ends_a_sign_in_and_so_does_a_closed_account(
    door: Door, cast: dict[str, Actor], at: datetime
) -> None:
    sophie = door.enter("sophie", digits_at(at), at=at) or ""
    nadia = door.enter("nadia", digits_at(at), at=at) or ""
    with door.database.transaction("results") as db:
        sign_out(db, sophie, power=door.power, at=at, chance=door.chance)
        sign_out(db, sophie, power=door.power, at=at, chance=door.chance)
        disable(db, cast["nadia"].id, by=cast["alex"], power=door.power, at=at, chance=door.chance)
    assert door.resume(sophie, at=at) is None
    assert door.resume(nadia, at=at) is None
    later = at + timedelta(seconds=60)
    assert door.enter("nadia", digits_at(later), at=later) is None


def test_everything_is_in_the_journal_and_no_secret_is(door: Door, at: datetime) -> None:
    door.enter("sophie", "000000", at=at)
    token = door.enter("sophie", digits_at(at), at=at) or ""
    door.enter(PASSWORD, "000000", at=at)
    with door.database.reading() as db:
        texts = "".join(db.scalars(select(ResultsText.text)))
        assert verify(db, "results").sound
    for act in ("staff.made", "grant.proposed", "grant.signed", "signin.refused", "signin.opened"):
        assert f'"{act}"' in texts
    for secret in (SEED, token, PASSWORD, "Sophie", digits_at(at)):
        assert secret not in texts
