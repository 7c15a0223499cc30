"""From the exams of a prescription to the fewest containers that serve them, in order of draw, with every reason."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from kiosk.exams.catalogue import Exam, Need
from labels.planning.filling import Filled, Piece, fewest
from labels.planning.kinds import Kind
from labels.planning.planned import WHY_FRENCH, Aliquot, Change, NoTube, Plan, PlannedTube, Why, Wish
from labels.planning.rules import Child, Rules
from labels.planning.table import shipped


@dataclass(frozen=True, kw_only=True, order=True)
class _Share:
    """What must be equal for two pieces to share a container, besides its kind."""

    minutes: int = -1
    on_ice: bool = False
    from_light: bool = False
    group: str = ""
    bench: str = ""
    alone: str = ""
    split: str = ""

    @property
    def reasons(self) -> list[tuple[Why, str]]:
        """Every reason with its words, the weightiest first."""
        told = (
            (Why.TIME, self.minutes >= 0, ""),
            (Why.SPLIT, bool(self.split), f" : {self.split}"),
            (Why.ALONE, bool(self.alone) and not self.split and self.minutes < 0, ""),
            (Why.ICE, self.on_ice, ""),
            (Why.LIGHT, self.from_light, ""),
            (Why.BENCH, bool(self.bench), f" « {self.bench} »"),
            (Why.GROUP, bool(self.group), f" « {self.group} »"),
        )
        return [(why, WHY_FRENCH[why] + more) for why, holds, more in told if holds]


@dataclass(frozen=True, kw_only=True)
class _Tube:
    """A container before it has its number."""

    filled: Filled
    share: _Share
    reasons: tuple[tuple[Why, str], ...]

    @property
    def exams(self) -> tuple[str, ...]:
        return tuple(sorted({piece.exam for piece in self.filled.pieces}))

    @property
    def minutes(self) -> int | None:
        return None if self.share.minutes < 0 else self.share.minutes

    @property
    def why(self) -> Why:
        return self.reasons[0][0] if self.reasons else Why.KIND


def plan(
    exams: Iterable[Exam], *, rules: Rules | None = None, child: Child | None = None, wishes: Sequence[Wish] = ()
) -> Plan:
    """Plan the containers of a prescription: same exams, same plan, in whatever order they were typed.

    Args:
        exams: what was prescribed; an exam that stands twice counts once.
        rules: the site's tubes, volumes and choices; the shipped ones when it has none.
        child: the patient's class of age, None for an adult.
        wishes: what a person changed, in the order made; what fits no more is left aside.

    Source: the design note on paper, section 7; order of draw CLSI GP41.
    """
    rules = rules or shipped()
    asked = {exam.nabm: exam for exam in sorted(exams, key=lambda exam: exam.nabm)}
    split = {wish.exams[0]: wish for wish in wishes if wish.change is Change.SPLIT and wish.exams[0] in asked}
    shared: dict[_Share, list[Piece]] = {}
    for exam in asked.values():
        for share, piece in _asks(exam, asked, rules, child, split):
            shared.setdefault(share, []).append(piece)
    rooms = rules.rooms(child)
    tubes = [
        tube
        for share in sorted(shared)
        for tube in _reasoned(share, fewest(shared[share], rooms=rooms, by_liking=rules.by_liking), rules)
    ]
    tubes += [_added(wish) for wish in wishes if wish.change is Change.ADD]
    tubes.sort(key=lambda tube: _turn(tube, rules))
    removed = [wish for wish in wishes if wish.change is Change.REMOVE and _remove(tubes, wish)]
    numbered = _numbered(tubes, asked, rules)
    return Plan(
        tubes=numbered,
        without=tuple(_without(asked, numbered, removed)),
        remarks=_remarks(numbered, rules, child),
        validated=rules.validated,
        aliquots=tuple(_aliquots(numbered, rules)),
        followed=tuple(
            wish for wish in wishes if wish.change is Change.ADD or wish in removed or wish in split.values()
        ),
    )


def _asks(
    exam: Exam, asked: Mapping[str, Exam], rules: Rules, child: Child | None, split: Mapping[str, Wish]
) -> Iterator[tuple[_Share, Piece]]:
    """What an exam asks of its containers: one piece for each container and each time, more where one is too small."""
    code, bench = exam.nabm, rules.bench(exam.nabm)
    for need in exam.needs:
        kinds = _kinds(code, need, rules)
        blood = kinds[0].is_blood
        own_bench = bench and rules.benches[bench].own_tube
        wish = split.get(code)
        share = _Share(
            on_ice=blood and code in rules.on_ice,
            from_light=blood and code in rules.from_light,
            group=rules.groups.get(code, ""),
            bench=bench if own_bench else "",
            alone=code if code in rules.alone or (wish and wish.kind in kinds) else "",
            split=wish.reason if wish and wish.kind in kinds else "",
        )
        piece = Piece(
            exam=code, kinds=kinds, volume=rules.volume(code, child), bench=bench,
            dead=rules.benches[bench].dead if bench else 0, excluded=rules.excluded(code, asked),
        )  # fmt: skip
        for minutes in rules.times.get(code, (-1,)) if blood else (-1,):
            for part in _parts(piece, rules.rooms(child)):
                yield replace(share, minutes=minutes, alone=code if minutes >= 0 else share.alone), part


def _kinds(exam: str, need: Need, rules: Rules) -> tuple[Kind, ...]:
    kinds = tuple(Kind(code) for code in need.kinds)
    return kinds if need.either else (rules.methods.get(exam, kinds[0]),)


def _parts(piece: Piece, rooms: Mapping[Kind, int]) -> Iterator[Piece]:
    """Share what is too much for one container among as many as it takes, of the largest kind that suits."""
    offers = {kind: rooms[kind] - piece.dead for kind in piece.kinds if kind in rooms}
    largest = max(offers.values(), default=0)
    if len(offers) < len(piece.kinds) or piece.volume <= largest:
        yield piece
        return
    kinds = tuple(kind for kind, offer in offers.items() if offer == largest)
    for start in range(0, piece.volume, largest):
        yield replace(piece, kinds=kinds, volume=min(largest, piece.volume - start))


def _reasoned(share: _Share, found: Sequence[Filled], rules: Rules) -> Iterator[_Tube]:
    """Say of each container why it is not the one before it."""
    for _, group in groupby(sorted(found, key=lambda one: rules.place(one.kind)), key=lambda one: one.kind):
        same = sorted(group, key=lambda one: sorted(piece.exam for piece in one.pieces))
        for place, filled in enumerate(same):
            reasons = share.reasons
            if place and any(one.excludes(piece) for one in same[:place] for piece in filled.pieces):
                reasons.insert(0, (Why.APART, WHY_FRENCH[Why.APART]))
            elif place:
                reasons.insert(0, (Why.VOLUME, WHY_FRENCH[Why.VOLUME]))
            yield _Tube(filled=filled, share=share, reasons=tuple(reasons))


def _added(wish: Wish) -> _Tube:
    said = f"{WHY_FRENCH[Why.ADDED]} : {wish.reason}"
    return _Tube(filled=Filled(kind=wish.kind, room=None), share=_Share(), reasons=((Why.ADDED, said),))


def _remove(tubes: list[_Tube], wish: Wish) -> bool:
    """Take away the container that a person does not want; false when the plan has no such one any more."""
    for place, tube in enumerate(tubes):
        if (tube.filled.kind, tube.exams, tube.minutes) == (wish.kind, wish.exams, wish.minutes):
            del tubes[place]
            return True
    return False


def _turn(tube: _Tube, rules: Rules) -> tuple[bool, int, tuple[bool, int], bool, tuple[str, ...], int]:
    """Blood by time and rank, then what is not blood; the shared tube before those that are alone."""
    kind = tube.filled.kind
    alone = bool(tube.reasons)
    return not kind.is_blood, tube.minutes or 0, rules.place(kind), alone, tube.exams, tube.filled.used


def _numbered(tubes: Sequence[_Tube], asked: Mapping[str, Exam], rules: Rules) -> tuple[PlannedTube, ...]:
    """Give each container its place in the order of draw, its reason and its remarks."""
    return tuple(
        PlannedTube(
            kind=tube.filled.kind,
            look=rules.looks.get(tube.filled.kind, shipped().looks[tube.filled.kind]),
            k=k,
            n=len(tubes),
            exams=tube.exams,
            why=tube.why,
            minutes=tube.minutes,
            used=tube.filled.used,
            remarks=(
                *(words for _, words in tube.reasons),
                *(remark for code in tube.exams if (remark := _to_check(asked[code], rules))),
            ),
        )
        for k, tube in enumerate(tubes, start=1)
    )


def _without(asked: Mapping[str, Exam], tubes: Sequence[PlannedTube], removed: Sequence[Wish]) -> Iterator[NoTube]:
    """Every exam that no container serves, and why."""
    served = {code for tube in tubes for code in tube.exams}
    for code, exam in asked.items():
        if code in served:
            continue
        reason = next((wish.reason for wish in removed if code in wish.exams), None)
        said = f" (« {exam.tube} »)" if exam.tube else ""
        french = f"contenant à préciser{said}" if reason is None else f"tube retiré à la demande ({reason})"
        yield NoTube(exam=code, french=f"{exam.name} : {french}")


def _aliquots(tubes: Sequence[PlannedTube], rules: Rules) -> Iterator[Aliquot]:
    """One for each exam that is sent out and each tube that it is in."""
    for tube in tubes:
        for code in tube.exams:
            if code in rules.send_out:
                yield Aliquot(exam=code, kind=tube.kind, look=tube.look, parent=tube.k, minutes=tube.minutes)


def _to_check(exam: Exam, rules: Rules) -> str:
    """What a person must still look at, where the catalogue leaves the kind to the method and the site is silent."""
    if exam.nabm in rules.methods or all(need.either for need in exam.needs):
        return ""
    return f"{exam.name} : vérifier le tube, le catalogue dit « {exam.tube} »"


def _remarks(tubes: Sequence[PlannedTube], rules: Rules, child: Child | None) -> tuple[str, ...]:
    """What concerns the whole draw."""
    remarks = []
    if child is not None:
        remarks.append(f"Volumes de la classe « {child.words} » (moins de {child.under} ans).")
    if tubes and tubes[0].kind is Kind.CITRATE:
        remarks.append("Aiguille à ailettes : un tube de purge, sans étiquette, avant le citrate.")
    if any(code in rules.two_draws for tube in tubes for code in tube.exams):
        remarks.append("Groupe sanguin : la seconde détermination se fait sur un autre prélèvement.")
    return tuple(remarks)
