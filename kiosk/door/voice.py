"""Pages and numbers spoken aloud by espeak-ng, kept as sound; never a name, a letter or a date that somebody typed."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from kiosk.door.languages import say

#: The voice of each language.
VOICES: Final = {"fr": "fr-fr", "en": "en-gb", "ar": "ar", "es": "es", "pt": "pt", "tr": "tr"}
#: Words a minute: slower than the programme's own pace.
PACE: Final = 140
#: Sounds that are kept; the ones not asked for longest make room.
KEPT: Final = 500

#: What each kind of page says of itself, sentence by sentence as it stands there.
PAGES: Final = {
    "home": (
        "Bonjour.",
        "Pourquoi venez-vous ?",
        "Vous recevez un numéro. On vous appelle par ce numéro.",
        "J'ai un rendez-vous",
        "Je viens sans rendez-vous",
        "Je viens chercher un résultat ou déposer un flacon",
    ),
    "convocation": (
        "Présentez votre convocation sous le lecteur.",
        "Le code carré est en bas de la feuille.",
        "Je tape mon code",
        "Je ne l'ai pas",
    ),
    "code": ("Tapez les 6 caractères de votre code.", "Ils sont sous le code carré de votre convocation."),
    "name": ("Touchez les 3 premières lettres de votre nom de famille.", "Les accents ne comptent pas."),
    "birth_date": ("Quelle est votre date de naissance ?", "Le jour, le mois, puis l'année."),
    "walk_in": ("Vous venez sans rendez-vous.", "Prenez un numéro, puis asseyez-vous."),
    "collect": (
        "Vous venez chercher un résultat ou déposer un flacon.",
        "Prenez un numéro, puis asseyez-vous.",
    ),
    "fasting": (
        "Quand avez-vous mangé ou bu pour la dernière fois ?",
        "Moins de 8 heures",
        "De 8 à 12 heures",
        "Plus de 12 heures",
        "Je ne sais pas",
        "Je préfère le dire à la personne",
    ),
    "delivery": (
        "Comment voulez-vous recevoir vos résultats ?",
        "En ligne",
        "Je viens les chercher",
        "Par courrier",
        "Par téléphone",
        "Mon médecin seulement",
        "Je ne sais pas",
        "Je préfère le dire à la personne",
    ),
    "check": ("Est-ce juste ?", "Vous pouvez changer une réponse.", "C'est juste"),
    "help": ("L'accueil est prévenu.", "Restez ici. Une personne vient vous aider."),
}


class Voice:
    """espeak-ng as a programme of its own, started without a shell on fixed words; silent where it is missing."""

    def __init__(self, folder: Path, *, program: str = "espeak-ng") -> None:
        self._folder = folder
        self._program = shutil.which(program)

    @property
    def speaks(self) -> bool:
        """Whether the programme is on this machine."""
        return self._program is not None

    def sound(self, language: str, sentences: Iterable[str]) -> Path | None:
        """The file of a text that is already in that language, made at its first hearing; None without a voice."""
        if self._program is None:
            return None
        text = "\n\n".join(sentences)
        name = hashlib.sha256(f"{PACE}/{language}/{text}".encode()).hexdigest()[:32]
        file = self._folder / f"{name}.wav"
        if not file.exists():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._make_room()
            draft = self._folder / f"{name}.{os.getpid()}.part"
            command = [self._program, "-v", VOICES[language], "-s", str(PACE), "-w", str(draft), "--stdin"]
            subprocess.run(command, input=text.encode(), check=True, capture_output=True, timeout=10)
            draft.replace(file)
        file.touch()
        return file

    def page(self, language: str, name: str) -> Path | None:
        """A page's own words; None for a page that has none."""
        sentences = PAGES.get(name)
        return None if sentences is None else self.sound(language, (say(language, one) for one in sentences))

    def _make_room(self) -> None:
        sounds = sorted(self._folder.glob("*.wav"), key=lambda file: file.stat().st_mtime)
        for oldest in sounds[: max(0, len(sounds) - KEPT + 1)]:
            oldest.unlink(missing_ok=True)
