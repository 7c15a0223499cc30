"""What can go wrong between a paper and its ink, in words."""
# ruff: noqa: N818 - the names say what happened, as the lab says it


class PrinterError(Exception):
    """Paper could not be handled; the screen shows `french`, the log shows the message."""

    french = "L'impression n'a pas abouti. Prévenez la personne chargée des imprimantes."


class Unprintable(PrinterError):
    """This paper cannot be drawn as asked; nothing was sent."""

    french = "Ce document ne tient pas sur le papier prévu. Rien n'a été imprimé."


class NotARoll(Unprintable):
    """Tickets, slips and reports need a roll of 58 or 80 mm; choose a roll for this printer."""

    french = "Un ticket, un talon ou un compte rendu demande un rouleau : « roll-80 » ou « roll-58 »."


class PaperOut(PrinterError):
    """The printer is not ready; do what its state says, the paper will come out by itself."""

    french = "L'imprimante n'est pas prête. Regardez le papier et le capot : l'impression reprendra seule."


class Unreachable(PrinterError):
    """The printer does not answer; check that it is switched on and connected."""

    french = "L'imprimante ne répond pas. Vérifiez qu'elle est allumée et branchée."


class NotUnderstood(PrinterError):
    """The printer answered something that no table explains; it is not taken for ready."""

    french = "L'imprimante a donné une réponse inattendue. Éteignez-la, rallumez-la, puis imprimez une page d'essai."


class NoStation(PrinterError):
    """No print station that this laboratory trusts is running; start it, then print again."""

    french = "Le poste d'impression ne tourne pas. Démarrez-le, puis recommencez."


class NotOurs(PrinterError):
    """A sealed paper or a station's key does not bear the mark of this laboratory's station; nothing was sent."""

    french = "Le poste d'impression n'est pas celui de ce laboratoire. Prévenez l'administrateur."


class ImpossibleMove(PrinterError):
    """A print job cannot go from its state by this move; reload the list of jobs."""

    french = "Cette impression a changé d'état entre-temps. Rechargez la liste."


class UnknownJob(PrinterError):
    """No print job has this key."""

    french = "Cette impression n'existe pas."


class SpoolAway(PrinterError):
    """The spool cannot be opened or written; check the folder, its rights and the disk."""

    french = "La file d'impression n'est pas accessible. Rien n'a été imprimé ; prévenez l'administrateur."


class WrongSettings(PrinterError):
    """The settings of the printers cannot be used; the message names the line to change."""

    french = "Les réglages des imprimantes sont à corriger."


class StationRunning(PrinterError):
    """Another print station already holds this instance; one is enough."""

    french = "Un poste d'impression tourne déjà pour ce dossier. Un seul suffit."
