from collections.abc import Callable
from datetime import datetime

import pytest

from kiosk.presence.pins import WeakPin, check_pin, has_pin, is_pin, set_pin
from kiosk.register.accounts import Staff
from kiosk.register.database import Database
from kiosk.register.staff import hash_password, verify_password
from tests.staffroom import SIGNER, people, power_of, ring_of

Chance = Callable[[int], bytes]


@pytest.mark.parametrize(
    "weak",
    ["000000", "111111", "121212", "112112", "123456", "654321", "890123", "024680", "123123", "123321", "112233",
     "445566", "159753", "170681", "810617", "280254", "290200", "12345", "1234567", "12a456", "١٢٣٤٥٦", "", "12 456"],
)  # fmt: skip
def test_six_digits_that_are_guessed_first_are_refused(weak: str) -> None:
    with pytest.raises(WeakPin):
        check_pin(weak)


@pytest.mark.parametrize("good", ["739184", "405917", "992741", "608352"])
def test_six_digits_that_nobody_guesses_first_are_taken(good: str) -> None:
    check_pin(good)


def test_nine_tenths_of_all_pins_may_be_chosen() -> None:
    def is_good(pin: str) -> bool:
        try:
            check_pin(pin)
        except WeakPin:
            return False
        return True

    step = 97  # every ninety-seventh, from all over
    tried = [f"{number:06}" for number in range(0, 1_000_000, step)]
    assert all(is_pin(pin) for pin in tried)
    assert 0.9 < sum(is_good(pin) for pin in tried) / len(tried) < 0.97


def test_a_pin_lies_stretched_as_a_password_is_and_sealed_in_its_own_row(
    database: Database, at: datetime, chance: Chance
) -> None:
    power = power_of(ring_of())
    cast = people(database, power, SIGNER, at=at, chance=chance)
    kept = hash_password("739184", chance=chance)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert verify_password(kept, "739184")
    with database.transaction("results") as db:
        set_pin(db, cast["sophie"].id, pin_hash=kept, power=power, at=at, chance=chance)
        sophie = db.get_one(Staff, cast["sophie"].id)
        karim = db.get_one(Staff, cast["karim"].id)
        assert b"argon2" not in (sophie.pin_hash or b"")
        assert has_pin(db, sophie.id, power)
        karim.pin_hash = sophie.pin_hash
        karim.mac = b""
        assert power.open("staff", "pin_hash", karim.id, karim.pin_hash or b"") is None
        db.rollback()
    with database.transaction("results") as db:
        set_pin(db, cast["sophie"].id, pin_hash=None, power=power, at=at, chance=chance)
        assert not has_pin(db, cast["sophie"].id, power)
