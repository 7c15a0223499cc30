"""Files of result messages are taken into an instance, each file in a transaction of its own."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from kiosk.exams.catalogue import catalogue
from kiosk.register.clock import Chance
from kiosk.register.database import Database
from kiosk.register.sites import this_site
from results.exchange.candidates import whose
from results.exchange.connections import Connection
from results.exchange.inbox import Inbox, Kind, Outcome, Tally, receive_file
from results.matrix import in_force
from results.vault.keys import ExchangeKeys, KeyRing


@dataclass(frozen=True, kw_only=True)
class Intake:
    """What became of the files: the counts, and the reasons in words for what a person must look at."""

    tally: Tally
    reasons: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """The six counts, for a machine."""
        return asdict(self.tally)


def take(
    database: Database, files: Iterable[bytes], *, keys: KeyRing, exchange_keys: ExchangeKeys, is_production: bool,
    at: datetime, chance: Chance,
) -> Intake:  # fmt: skip
    """Take files in the order given; each file is one transaction, so that a crash repeats it and finds duplicates.

    Args:
        files: what each file holds.
        is_production: whether tests and demonstrations of the sender are refused.
    """
    outcomes: list[Outcome] = []
    for raw in files:
        with database.transaction("results") as db:
            site = this_site(db)
            matrix = in_force(db, keys, at)
            inbox = Inbox(
                site_id=site.id,
                connection=Connection(name="files", zone=ZoneInfo(site.timezone), is_production=is_production),
                keys=exchange_keys,
                whose=whose(db, site, at=at),
                class_of=lambda code: catalogue().class_of(code),
                matrix_version=matrix.version if matrix else 0,
            )
            outcomes += receive_file(db, raw, inbox=inbox, at=at, chance=chance)
    looked_at = {Kind.QUARANTINED, Kind.REFUSED}
    reasons = tuple(outcome.reason for outcome in outcomes if outcome.kind in looked_at)
    return Intake(tally=Tally.of(outcomes), reasons=reasons)
