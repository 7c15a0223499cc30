"""Where a print job may stand, the only moves it may make, and who may cause them."""

from enum import StrEnum

from printers.errors import ImpossibleMove

STATION = "station"  #: the name under which the print station moves jobs


class State(StrEnum):
    """Where a print job stands."""

    #: committed, waiting for its turn
    QUEUED = "queued"
    #: given to the printer's connection: from here on nobody knows until there is a proof
    SENDING = "sending"
    #: handed over whole, not proved
    SENT = "sent"
    #: on paper: the printer or a person said so
    CONFIRMED = "confirmed"
    #: perhaps on paper: a person looks, no machine prints it again
    UNSURE = "unsure"
    #: waits for the printer, or for a person
    HELD = "held"
    #: failed with no byte given; tried again by itself
    NOT_SENT = "not_sent"
    #: will not be printed, or is not on paper
    VOID = "void"


class Verb(StrEnum):
    """What may be done to a print job."""

    #: the printer is not ready, or the job is too old to print unasked
    HOLD = "hold"
    #: back in the queue
    RESUME = "resume"
    #: another printer
    GIVE = "give"
    #: written down before the first byte
    SEND = "send"
    #: failed, provably before the first byte
    FAIL = "fail"
    #: again, after a pause
    RETRY = "retry"
    #: the last byte was handed over
    HAND_OVER = "hand over"
    #: something went wrong after the first byte, or no proof came
    DOUBT = "doubt"
    #: the printer's proof, a scan, or a person's yes
    CONFIRM = "confirm"
    #: a person's no
    DISOWN = "disown"
    #: not to be printed any more
    DROP = "drop"


#: Everything that may happen to a print job; there is no way from unsure back to a printer.
MOVES: dict[tuple[State, Verb], State] = {
    (State.QUEUED, Verb.HOLD): State.HELD,
    (State.HELD, Verb.RESUME): State.QUEUED,
    (State.QUEUED, Verb.GIVE): State.QUEUED,
    (State.HELD, Verb.GIVE): State.HELD,
    (State.NOT_SENT, Verb.GIVE): State.NOT_SENT,
    (State.QUEUED, Verb.SEND): State.SENDING,
    (State.SENDING, Verb.FAIL): State.NOT_SENT,
    (State.NOT_SENT, Verb.RETRY): State.QUEUED,
    (State.SENDING, Verb.HAND_OVER): State.SENT,
    (State.SENDING, Verb.DOUBT): State.UNSURE,
    (State.SENT, Verb.CONFIRM): State.CONFIRMED,
    (State.SENT, Verb.DOUBT): State.UNSURE,
    (State.UNSURE, Verb.CONFIRM): State.CONFIRMED,
    (State.SENT, Verb.DISOWN): State.VOID,
    (State.UNSURE, Verb.DISOWN): State.VOID,
    (State.QUEUED, Verb.DROP): State.VOID,
    (State.HELD, Verb.DROP): State.VOID,
    (State.NOT_SENT, Verb.DROP): State.VOID,
}
FINAL = frozenset({State.CONFIRMED, State.VOID})
#: Moves that only the station makes, and those that only a person makes.
STATION_ONLY = frozenset({Verb.SEND, Verb.FAIL, Verb.RETRY, Verb.HAND_OVER, Verb.DOUBT})
PERSON_ONLY = frozenset({Verb.DISOWN})
#: No byte of these was ever given to a printer: they may go to another one.
NEVER_SENT = frozenset({State.QUEUED, State.HELD, State.NOT_SENT})
#: A job held for one of these goes on by a person's word only.
PERSON_CAUSES = frozenset({"age", "pause"})
#: A secret paper's bytes end where a machine or a person has seen enough of it.
ERASED = frozenset({State.SENT, State.UNSURE, State.CONFIRMED, State.VOID})


def follow(state: State, verb: Verb, *, by: str, cause: str, secret: bool) -> State:
    """The state after a move, or `ImpossibleMove`: the table, then who asks; `cause` is why the job is held."""
    new = MOVES.get((state, verb))
    if new is None:
        raise ImpossibleMove(f"a job that is {state} cannot {verb}")
    person = by != STATION
    if (verb in STATION_ONLY and person) or (verb in PERSON_ONLY and not person):
        raise ImpossibleMove(f"{by} may not {verb} a job")
    if verb is Verb.RESUME and not person and cause in PERSON_CAUSES:
        raise ImpossibleMove(f"a job held for {cause} waits for a person")
    if verb is Verb.GIVE and secret:
        raise ImpossibleMove("a secret paper is given to no other printer")
    return new
