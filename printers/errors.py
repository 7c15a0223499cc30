"""What can go wrong between a paper and its ink, in words."""
# ruff: noqa: N818 - the names say what happened, as the lab says it

#: Why a printer or a job stands still, as the station writes it: the words, and what a person does about it.
CAUSES: dict[str, tuple[str, str]] = {
    "age": ("trop ancienne", "Dites s'il faut encore l'imprimer."),
    "pause": ("en pause", "Reprenez l'impression quand l'imprimante peut servir."),
    "paper-out": ("plus de papier", "Remettez du papier : la suite sort seule."),
    "cover-open": ("capot ouvert", "Fermez le capot : la suite sort seule."),
    "jam": ("bourrage de papier", "Retirez la feuille coincée, refermez : la suite sort seule."),
    "toner-out": ("plus d'encre", "Changez la cartouche : la suite sort seule."),
    "toner-low": ("cartouche bientôt vide", "Gardez une cartouche neuve à côté."),
    "tray-full": ("bac de sortie plein", "Videz le bac de sortie : la suite sort seule."),
    "refused": ("l'imprimante refuse ce document", "Vérifiez qu'elle prend le PDF en A4, sans mot de passe."),
    "certificate": (
        "son certificat a changé",
        "Comparez-le à celui de son écran, puis corrigez « fingerprint ».",
    ),
    "cutter": ("massicot bloqué", "Dégagez le massicot, puis fermez le capot."),
    "near-end": ("papier bientôt fini", "Gardez un rouleau neuf à côté."),
    "ribbon-out": ("plus de ruban", "Changez le ruban : la suite sort seule."),
    "paused": ("arrêtée par sa touche PAUSE", "Appuyez sur la touche PAUSE de l'imprimante."),
    "temperature": ("trop chaude ou trop froide", "Laissez-la quelques minutes : la suite sort seule."),
    "busy": ("mémoire pleine, elle imprime", "Attendez qu'elle ait fini."),
    "error": ("panne de l'imprimante", "Éteignez-la, rallumez-la. Si cela dure, passez la suite à une autre."),
    "offline": ("hors ligne", "Regardez son écran, appuyez sur sa touche LIGNE ou FEED."),
    "silent": ("muette", "Regardez le papier, le capot et les voyants. Éteignez-la, puis rallumez-la."),
    "unreachable": ("injoignable", "Vérifiez qu'elle est allumée et que son câble est branché."),
    "not-understood": ("réponse incomprise", "Éteignez-la, rallumez-la, puis imprimez une étiquette d'essai."),
    "expired": ("délai passé", ""),
    "unprintable": ("ne tient pas sur le papier", "Prévenez la personne chargée des imprimantes."),
    "secret lost": ("la station a redémarré : établissez un nouveau talon", ""),
    "not ours": ("scellée pour une autre station", "Prévenez la personne chargée des imprimantes."),
    "no proof": ("l'imprimante n'a pas répondu", "Regardez à l'imprimante."),
    "fewer pages": ("des pages manquent", "Comptez les pages à l'imprimante."),
    "aborted": ("l'imprimante a abandonné", "Comptez les pages à l'imprimante."),
    "cancelled": ("annulée à l'imprimante", "Comptez les pages à l'imprimante."),
    "connection lost": ("connexion coupée", "Regardez à l'imprimante."),
    "wrong ID": ("réponse d'une autre impression", "Regardez à l'imprimante."),
    "station restarted": ("la station a redémarré", "Regardez à l'imprimante."),
    "slow": ("l'imprimante ne prend plus rien", "Regardez à l'imprimante."),
    "without-id": ("sans preuve d'impression", "Demandez qu'elle soit appairée : python -m printers pair."),
}


class PrinterError(Exception):
    """Paper could not be handled; the screen shows `french`, the log shows the message."""

    french = "L'impression n'a pas abouti. Prévenez la personne chargée des imprimantes."


class Unprintable(PrinterError):
    """This paper cannot be drawn as asked; nothing was sent."""

    french = "Ce document ne tient pas sur le papier prévu. Rien n'a été imprimé."


class NotARoll(Unprintable):
    """Tickets, slips and reports need a roll of 58 or 80 mm; choose a roll for this printer."""

    french = "Un ticket, un talon ou un compte rendu demande un rouleau : « roll-80 » ou « roll-58 »."


class NoPlaceForReports(Unprintable):
    """Reports need A4 sheets or a roll of 58 or 80 mm; choose such a printer for them."""

    french = "Un compte rendu demande des feuilles « a4 », ou un rouleau « roll-80 » ou « roll-58 »."


class PaperOut(PrinterError):
    """The printer is not ready; do what its state says, the paper will come out by itself."""

    french = "L'imprimante n'est pas prête. Regardez le papier et le capot : l'impression reprendra seule."


class Unreachable(PrinterError):
    """The printer does not answer; check that it is switched on and connected."""

    french = "L'imprimante ne répond pas. Vérifiez qu'elle est allumée et branchée."


class NotUnderstood(PrinterError):
    """The printer answered something that no table explains; it is not taken for ready."""

    french = "L'imprimante a donné une réponse inattendue. Éteignez-la, rallumez-la, puis imprimez une page d'essai."


class Refused(PrinterError):
    """The printer refused this paper before any page of it: look at its settings."""

    french = "L'imprimante refuse ce document. Vérifiez qu'elle prend le PDF en A4, sans mot de passe."


class WrongCertificate(Unreachable):
    """The printer shows another certificate than the one that was written down; nothing was sent."""

    french = "L'imprimante montre un autre certificat que celui des réglages. Rien n'a été envoyé."


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
