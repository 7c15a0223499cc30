"""The folder of key files: nothing is read from it unless it belongs to this programme alone."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.register.errors import Conflict, NotAllowed
from results.vault.keytext import KeyText, WrongKey

_HEAD_FORMAT: Final = "etiquette-matrix-head-v1"
_STOP_FORMAT: Final = "etiquette-stop-head-v1"
#: Who signs here and what has ended: read by `results.trust.standing`, beside the keys so that no database undoes it.
STANDING: Final = "standing.list"
#: What else is said when a kind of key is lost.
_WAY_BACK: Final = {
    "pepper": " Si elle est perdue, « etiquette keys rotate pepper » en fait une autre ; les talons seront à refaire."
} | dict.fromkeys(
    ("release", "fields", "journal", "cookie", "intake", "message", "dossier-key"),
    " Si elle est perdue, « etiquette keys restore » la rend, avec la phrase d'un biologiste.",
)
#: What lies in the folder beside the keys, and each while it is written.
_NO_KEYS: Final = frozenset(name + ending for name in ("matrix.head", "stop.head", STANDING) for ending in ("", ".new"))


class UnsafeKeys(NotAllowed):
    """A key file or its folder is missing, readable by others or not this programme's; put it right first."""

    french = "Un fichier de clé manque ou n'est pas protégé. Rien ne démarre avant qu'il le soit."


class MatrixHeadFell(Conflict):
    """An older matrix than the one kept here cannot come back."""

    french = "Une règle plus ancienne ne peut pas revenir."


@dataclass(frozen=True, kw_only=True)
class MatrixHead:
    """The number and SHA-256 of the last matrix that was signed here."""

    number: int
    digest: bytes


NO_MATRIX: Final = MatrixHead(number=0, digest=bytes(32))


@dataclass(frozen=True, kw_only=True)
class KeyFolder:
    """The key files of a folder, each one checked before it is read."""

    texts: Mapping[str, KeyText]

    @classmethod
    def open(cls, folder: Path) -> "KeyFolder":
        """Check and read every file.

        Raises:
            UnsafeKeys: a wrong mode or owner, or a file that is no key.
        """
        _check(folder, stat.S_IFDIR, 0o700)
        texts: dict[str, KeyText] = {}
        for path in sorted(folder.iterdir()):
            if path.name in _NO_KEYS:
                continue
            try:
                texts[path.name] = KeyText.read(path.name, read_guarded(path))
            except WrongKey:
                raise UnsafeKeys(f"Le fichier {path.name} n'est pas un fichier de clé.") from None
        return cls(texts=texts)

    def read(self, kind: str, name: str, suffix: str) -> bytes:
        """Give the content of one file; UnsafeKeys when it is missing."""
        for text in self.texts.values():
            if (text.kind, text.id, text.suffix) == (kind, name, suffix):
                return text.data
        raise _missing(kind)

    def holds(self, kind: str) -> bool:
        """Tell whether there is any key of a kind."""
        return any(text.kind == kind for text in self.texts.values())

    def people(self, kind: str, suffix: str) -> dict[str, bytes]:
        """Give every file of a kind by its id; UnsafeKeys when there is none."""
        found = {text.id: text.data for text in self.texts.values() if (text.kind, text.suffix) == (kind, suffix)}
        if not found:
            raise _missing(kind)
        return found

    def versions(self, kind: str, suffix: str) -> dict[int, bytes]:
        """Give every file of a kind by its version; UnsafeKeys when there is none."""
        found = self.people(kind, suffix)
        if not all(version.isdecimal() for version in found):
            raise UnsafeKeys(f"Une clé {kind} n'a pas de numéro de version.")
        return {int(version): data for version, data in found.items()}


def _missing(kind: str) -> UnsafeKeys:
    """What is missing, and the way back where there is one."""
    return UnsafeKeys(f"Il manque la clé {kind}.{_WAY_BACK.get(kind, '')}")


def read_matrix_head(folder: Path) -> MatrixHead:
    """Read the number that never falls; without a file no matrix was ever signed here.

    Raises:
        UnsafeKeys: wrong mode, owner or content.
    """
    path = folder / "matrix.head"
    if not path.exists():
        return NO_MATRIX
    lines = dict(line.partition(": ")[::2] for line in read_guarded(path).splitlines())
    try:
        head = MatrixHead(number=int(lines["number"]), digest=bytes.fromhex(lines["sha256"]))
    except (KeyError, ValueError):
        raise UnsafeKeys("Le fichier matrix.head n'est pas lisible.") from None
    return head


def raise_matrix_head(folder: Path, head: MatrixHead) -> None:
    """Keep the number of a newly signed matrix.

    Raises:
        MatrixHeadFell: not higher than the one kept, unless it is the very same.
    """
    kept = read_matrix_head(folder)
    if head == kept:
        return
    if head.number <= kept.number:
        raise MatrixHeadFell
    write_again(
        folder / "matrix.head",
        f"format: {_HEAD_FORMAT}\nnumber: {head.number}\nsha256: {head.digest.hex()}\n",
    )


def read_stop_head(folder: Path) -> int:
    """Read the number of the last stop of releases; without a file there was none.

    Raises:
        UnsafeKeys: wrong mode, owner or content.
    """
    path = folder / "stop.head"
    if not path.exists():
        return 0
    lines = dict(line.partition(": ")[::2] for line in read_guarded(path).splitlines())
    number = lines.get("number", "")
    if not number.isdecimal():
        raise UnsafeKeys("Le fichier stop.head n'est pas lisible.")
    return int(number)


def raise_stop_head(folder: Path, number: int) -> None:
    """Keep the number of a new stop; it never falls."""
    if number > read_stop_head(folder):
        write_again(folder / "stop.head", f"format: {_STOP_FORMAT}\nnumber: {number}\n")


def _check(path: Path, kind: int, mode: int) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise UnsafeKeys(f"Il manque {path.name}.") from None
    if stat.S_IFMT(found.st_mode) != kind:
        raise UnsafeKeys(f"{path.name} n'est pas ce qu'il doit être.")
    if stat.S_IMODE(found.st_mode) != mode:
        raise UnsafeKeys(f"{path.name} doit avoir le mode {mode:04o}, il a {stat.S_IMODE(found.st_mode):04o}.")
    if found.st_uid != os.geteuid():
        raise UnsafeKeys(f"{path.name} doit appartenir au compte qui démarre ce programme.")


def read_guarded(path: Path) -> str:
    """Read a file that this programme alone may read.

    Raises:
        UnsafeKeys: it is missing, another one's, or no text.
    """
    _check(path, stat.S_IFREG, 0o400)
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise UnsafeKeys(f"Le fichier {path.name} n'est pas lisible.") from None


def write_new(path: Path, text: str) -> None:
    """Write a file that nobody else reads and that nothing writes over; it is on the disk on return."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o400)


def write_again(path: Path, text: str) -> None:
    """Put a new text in the place of a file's old one: whoever reads sees one of them, whole."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    write_new(fresh, text)
    fresh.replace(path)
