"""Where a new version stands among those that came before: current, late, or taking them away."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from results.hl7v2.reader import Message
from results.hl7v2.values import moment
from results.reports.assemble import Report, Status
from results.reports.versions import Reason, ReportVersion, State

_STRONGEST = 3


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a new version does on its arrival."""

    #: Why it is withdrawn at once, None when it stays.
    withdrawn: Reason | None
    #: Why the former ones are withdrawn at once, None when they wait for its signature.
    former: Reason | None
    #: Whether the order could not be told; shown to the biologist.
    is_uncertain: bool


def said_at(message: Message, zone: tzinfo) -> datetime | None:
    """When the sender said it: the latest OBR-22, else MSH-7, None when neither can be read."""
    times = [found.start for segment in message.each("OBR") if (found := moment(segment[22].code, zone))]
    sent = moment(message["MSH"][7].code, zone)
    return max(times) if times else sent.start.astimezone(UTC) if sent else None


def stand(report: Report, said: datetime | None, former: list[ReportVersion]) -> Standing:
    """Place a new version by the sender's clock, then by status: deletion over correction, final, partial.

    Args:
        report: what the new message says.
        said: when it was said, None when unknown.
        former: the versions so far, in the order of arrival.
    """
    counted = [version for version in former if version.reason is not Reason.LATE]
    last = counted[-1] if counted else None
    taken = Reason.WRONG if any(line.status is Status.WRONG for line in report.lines) else Reason.DELETED
    if last is None:
        return Standing(withdrawn=taken if report.is_withdrawn else None, former=None, is_uncertain=False)
    is_uncertain = said is None or last.said_at is None or said == last.said_at
    is_older = said is not None and last.said_at is not None and said < last.said_at
    if is_older or (is_uncertain and _strength(report) < _kept_strength(last)):
        return Standing(withdrawn=Reason.LATE, former=None, is_uncertain=is_uncertain)
    if report.is_withdrawn:
        return Standing(withdrawn=taken, former=taken, is_uncertain=is_uncertain)
    loses_lines = any(line.status is Status.DELETED for line in report.lines)
    return Standing(withdrawn=None, former=Reason.DELETED if loses_lines else None, is_uncertain=is_uncertain)


def _strength(report: Report) -> int:
    if report.is_withdrawn:
        return _STRONGEST
    return 2 if report.is_corrected else 0 if report.is_partial else 1


def _kept_strength(version: ReportVersion) -> int:
    if version.state is State.WITHDRAWN and version.reason in {Reason.DELETED, Reason.WRONG}:
        return _STRONGEST
    return 2 if version.is_corrected else 0 if version.is_partial else 1
