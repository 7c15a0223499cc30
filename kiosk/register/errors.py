"""What a rule says when it refuses."""

from typing import ClassVar


class Refusal(Exception):  # noqa: N818  # a refusal is an answer, not a fault of the programme
    """The act was refused and nothing was changed.

    The docstring of a leaf is its sentence for developers, `french` the one that the screen shows.
    A leaf stands beside the rule that raises it. House note, section 9.
    """

    french: ClassVar[str] = "Ce n'est pas possible pour le moment. Rien n'a été changé."

    def __init__(self, french: str | None = None) -> None:
        super().__init__(type(self).__doc__)
        self.sentence = french or type(self).french


class NotFound(Refusal):
    """There is no such thing; go back to the list."""

    french = "Cette page n'existe plus. Revenez au début."


class Conflict(Refusal):
    """Somebody else was faster; look at the page again."""

    french = "Quelqu'un vient de modifier ceci. Regardez la page à nouveau."


class NotAllowed(Refusal):
    """Your role does not include this act; ask someone who may."""

    french = "Votre rôle ne permet pas cet acte. Demandez à une personne habilitée."


class Invalid(Refusal):
    """What was typed cannot be right; correct it and send it again."""

    french = "Quelque chose est à corriger. Regardez ce qui est tapé."


class Later(Refusal):
    """The laboratory's memory is busy; send the same page again in a moment."""

    french = "Un instant : la mémoire du laboratoire est occupée. Rien n'est perdu, renvoyez la page."
