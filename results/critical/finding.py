"""Which lines of a report cannot wait: by the sender's flag, by a limit, or because nothing can be compared."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from results.critical.limits import Limit, codes_of
from results.reports.assemble import Line, Report, Status

#: OBX-8, HL7 table 0078: below and above the panic limits, very abnormal.
_FLAGS: Final = frozenset({"LL", "HH", "AA"})
_VALUE: Final = re.compile(r"(<=?|>=?|≤|≥)?([+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+))")
#: Ways to write one unit; capitals count, because g/L is a gram and G/L a thousand million cells.
_SAME_UNIT: Final = (
    frozenset({"G/L", "10*9/L", "10^9/L", "10⁹/L", "Giga/L", "giga/L"}),
    frozenset({"T/L", "10*12/L", "10^12/L", "10¹²/L", "Tera/L", "tera/L", "Téra/L"}),
    frozenset({"UI/L", "U/L", "IU/L", "[iU]/L"}),
    frozenset({"umol/L", "micromol/L"}),
    frozenset({"ug/L", "ng/mL"}),
    frozenset({"%", "pourcent"}),
)


class Cause(StrEnum):
    """Why a value cannot wait."""

    FLAG = "flag"  #: the laboratory system says so
    LIMIT = "limit"  #: beyond a limit
    UNREADABLE = "unreadable"  #: a limited analysis whose number or unit cannot be compared
    MARK = "mark"  #: the biologist says so


#: Which cause names an alert that has several.
_ORDER: Final = (Cause.FLAG, Cause.LIMIT, Cause.UNREADABLE)


@dataclass(frozen=True, kw_only=True, repr=False)
class Found:
    """One line that cannot wait."""

    line: Line
    cause: Cause


def find(report: Report, limits: Sequence[Limit]) -> tuple[Found, ...]:
    """Find the lines of a report that cannot wait; nothing of a report that was taken back, nothing still pending."""
    if report.is_withdrawn:
        return ()
    lines = [line for line in report.shown if line.status is not Status.PENDING]
    return tuple(Found(line=line, cause=cause) for line in lines if (cause := judge(line, limits)) is not None)


def cause_of(found: Sequence[Found]) -> Cause:
    """The cause that names an alert: a flag before a limit, a limit before what cannot be read."""
    return min((one.cause for one in found), key=_ORDER.index)


def judge(line: Line, limits: Sequence[Limit]) -> Cause | None:
    """Tell why one line cannot wait, None when it can."""
    if _FLAGS & set(re.split(r"[~\s^,;]+", line.mark.upper())):
        return Cause.FLAG
    codes = codes_of(line.codes)
    causes = [_compare(line, limit) for limit in limits if limit.code in codes]
    return next((cause for cause in _ORDER if cause in causes), None)


def same_unit(one: str, other: str) -> bool:
    """Tell whether two units are the same, written otherwise; what is not listed must be equal, capitals too."""
    first, second = _plain(one), _plain(other)
    return first == second or any({first, second} <= same for same in _SAME_UNIT)


def _compare(line: Line, limit: Limit) -> Cause | None:
    found = _VALUE.fullmatch("".join(line.value.split()))
    if found is None or line.is_document or not same_unit(line.unit, limit.unit):
        return Cause.UNREADABLE
    sign, value = (found[1] or "").replace("≤", "<=").replace("≥", ">="), Decimal(found[2].replace(",", "."))
    if not sign:
        return Cause.LIMIT if _is_low(value, limit) or _is_high(value, limit) else None
    if sign.startswith("<"):
        # Somewhere below: surely critical under the lower limit, surely not where there is none.
        if limit.low is not None:
            return Cause.LIMIT if value <= limit.low else Cause.UNREADABLE
        return Cause.UNREADABLE if _is_high(value, limit) else None
    if limit.high is not None:
        return Cause.LIMIT if value >= limit.high else Cause.UNREADABLE
    return Cause.UNREADABLE if _is_low(value, limit) else None


def _is_low(value: Decimal, limit: Limit) -> bool:
    return limit.low is not None and value <= limit.low


def _is_high(value: Decimal, limit: Limit) -> bool:
    return limit.high is not None and value >= limit.high


def _plain(unit: str) -> str:
    return "".join(unit.split()).replace("µ", "u").replace("μ", "u").replace("/l", "/L")
