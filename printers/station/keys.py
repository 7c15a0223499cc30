"""The station's lasting key in its file, and the key it holds in memory from start to stop."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox
from nacl.signing import SigningKey

from printers.errors import NotOurs, Unprintable, WrongSettings
from printers.paper import Paper
from printers.rows import Job
from printers.sealing import PAPER_MARK, StationId, start_text

_HEADER = "etiquette station 1"


@dataclass(frozen=True, kw_only=True)
class StationKey:
    """The lasting key: one half signs, one half opens ordinary papers."""

    signing: SigningKey = field(repr=False)
    opening: PrivateKey = field(repr=False)

    @property
    def id(self) -> StationId:
        """The public halves, as the apps pin them."""
        return StationId(signing=bytes(self.signing.verify_key), sealing=bytes(self.opening.public_key))


def make_station_key(path: Path, chance: Callable[[int], bytes]) -> StationId:
    """Write a new lasting key that only its owner reads, and give its public halves; never over an old one."""
    signing, opening = SigningKey(chance(32)), PrivateKey(chance(32))
    text = f"{_HEADER}\n{bytes(signing).hex()}\n{bytes(opening).hex()}\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError as fault:
        raise WrongSettings(f"{path.name} existe déjà : il n'est jamais remplacé") from fault
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return StationKey(signing=signing, opening=opening).id


def load_station_key(path: Path) -> StationKey:
    """Read the lasting key; refuse a file that others may read, or that is another user's."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as fault:
        raise WrongSettings(f"{path.name} : clé de la station illisible ({fault.strerror})") from fault
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        told = os.fstat(file.fileno())
        lines = file.read(4096).splitlines()
    if stat.S_IMODE(told.st_mode) & 0o077 or told.st_uid != os.geteuid():
        raise WrongSettings(f"{path.name} doit appartenir au poste d'impression et n'être lisible que par lui (0600)")
    if lines[:1] != [_HEADER]:
        raise WrongSettings(f"{path.name} n'est pas une clé de station")
    try:
        _, signing, opening = lines
        return StationKey(signing=SigningKey(bytes.fromhex(signing)), opening=PrivateKey(bytes.fromhex(opening)))
    except (ValueError, TypeError, CryptoError) as fault:
        raise WrongSettings(f"{path.name} n'est pas une clé de station") from fault


def station_id(path: Path) -> StationId:
    """The public halves of the key in a file."""
    return load_station_key(path).id


@dataclass(frozen=True, kw_only=True)
class StartKey:
    """The key of one run of the station: its number, and a private half that is written nowhere."""

    number: int
    opening: PrivateKey = field(repr=False)

    @classmethod
    def make(cls, *, last: int, at: datetime, chance: Callable[[int], bytes]) -> Self:
        """A new key with a number above `last`, and above every earlier start even if the spool was lost."""
        milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000
        return cls(number=max(last + 1, int(milliseconds)), opening=PrivateKey(chance(32)))

    @property
    def public(self) -> bytes:
        """What the apps seal secret papers to."""
        return bytes(self.opening.public_key)

    def signed_by(self, lasting: StationKey) -> bytes:
        """The lasting key's signature over number and key."""
        return bytes(lasting.signing.sign(start_text(self.number, self.public)).signature)


def open_paper(payload: bytes, job: Job, key: PrivateKey) -> Paper:
    """Open a sealed paper; raise `NotOurs` unless it was sealed for this job, and a secret one for this printer."""
    try:
        padded = SealedBox(key).decrypt(payload[1:]) if payload[:1] == b"\x01" else b""
    except CryptoError as fault:
        raise NotOurs("this paper was not sealed to this station") from fault
    if not padded.startswith(PAPER_MARK):
        raise NotOurs("this is no sealed paper")
    start = len(PAPER_MARK) + 4
    length = int.from_bytes(padded[len(PAPER_MARK) : start], "big")
    try:
        printer, _, text = padded[start : start + length].decode().partition("\n")
    except UnicodeDecodeError as fault:
        raise Unprintable("this text is not a paper") from fault
    paper = Paper.from_json(text)
    if paper.key != job.key or paper.secret != job.secret or (paper.secret and printer != job.printer):
        raise NotOurs("this paper was sealed for another job")
    return paper
