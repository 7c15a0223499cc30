"""The walk of two patients through a running demonstration laboratory, each step checked as a person would."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from pyotp import TOTP

from kiosk.register import clock
from printers.verify import read_symbols
from results.upkeep.browsing import Page, Visitor
from results.upkeep.laboratory import MARKED_VALUE
from results.upkeep.reading import read_digits

#: Exams of the two patients: a confidential one with an ordinary one, and an ordinary one alone.
BOOKED_EXAMS = ("1104", "7402")
WALK_IN_EXAMS = ("0552",)
PIN = "7305"
DESK_PIN = "739184"
#: Paper comes out within so many seconds, or a person must look.
PAPER = 20.0
STEP = 30
OK = 200


class NotAsPromised(Exception):  # noqa: N818  # an answer for the person who rehearses
    """A step did not hold; the words say which expectation failed."""


def expect(holds: object, words: str) -> None:
    """Go on only if this holds.

    Raises:
        NotAsPromised: with the words.
    """
    if not holds:
        raise NotAsPromised(words)


def words_of(page: Page) -> str:
    """What a refused page says, without what stands around every page."""
    return page.text.split("Nouvel essai dans un instant.")[-1].split("Ce n'est pas fait")[0].strip()[:200]


class Journey:
    """Two patients, four people of the laboratory, and what each of them has in hand."""

    def __init__(self, instance: Path, public: str, staff: str, kept: dict[str, Any], results: Path | None) -> None:
        self.instance, self.results = instance, results
        self.people = {one["login"]: one for one in kept["people"]}
        self.passphrase: str = kept["passphrase"]
        self.convocations: list[dict[str, str]] = kept["convocations"]
        self.kiosk = Visitor(public)
        self.desk = {login: Visitor(staff) for login in ("sophie", "karim", "lenoir")}
        self.used_steps: dict[str, int] = {}
        self.papers = set(self._paper("*"))
        self.booked = self.walk_in = 0
        self.visits: dict[int, str] = {}
        self.samples: dict[int, list[str]] = {}
        self.parked: list[str] = []
        self.handle = ""
        self.codes: list[str] = []
        self.used_line = 0
        self.ready: Page

    def steps(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Every step in order: its name, and what walks it and says what was seen."""
        yield "Borne : un patient scanne sa convocation", self.booked_arrives
        yield "Borne : un patient vient sans rendez-vous", self.walk_in_arrives
        yield "Tickets imprimés", self.tickets_come_out
        yield "Guichet : le poste est jumelé par la responsable", self.pc_is_paired
        yield "Guichet : la secrétaire entre avec ses deux preuves", lambda: self.sign_in("sophie", "Guichet 1")
        yield "Guichet : verrouillé, puis de retour avec six chiffres", self.locked_and_back
        yield "Guichet : appel, reconnaissance, ordonnance du patient attendu", self.booked_at_the_counter
        yield "Étiquettes du patient attendu, relues sur le papier", lambda: self.labels_come_out(self.booked)
        yield "Téléphone choisi, code personnel tapé, talon lu sur le papier", self.slip_comes_out
        yield "Guichet : le patient sans rendez-vous, nouveau dossier", self.walk_in_at_the_counter
        yield "Étiquettes du patient sans rendez-vous", lambda: self.labels_come_out(self.walk_in)
        yield "Prélèvement : le tube d'un autre patient est arrêté", self.wrong_tube_is_stopped
        yield "Prélèvement : chaque tube est scanné", self.tubes_are_drawn
        yield "Résultats reçus, scellés, rattachés", self.results_arrive
        yield "Biologiste : clés ouvertes, compte rendu lu et signé", self.biologist_signs
        yield "Heure promise", self.promised_hour_comes
        yield "Téléphone : résultat dit contre le code du talon", self.result_is_told
        yield "Téléphone : le même code une seconde fois est refusé", self.same_code_is_refused
        yield "Journaux intacts", self.journals_are_sound

    def booked_arrives(self) -> str:
        """The convocation's code gives a number, and tells nothing else."""
        page = self.kiosk.open("/code")
        page = self.kiosk.submit(page, "/code", code=self.convocations[0]["code"])
        self.booked = self._number_on(page)
        expect(self.convocations[0]["name"].split()[-1] not in page.source, "la borne montre un nom")
        self._answer(page)
        return f"numéro {self.booked}"

    def walk_in_arrives(self) -> str:
        """One tap gives a number."""
        page = self.kiosk.submit(self.kiosk.open("/come/walk_in"), "/come/walk_in")
        self.walk_in = self._number_on(page)
        self._answer(page)
        expect(self.walk_in == self.booked + 1, "les numéros ne se suivent pas")
        return f"numéro {self.walk_in}"

    def tickets_come_out(self) -> str:
        """Two tickets are on the paper, without a name."""
        papers = self._new_papers("tickets-*.png", 2)
        return f"{len(papers)} tickets"

    def pc_is_paired(self) -> str:
        """Somebody who may pair it sits at the counter's PC, gives six digits more, and leaves."""
        pc = self.desk["sophie"]
        self.sign_in("roux", "Guichet 1", at=pc)
        page = pc.submit(pc.open("/postes"), "/preuve", digits=self._digits("roux"))
        page = pc.submit(page, "/postes", name="accueil", desk="Guichet 1")
        expect("Ce poste est jumelé" in page.text, f"le poste n'est pas jumelé : {words_of(page)}")
        pc.submit(page, "/sortir")
        return "accueil, Guichet 1"

    def locked_and_back(self) -> str:
        """A desk PIN of her own brings the secretary back; another one does not."""
        sophie = self.desk["sophie"]
        page = sophie.submit(sophie.open("/mon-acces"), "/code", desk_pin=DESK_PIN, desk_pin_again=DESK_PIN)
        expect("Votre code de poste est choisi" in page.text, f"le code n'est pas pris : {words_of(page)}")
        sophie.submit(page, "/sortir", to="/verrouiller")
        page = sophie.open("/entrer")
        expect("Poste verrouillé" in page.text, "le poste n'est pas verrouillé")
        page = sophie.submit(page, "/revenir", desk_pin="608352")
        expect(page.status != OK, "un autre code ouvre le poste")
        page = sophie.submit(page, "/revenir", desk_pin=DESK_PIN)
        expect(page.status == OK and self.people["sophie"]["name"] in page.text, "le code ne ramène pas")
        return "de retour"

    def sign_in(self, login: str, desk: str, *, at: Visitor | None = None) -> str:
        """Password and six digits; a step of the second factor is never used twice."""
        visitor, person = at or self.desk[login], self.people[login]
        page = visitor.submit(
            visitor.open("/entrer"), "/entrer", login=login, password=person["password"], digits=self._digits(login),
            desk=desk,
        )  # fmt: skip
        expect(person["name"] in page.text, f"{login} n'entre pas")
        return str(person["name"])

    def booked_at_the_counter(self) -> str:
        """The next calls are made until ours; the file is found, the document noted, the prescription entered."""
        sophie = self.desk["sophie"]
        self._call(self.booked)
        visit = self.visits[self.booked]
        name = self.convocations[0]["name"].split()[-1]
        page = sophie.open(f"/passage/{visit}")
        if not any("/chercher" in form.action for form in page.forms):
            raise NotAsPromised("la recherche d'un dossier manque")
        found = sophie.submit(page, "/chercher", typed=name)
        page = sophie.open(found.link("/personne/"))
        page = sophie.submit(page, page.address.split("/personne/")[1], document="identity_card")
        expect(name.upper() in page.text, "le patient n'est pas reconnu")
        self._prescribe(visit, BOOKED_EXAMS)
        return f"numéro {self.booked}, {len(BOOKED_EXAMS)} examens"

    def walk_in_at_the_counter(self) -> str:
        """A person whom the laboratory does not know gets a file."""
        sophie = self.desk["sophie"]
        self._call(self.walk_in)
        visit = self.visits[self.walk_in]
        page = sophie.open(f"/passage/{visit}/nouveau")
        page = sophie.submit(
            page, "/nouveau", birth_name="Répétition", given_names="Zoé", birth_date="17/06/1981", sex="F",
            birth_place="75056", used_name="", document="passport",
        )  # fmt: skip
        expect("RÉPÉTITION" in page.text, "le dossier n'est pas créé")
        self._prescribe(visit, WALK_IN_EXAMS)
        return f"numéro {self.walk_in}"

    def labels_come_out(self, number: int) -> str:
        """Every label is on the paper, and its bars say the number that the screen shows."""
        visit, sophie = self.visits[number], self.desk["sophie"]
        page = sophie.submit(sophie.open(f"/passage/{visit}/etiquettes"), "/etiquettes")
        expect(page.status == OK, f"les étiquettes ne partent pas : {words_of(page)}")
        papers = self._new_papers("labels-*.png", self._count_of(page))
        read = [symbol for paper in papers for symbol in read_symbols(Image.open(paper))]
        shown = sophie.open(f"/passage/{visit}/etiquettes").text.replace(" ", "")
        expect(read and all(symbol in shown for symbol in read), "une étiquette porte un autre numéro que l'écran")
        self.samples[number] = sorted(read)
        return f"{len(read)} étiquettes décodées"

    def slip_comes_out(self) -> str:
        """The patient wants the telephone: document, PIN of her own, slip; its digits are read off the paper."""
        visit, sophie = self.visits[self.booked], self.desk["sophie"]
        page = sophie.open(f"/passage/{visit}/resultats")
        page = sophie.submit(page, "/resultats", preference="phone", wants_phone="yes", document="identity_card")
        page = sophie.submit(page, "/code-personnel", pin=PIN)
        paper = self._new_papers("slips-*.png", 1)[0]
        lines = ["".join(c for c in line if c.isdigit()) for line in read_digits(Image.open(paper))]
        self.handle = next((line for line in lines if len(line) == 7), "")
        self.codes = [line[1:] for line in lines if len(line) == 17]
        expect(self.handle and len(self.codes) == 4, "le talon ne porte pas une référence et quatre codes")
        self._send(self.booked)
        return f"référence et {len(self.codes)} codes lus"

    def wrong_tube_is_stopped(self) -> str:
        """Another patient's tube stops the draw, loudly, and is not recorded as drawn."""
        self._send(self.walk_in)
        self.sign_in("karim", "Salle 1")
        karim = self.desk["karim"]
        here, page = self._in_room()
        other = self.walk_in if here == self.booked else self.booked
        page = karim.submit(page, "/tube", scanned=self.samples[other][0])
        expect("Ce tube est à un autre patient. Arrêtez." in page.text, "le tube d'un autre patient n'est pas arrêté")
        karim.submit(page, "/arret")
        return "arrêté"

    def tubes_are_drawn(self) -> str:
        """Each tube of each patient is scanned; the end of the draw is noted."""
        karim, count = self.desk["karim"], 0
        for _ in (self.booked, self.walk_in):
            number, page = self._in_room()
            for sample in self.samples[number]:
                page = karim.submit(page, "/tube", scanned=sample)
                count += 1
            page = karim.submit(page, "/prelevement/" + self.visits[number] + "/fin")
            expect(page.status == OK, f"le prélèvement du numéro {number} ne se termine pas")
        return f"{count} tubes"

    def results_arrive(self) -> str:
        """The laboratory system answers; every message read is counted, ours is filed."""
        told = self._etiquette("results", "receive", str(self.results), "--json") if self.results else ""
        answered = self._etiquette("demo", "lis")
        expect(": 0 rattachées" not in answered, f"aucune réponse n'est rattachée : {answered}")
        return (told + " " + answered).strip()

    def biologist_signs(self) -> str:
        """The keys are opened for the sitting; both reports are read, then signed."""
        self.sign_in("lenoir", "Guichet 2")
        lenoir = self.desk["lenoir"]
        page = lenoir.open("/signature/cles")
        page = lenoir.submit(page, "/signature/cles", passphrase=self.passphrase, digits=self._digits("lenoir"))
        expect(page.status == OK, f"les clés ne s'ouvrent pas : {words_of(page)}")
        signed = 0
        page = lenoir.open("/signature")
        while any(form.action.endswith("/ouvrir") for form in page.forms):
            page = lenoir.submit(page, "/ouvrir")
            page = lenoir.submit(page, "/signer", whole="yes")
            expect(page.status == OK, f"le compte rendu n'est pas signé : {words_of(page)}")
            signed += 1
            page = lenoir.open("/signature")
        expect(signed >= 2, f"{signed} comptes rendus à signer au lieu de 2")
        return f"{signed} signés"

    def promised_hour_comes(self) -> str:
        """Nothing is told before the hour: until then the desk answers the one refusal."""
        for _ in range(45):
            page = self._ring()
            if any(form.action.endswith("/code") for form in page.forms):
                self.ready = page
                return "prêt"
            time.sleep(3)
        raise NotAsPromised("l'heure promise est passée et rien n'est prêt")

    def result_is_told(self) -> str:
        """Handle, line, code, PIN and birth date: the result is on the page, once."""
        self.used_line = int(self.ready.form("/code").fields["line"])
        page = self._say_code(self.ready, self.used_line)
        expect(MARKED_VALUE in page.text, "le résultat n'est pas dit")
        return "dit une fois"

    def same_code_is_refused(self) -> str:
        """A line that was used opens nothing; the words are those of every refusal."""
        page = self._say_code(self._ring(), self.used_line)
        expect(MARKED_VALUE not in page.source, "un code a servi deux fois")
        expect("Je dis cette phrase à tout le monde" in page.text, "le refus n'est pas celui de tout le monde")
        return "refusé"

    def journals_are_sound(self) -> str:
        """Both journals hash to their heads."""
        self._bring_back()
        return self._etiquette("journal", "verify").replace("\n", " ")

    def _digits(self, login: str) -> str:
        """The six digits of a step that this person has not used yet; the replay rule is waited for, not weakened."""
        totp = TOTP(self.people[login]["seed"])
        while True:
            at = clock.now().timestamp()
            # The step before is still taken; near its end it may be too old when it arrives.
            first = int(at) // STEP - (1 if at % STEP < STEP - 5 else 0)
            step = max(first, self.used_steps.get(login, 0) + 1)
            if step <= int(at) // STEP + 1:
                self.used_steps[login] = step
                return totp.at(step * STEP)
            time.sleep(STEP - at % STEP + 0.2)

    def _number_on(self, page: Page) -> int:
        expect(page.status == OK and "/number/" in page.address, f"la borne ne donne pas de numéro : {page.text[:200]}")
        words = page.text.split("Votre numéro :", 1)
        expect(len(words) == 2, "la borne ne montre pas de numéro")
        return int(words[1].split()[0])

    def _answer(self, page: Page) -> None:
        """Both questions are answered and read again; the ticket comes out after them."""
        for said in ("over_12", "phone"):
            page = self.kiosk.submit(page, "/questions", answer=said)
            expect(page.status == OK, "la borne ne prend pas une réponse")
        page = self.kiosk.submit(page, urlsplit(page.address).path.removesuffix("/questions"))
        expect("/questions" not in page.address and "Votre numéro :" in page.text, "la borne ne finit pas")

    def _call(self, number: int) -> None:
        """Call the next until it is ours; whoever comes before is put aside, and brought back before the next call."""
        sophie = self.desk["sophie"]
        self._bring_back()
        for _ in range(60):
            page = sophie.submit(sophie.open("/file"), "/file/appeler")
            expect(page.status == OK, f"l'appel ne passe pas : {words_of(page)}")
            if f"Le numéro {number} est appelé" in page.text:
                visit = next(f.action.split("/")[2] for f in page.forms if f.action.endswith("/rappeler"))
                self.visits[number] = visit
                return
            other = next(f.action for f in page.forms if f.action.endswith("/de-cote"))
            self.parked.append(other.split("/")[2])
            sophie.submit(page, other)
        raise NotAsPromised(f"le numéro {number} n'est jamais appelé")

    def _bring_back(self) -> None:
        sophie = self.desk["sophie"]
        while self.parked:
            sophie.submit(sophie.open("/file"), f"/file/{self.parked.pop()}/de-retour")

    def _prescribe(self, visit: str, exams: tuple[str, ...]) -> None:
        sophie = self.desk["sophie"]
        page = sophie.open(f"/passage/{visit}/ordonnance")
        page = sophie.submit(page, "/ordonnance", exam=list(exams), prescriber="Dr Petit", prescribed_on="")
        expect(page.status == OK and all(code in page.text for code in exams), "l'ordonnance n'est pas enregistrée")

    def _send(self, number: int) -> None:
        visit, sophie = self.visits[number], self.desk["sophie"]
        page = sophie.open(f"/passage/{visit}/resultats")
        if not any(form.action.endswith("/suite") for form in page.forms):
            page = sophie.submit(page, "/resultats", preference="pickup", wants_phone="no")
        # A slip opens nothing, and nobody leaves the counter with it, before its print is confirmed.
        end = time.monotonic() + PAPER
        sent = sophie.submit(page, "/suite")
        while sent.status != OK and time.monotonic() < end:
            time.sleep(0.5)
            sent = sophie.submit(page, "/suite")
        expect(sent.status == OK, f"le numéro {number} n'est pas envoyé au prélèvement : {words_of(sent)}")

    def _in_room(self) -> tuple[int, Page]:
        """Whoever is before the sampler, called when nobody is, once the identity is said."""
        karim = self.desk["karim"]
        page = karim.open("/prelevement")
        if not any(visit in form.action for form in page.forms for visit in self.visits.values()):
            page = karim.submit(page, "/prelevement/appeler")
        if any(form.action.endswith("/identite") for form in page.forms):
            page = karim.submit(page, "/identite", proof="said")
        for number, visit in self.visits.items():
            if any(visit in form.action for form in page.forms):
                return number, page
        raise NotAsPromised(f"aucun des deux patients n'est en salle : {words_of(page)}")

    def _ring(self) -> Page:
        sophie = self.desk["sophie"]
        page = sophie.open("/telephone")
        if any(form.action.endswith("/preuve") for form in page.forms):
            page = sophie.submit(page, "/preuve", desk_pin=DESK_PIN)
        return sophie.submit(page, "/reference", handle_digits=self.handle)

    def _say_code(self, page: Page, line: int) -> Page:
        birth = self.convocations[0]["born"]
        return self.desk["sophie"].submit(page, "/code", code=self.codes[line - 1], pin=PIN, birth_digits=birth)

    def _paper(self, pattern: str) -> list[Path]:
        return sorted((self.instance / "paper").glob(pattern))

    def _new_papers(self, pattern: str, count: int) -> list[Path]:
        """Wait for so many papers that were not there before."""
        end = time.monotonic() + PAPER
        while time.monotonic() < end:
            new = [paper for paper in self._paper(pattern) if paper not in self.papers]
            if len(new) >= count:
                self.papers |= set(new)
                return new
            time.sleep(0.1)
        raise NotAsPromised(f"le papier n'est pas sorti ({pattern})")

    @staticmethod
    def _count_of(page: Page) -> int:
        return page.source.count(".png")

    def _etiquette(self, *words: str) -> str:
        """Run the command beside the laboratory, as a person would in a second terminal."""
        command = [sys.executable, "-m", "results.cli", "--instance", str(self.instance), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        expect(done.returncode == 0, f"etiquette {' '.join(words)} : {(done.stdout + done.stderr)[-300:]}")
        return done.stdout.strip()
