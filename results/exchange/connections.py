"""A connection to a laboratory system, as its settings say."""

from dataclasses import dataclass
from datetime import tzinfo


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One sender; what a header claims must equal these settings."""

    name: str
    #: The site's zone, for times that name none.
    zone: tzinfo
    #: MSH-3 and MSH-4, first components; None accepts any.
    application: str | None = None
    facility: str | None = None
    #: OID under which our patient numbers come back; empty when none does.
    authority: str = ""
    #: Whether tests, demonstrations and training are refused.
    is_production: bool = True
