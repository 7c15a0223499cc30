"""The exams that the laboratory offers: their codes, preparation, containers and release class."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from kiosk.formats.folding import fold

_FILE: Final = Path(__file__).parent / "data" / "catalogue_examens.csv"


class ReleaseClass(StrEnum):
    """How carefully the result of an exam is told; a code without a class is never told."""

    #: Ordinary.
    C0 = "C0"
    #: Follow-up of a treatment, urine culture.
    C1 = "C1"
    #: Confidential: pregnancy, fertility.
    C2 = "C2"
    #: HIV, other sexually transmitted infections, hepatitis.
    C3 = "C3"
    #: Tumour markers, first diagnosis of a cancer.
    C4 = "C4"
    #: Genetics, prenatal screening.
    C5 = "C5"


@dataclass(frozen=True, kw_only=True)
class Need:
    """One container that an exam asks for."""

    #: Codes of the kinds that suit, as `labels.tubes` knows them; the first one is the usual one.
    kinds: tuple[str, ...]
    #: Whether any of them gives the same result; if not, the method or the prescription decides.
    either: bool = True


@dataclass(frozen=True, kw_only=True)
class Exam:
    """One exam that can be prescribed."""

    #: Act code of the nomenclature, 4 digits.
    nabm: str
    #: French name for screens.
    name: str
    #: Official label, in capitals, cut at 100 characters.
    label: str
    #: LOINC code; None where the act is a panel or has no known code.
    loinc: str | None
    #: The container in the catalogue's own words.
    tube: str
    #: The same for the plan; empty when the words are not known.
    needs: tuple[Need, ...]
    #: French words for the patient, may be empty.
    fasting: str
    constraint: str
    turnaround: str
    #: None is never told.
    release_class: ReleaseClass | None


def _one(*kinds: str) -> tuple[Need, ...]:
    return (Need(kinds=kinds),)


# The containers of the catalogue, word for word: free text is never guessed, an unknown wording has no container.
_NEEDS: Final[Mapping[str, tuple[Need, ...]]] = MappingProxyType(
    {
        "CITRATE": _one("CITRATE"),
        "EDTA": _one("EDTA"),
        "EDTA dédié": _one("EDTA-GROUPE"),
        "EDTA ou citrate 4NC (noir)": _one("EDTA", "CITRATE-VS"),
        "EDTA (BNP) ou HEPARINE (NT-proBNP)": (Need(kinds=("EDTA", "HEPARINE"), either=False),),
        "FLUORURE": _one("FLUORURE"),
        "HEPARINE": _one("HEPARINE"),
        "HEPARINE ou SEC-GEL": _one("HEPARINE", "SEC-GEL"),
        "HÉMOC aérobie+anaérobie": _one("HEMOC-AEROBIE") + _one("HEMOC-ANAEROBIE"),
        "SEC (jamais héparinate de Li)": _one("SEC"),
        "SEC sans gel": _one("SEC"),
        "SEC-GEL": _one("SEC-GEL"),
        "SEC-GEL / EDTA (érythrocytaires)": (Need(kinds=("SEC-GEL", "EDTA"), either=False),),
        "SELLES": _one("SELLES"),
        "SPERME": _one("SPERME"),
        "URINE": _one("URINE"),
        "URINE 1er jet ou ÉCOUVILLON": (Need(kinds=("URINE-1ER-JET", "ECOUVILLON"), either=False),),
        "URINE STÉRILE": _one("URINE-STERILE"),
        "URINES 24 h": _one("URINES-24H"),
        "URINES 24 h + HEPARINE": _one("URINES-24H") + _one("HEPARINE"),
    }
)

# Words that people say for words that the table writes.
_SAME: Final[Mapping[str, str]] = MappingProxyType(
    {"hiv": "vih", "sida": "vih", "hcv": "vhc", "hbv": "hbs", "vhb": "hbs", "bhcg": "hcg", "ggt": "gamma", "nfp": "nfs"}
)


def _distance(word: str, name: tuple[str, ...], label: tuple[str, ...]) -> int | None:
    """Tell how far a typed word is from an exam's words: 0 is the very word of its name, None is nowhere."""
    tests = (
        word in name,
        any(own.startswith(word) for own in name),
        word in label,
        any(own.startswith(word) for own in label),
        len(word) > 2 and any(word in own for own in name),
    )
    return next((place for place, holds in enumerate(tests) if holds), None)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Every exam on offer, in the order of the file, which is the order of use.

    Raises:
        ValueError: two exams share an act code or a LOINC code.
    """

    exams: tuple[Exam, ...]
    _codes: dict[str, Exam] = field(init=False, repr=False, compare=False, default_factory=dict)
    _words: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        for exam in self.exams:
            self._words[exam.nabm] = (tuple(fold(exam.name).lower().split()), tuple(fold(exam.label).lower().split()))
            for code in (exam.nabm, exam.loinc):
                if code is not None and self._codes.setdefault(code, exam) is not exam:
                    raise ValueError(f"two exams of the catalogue have the code {code}")

    def by_code(self, code: str) -> Exam | None:
        """Find the exam of an act code or of a LOINC code, None when the laboratory does not offer it."""
        return self._codes.get(code)

    def class_of(self, code: str) -> ReleaseClass | None:
        """Tell the release class of an act code or LOINC code; None must mean "not releasable" to the caller."""
        exam = self.by_code(code)
        return None if exam is None else exam.release_class

    def search(self, text: str, limit: int = 8) -> tuple[Exam, ...]:
        """Find exams by the beginning of a code or by words of their name, best first.

        Args:
            text: what was typed; accents and capitals do not count, every word must be found.
            limit: how many exams at most.
        """
        typed = text.strip()
        words = [_SAME.get(word, word) for word in fold(typed).lower().split()]
        if not words:
            return ()
        found: list[tuple[int, int, Exam]] = []
        for place, exam in enumerate(self.exams):
            if exam.nabm.startswith(typed) or (len(typed) > 3 and (exam.loinc or "").startswith(typed)):
                found.append((-1, place, exam))
                continue
            steps = [_distance(word, *self._words[exam.nabm]) for word in words]
            near = [step for step in steps if step is not None]
            if len(near) == len(steps):
                found.append((sum(near), place, exam))
        return tuple(exam for _, _, exam in sorted(found, key=lambda one: one[:2])[:limit])


def read(lines: list[str]) -> Catalogue:
    """Read a catalogue from the lines of its CSV file; fees are acts, not exams, and are left out.

    Raises:
        ValueError: a code stands twice, or a class is none of C0 to C5.
    """
    return Catalogue(
        exams=tuple(
            Exam(
                nabm=row["nabm"],
                name=row["short_name"],
                label=row["official_label"],
                loinc=row["loinc"] or None,
                tube=row["tube"],
                needs=_NEEDS.get(row["tube"], ()),
                fasting=row["fasting"],
                constraint=row["constraint"],
                turnaround=row["turnaround"],
                release_class=ReleaseClass(row["sensitivity_class"]) if row["sensitivity_class"] else None,
            )
            for row in csv.DictReader(lines)
            if row["kind"] == "exam"
        )
    )


@cache
def catalogue() -> Catalogue:
    """Give the laboratory's catalogue, read once; see `data/ORIGIN.md` for what is unverified in it."""
    return read(_FILE.read_text(encoding="utf-8").splitlines())
