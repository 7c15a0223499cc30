"""The counter as the tests of this folder need it: someone arrives, is recognised, has a prescription."""

from dataclasses import dataclass
from datetime import datetime

from kiosk.exams.prescriptions import exams_of, prescribe
from kiosk.register.clock import Chance
from kiosk.register.database import Database, uuid7
from kiosk.register.patients import Document, Sex, create_patient, recognise
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Stage, State, Visit
from labels.planning.plan import plan
from labels.planning.planned import Plan
from labels.printing import number_tubes
from labels.tubes import Tube


@dataclass(frozen=True, kw_only=True)
class Reception:
    """What the tests do at the counter, each act in its own transaction."""

    database: Database
    site: Site
    at: datetime
    chance: Chance

    def arrive(self, number: int = 1) -> Visit:
        """Someone takes a number and is called."""
        visit = Visit(
            id=uuid7(self.at, self.chance), site_id=self.site.id, day=self.at.date(), number=number,
            state=State.CALLED, stage=Stage.COUNTER, purpose=Purpose.WALK_IN, language="fr", arrived_at=self.at,
            waits_since=self.at, needs_help=False, announced_low=5, announced_high=10,
        )  # fmt: skip
        with self.database.transaction() as db:
            db.add(visit)
        return visit

    def recognise(
        self,
        visit: Visit,
        birth_name: str = "MOREAU",
        given_names: str = "Jeanne, Marie",
        birth_date: str = "19540229",
    ) -> None:
        """The secretary opens the file of the person who is there."""
        with self.database.transaction() as db:
            patient = create_patient(
                db, self.site.id, id=uuid7(self.at, self.chance), birth_name=birth_name, given_names=given_names,
                birth_date=birth_date, sex=Sex.F, used_name=None, birth_place=None, by="sophie", at=self.at,
                key=self.chance(16).hex(),
            )  # fmt: skip
            db.flush()
            recognise(db, visit, patient, document=Document.CARD, by="sophie", at=self.at)

    def prescribe(self, visit: Visit, *codes: str, urgent: bool = False) -> Plan:
        """The secretary enters the prescription and looks at the plan."""
        with self.database.transaction() as db:
            prescribe(db, visit.id, codes, urgent=urgent, by="sophie", at=self.at, chance=self.chance)
            db.flush()
            return plan(exams_of(db, visit.id))

    def number(self, visit: Visit, made: Plan) -> list[Tube]:
        """The secretary presses F6."""
        with self.database.transaction() as db:
            return number_tubes(db, visit, made, by="sophie", at=self.at, chance=self.chance)

    def labelled(self, *codes: str, number: int = 1) -> tuple[Visit, list[Tube]]:
        """All of it for one patient."""
        visit = self.arrive(number)
        self.recognise(visit)
        return visit, self.number(visit, self.prescribe(visit, *codes))
