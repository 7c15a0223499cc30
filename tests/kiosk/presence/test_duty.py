from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import select, update

from kiosk.presence.behind import resume
from kiosk.presence.duty import TRIES, Duty, PinTry, ask_pin, begin_duty, come_back, end_duty, on_duty
from kiosk.presence.pcs import NotADesk, PairedPc, Pc, PcWithoutName, pair, pc_of, revoke
from kiosk.presence.pins import set_pin
from kiosk.presence.signins import SignIn, sign_out_everywhere
from kiosk.presence.withdrawing import disable
from kiosk.register.accounts import reset_totp
from kiosk.register.database import Database
from kiosk.register.journal import ResultsText, verify
from kiosk.register.staff import Actor
from results.trust.power import KeyRingPower
from tests.staffroom import SIGNER, people, power_of, ring_of

Chance = Callable[[int], bytes]
DESKS = ("Guichet 1", "Guichet 2")
BEFORE, AFTER = datetime(2026, 11, 20, tzinfo=UTC), datetime(2027, 11, 20, tzinfo=UTC)


class House:
    """Two paired PCs and the people of the day; what Argon2id would say of a PIN is given, so that this is quick."""

    def __init__(self, database: Database, at: datetime, chance: Chance) -> None:
        self.database, self.chance = database, chance
        self.power: KeyRingPower = power_of(ring_of())
        self.people: dict[str, Actor] = people(database, self.power, SIGNER, at=at, chance=chance)
        self.until = at + timedelta(hours=15)
        self.one, self.other = (self.pair(name, at) for name in ("accueil", "fond"))
        for login in ("sophie", "nadia"):
            with database.transaction("results") as db:
                set_pin(
                    db, self.people[login].id, pin_hash=f"hash of {login}", power=self.power, at=at, chance=chance
                )  # fmt: skip

    def pair(self, name: str, at: datetime) -> Pc:
        with self.database.transaction("results") as db:
            token = pair(
                db, name=name, desk="Guichet 1", desks=DESKS, before=None, by=self.people["roux"].id, power=self.power,
                at=at, chance=self.chance,
            )  # fmt: skip
            found = pc_of(db, token, self.power)
        assert found is not None
        return found

    def begins(self, login: str, pc: Pc, at: datetime) -> None:
        with self.database.transaction("results") as db:
            begin_duty(
                db, self.people[login].id, pc.id, until=self.until, power=self.power, at=at, chance=self.chance
            )  # fmt: skip

    def returns(self, login: str, pc: Pc, at: datetime, *, right: bool = True, key: str = "") -> str | None:
        with self.database.transaction("results") as db:
            asked = ask_pin(
                db, self.people[login].id, pc, key=key or self.chance(16).hex(), power=self.power, at=at,
                chance=self.chance,
            )  # fmt: skip
        proved = right and asked.pin_hash == f"hash of {login}"
        with self.database.transaction("results") as db:
            return come_back(db, asked, pc, proved=proved, power=self.power, at=at, chance=self.chance)

    def names(self, pc: Pc, at: datetime) -> list[str]:
        with self.database.reading() as db:
            return [one.name for one in on_duty(db, pc.id, power=self.power, at=at)]

    def is_in(self, token: str, at: datetime, pc: UUID | None) -> bool:
        with self.database.reading() as db:
            return resume(db, token, pc=pc, power=self.power, at=at) is not None


@pytest.fixture
def home(database: Database, at: datetime, chance: Chance) -> House:
    return House(database, at, chance)


def test_a_desk_pin_opens_on_the_pc_of_the_day_and_nowhere_else(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    assert home.returns("sophie", home.one, at) is not None
    assert home.returns("sophie", home.other, at) is None
    assert home.names(home.one, at) == ["Sophie Martin"]
    assert home.names(home.other, at) == []


def test_a_pin_is_worth_nothing_before_both_proofs_nor_after_the_day(home: House, at: datetime) -> None:
    assert home.returns("sophie", home.one, at) is None
    home.begins("sophie", home.one, at)
    assert home.returns("sophie", home.one, home.until - timedelta(seconds=1)) is not None
    assert home.returns("sophie", home.one, home.until) is None
    assert home.returns("sophie", home.one, at - timedelta(hours=1)) is None  # a clock that was set back


def test_a_sign_in_by_pin_ends_with_the_day(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    late = home.until - timedelta(minutes=1)
    token = home.returns("sophie", home.one, late) or ""
    assert home.is_in(token, late, home.one.id)
    assert not home.is_in(token, home.until, home.one.id)


def test_a_sign_in_of_a_paired_pc_is_worth_nothing_on_another(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    token = home.returns("sophie", home.one, at) or ""
    assert home.is_in(token, at, home.one.id)
    assert not home.is_in(token, at, None)
    assert not home.is_in(token, at, home.other.id)


def test_the_pin_of_another_person_opens_nothing_and_counts(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    home.begins("nadia", home.one, at)
    for _ in range(TRIES):
        assert home.returns("nadia", home.one, at, right=False) is None
    assert home.names(home.one, at) == ["Sophie Martin"]


def test_five_wrong_ones_end_the_pin_here_until_both_proofs_and_only_here(home: House, at: datetime) -> None:
    for pc in (home.one, home.other):
        home.begins("sophie", pc, at)
    for _ in range(TRIES):
        assert home.returns("sophie", home.one, at, right=False) is None
    assert home.returns("sophie", home.one, at) is None
    assert home.returns("sophie", home.other, at) is not None
    home.begins("sophie", home.one, at + timedelta(minutes=1))
    assert home.returns("sophie", home.one, at + timedelta(minutes=1)) is not None


def test_a_right_one_gives_back_no_wrong_one(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    for minutes in range(1, TRIES):
        later = at + timedelta(minutes=minutes)
        assert home.returns("sophie", home.one, later, right=False) is None
        assert home.returns("sophie", home.one, later + timedelta(seconds=30)) is not None
    later = at + timedelta(minutes=TRIES)
    assert home.returns("sophie", home.one, later, right=False) is None
    assert home.returns("sophie", home.one, later + timedelta(seconds=30)) is None


def test_a_try_that_never_got_its_answer_has_failed(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    for _ in range(TRIES):
        with home.database.transaction("results") as db:
            asked = ask_pin(
                db, home.people["sophie"].id, home.one, key=home.chance(16).hex(), power=home.power, at=at,
                chance=home.chance,
            )  # fmt: skip
        assert asked.try_id is not None
    assert home.returns("sophie", home.one, at) is None


def test_a_form_that_is_sent_again_opens_nothing_and_is_no_second_try(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    assert home.returns("sophie", home.one, at, key="ab" * 16) is not None
    assert home.returns("sophie", home.one, at, key="ab" * 16) is None
    for _ in range(TRIES):
        assert home.returns("sophie", home.one, at, right=False, key="cd" * 16) is None
    assert home.returns("sophie", home.one, at) is not None


def test_fifty_guesses_at_once_are_five(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    start, tried = Barrier(10), []
    keys = [f"{number:032x}" for number in range(50)]

    def guess(mine: list[str]) -> None:
        start.wait()
        for key in mine:
            with home.database.transaction("results") as db:
                asked = ask_pin(
                    db, home.people["sophie"].id, home.one, key=key, power=home.power, at=at,
                    chance=partial(_drawn_of, key),
                )  # fmt: skip
            tried.append(asked.try_id)

    threads = [Thread(target=guess, args=(keys[number::10],)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tried) == 50
    assert len([one for one in tried if one is not None]) == TRIES


def _drawn_of(key: str, size: int) -> bytes:
    """Chance that threads need not share."""
    return bytes.fromhex(key)[-size:]


@pytest.mark.parametrize("how", ["revoked", "signed out", "everywhere", "closed account", "reset", "pin gone"])
def test_what_ends_a_pin_ends_it_at_once(home: House, at: datetime, how: str) -> None:
    who, power, chance = home.people["sophie"].id, home.power, home.chance
    home.begins("sophie", home.one, at)
    token = home.returns("sophie", home.one, at) or ""
    with home.database.transaction("results") as db:
        if how == "revoked":
            revoke(db, home.one.id, by=home.people["roux"].id, power=power, at=at, chance=chance)
        elif how == "signed out":
            end_duty(db, who, home.one.id, power=power, at=at)
        elif how == "everywhere":
            end_duty(db, who, None, power=power, at=at)
            sign_out_everywhere(db, who, power=power, at=at, chance=chance)
        elif how == "closed account":
            disable(db, who, by=home.people["alex"], power=power, at=at, chance=chance)
        elif how == "reset":
            reset_totp(db, who, by=home.people["alex"], power=power, at=at, chance=chance)
        else:
            set_pin(db, who, pin_hash=None, power=power, at=at, chance=chance)
    assert home.returns("sophie", home.one, at) is None
    if how in {"everywhere", "closed account", "reset"}:
        assert not home.is_in(token, at, home.one.id)


def test_a_pin_that_changed_between_its_two_steps_opens_nothing(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    who, power, chance = home.people["sophie"].id, home.power, home.chance
    with home.database.transaction("results") as db:
        asked = ask_pin(db, who, home.one, key="ab" * 16, power=power, at=at, chance=chance)
    with home.database.transaction("results") as db:
        set_pin(db, who, pin_hash="another", power=power, at=at, chance=chance)
    with home.database.transaction("results") as db:
        assert come_back(db, asked, home.one, proved=True, power=power, at=at, chance=chance) is None


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (Duty, {"until": AFTER}), (Duty, {"since": BEFORE}), (Duty, {"mac": bytes(32)}),
        (PairedPc, {"desk": "Guichet 2"}), (PairedPc, {"mac": b""}),
        (SignIn, {"pc": None}), (SignIn, {"proved_at": AFTER}), (SignIn, {"raised_until": AFTER}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "-".join(value),
)  # fmt: skip
def test_a_row_that_was_changed_gives_nothing(
    home: House, at: datetime, table: type[Duty | PairedPc | SignIn], change: dict[str, object]
) -> None:
    home.begins("sophie", home.one, at)
    token = home.returns("sophie", home.one, at) or ""
    soon = at + timedelta(minutes=1)
    with home.database.transaction("results") as db:
        db.execute(update(table).values(change))
    if table is SignIn:
        assert not home.is_in(token, soon, home.one.id)
    else:
        assert home.returns("sophie", home.one, soon) is None


def test_a_day_moved_to_another_person_or_pc_gives_nothing(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    with home.database.transaction("results") as db:
        db.execute(update(Duty).values(staff=home.people["nadia"].id))
    assert home.returns("nadia", home.one, at) is None
    with home.database.transaction("results") as db:
        db.execute(update(Duty).values(staff=home.people["sophie"].id, pc=home.other.id))
    assert home.returns("sophie", home.other, at) is None


# Pairing.


def test_a_pairing_is_kept_as_a_digest_and_what_is_not_one_is_no_pc(home: House, at: datetime) -> None:
    with home.database.reading() as db:
        kept = db.scalars(select(PairedPc.token)).all()
        for strange in ("", "zz", "00" * 32, *(one.hex() for one in kept)):
            assert pc_of(db, strange, home.power) is None


def test_a_pc_has_a_name_and_a_desk_of_the_laboratory(home: House, at: datetime) -> None:
    for name, desk, refusal in (
        ("", "Guichet 1", PcWithoutName), ("x" * 41, "Guichet 1", PcWithoutName), (" \t ", "Guichet 1", PcWithoutName),
        ("accueil", "Guichet 9", NotADesk), ("accueil", "", NotADesk),
    ):  # fmt: skip
        with home.database.transaction("results") as db, pytest.raises(refusal):
            pair(
                db, name=name, desk=desk, desks=DESKS, before=None, by=home.people["roux"].id, power=home.power, at=at,
                chance=home.chance,
            )  # fmt: skip


def test_pairing_the_same_browser_again_ends_the_pairing_before(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    with home.database.transaction("results") as db:
        token = pair(
            db, name="accueil, neuf", desk="Guichet 2", desks=DESKS, before=home.one, by=home.people["roux"].id,
            power=home.power, at=at, chance=home.chance,
        )  # fmt: skip
        now = pc_of(db, token, home.power)
    assert now is not None
    assert home.returns("sophie", home.one, at) is None
    assert home.returns("sophie", now, at) is None


def test_everything_is_in_the_journal_and_no_secret_is(home: House, at: datetime) -> None:
    home.begins("sophie", home.one, at)
    token = home.returns("sophie", home.one, at) or ""
    home.returns("sophie", home.one, at, right=False)
    with home.database.transaction("results") as db:
        revoke(db, home.one.id, by=home.people["roux"].id, power=home.power, at=at, chance=home.chance)
    with home.database.reading() as db:
        texts = "".join(db.scalars(select(ResultsText.text)))
        assert verify(db, "results").sound
        assert db.scalars(select(PinTry.outcome)).all() == ["right", "failed"]
    for act in ("device.paired", "device.revoked", "signin.returned", "signin.refused"):
        assert f'"{act}"' in texts
    for secret in (token, "hash of", "Sophie", "accueil"):
        assert secret not in texts
