"""From a question in words to its answer: reads the log, hands the rest to an explainer, reads further where needed.

Called by the API's routes, and by `paidan explain --zone` without limits.
"""

from __future__ import annotations

from msgspec.structs import replace

from services.explaining.process import Explainer
from services.explaining.questions import (
    AboutPair,
    AboutPerson,
    AboutRefusal,
    AboutRequest,
    Audience,
    ForResident,
    Further,
    History,
    Language,
    Question,
    TooLarge,
    Unknown,
)
from services.explaining.reading import TooFar, history
from services.ports import Log
from services.wire import partition_of

Said = AboutRequest | ForResident | AboutRefusal | AboutPair | AboutPerson | Unknown | TooLarge

#: Limits of one question to the API: journal records and bytes read, people times open requests, solves.
RECORDS_MAX = 60_000
BYTES_MAX = 128 << 20
PAIRS_MAX = 20_000_000
SOLVES_MAX = 80


class Explaining:
    """Answers questions about the zones of one log. `limited` False: reads and solves whatever it takes."""

    def __init__(self, log: Log, partitions: int, explainer: Explainer, *, limited: bool = True) -> None:
        self._log = log
        self._partitions = partitions
        self._explainer = explainer
        self._records_max = RECORDS_MAX if limited else None
        self._bytes_max = BYTES_MAX if limited else None
        self._pairs_max = PAIRS_MAX if limited else None

    async def ask(  # the question's own parts
        self,
        zone: str,
        *,
        request: str | None = None,
        person: str | None = None,
        language: Language = "en",
        audience: Audience = Audience.STAFF,
        limit: int = 10,
        solves_max: int = SOLVES_MAX,
    ) -> Said:
        """Return the answer. Raises TooFar, Unanswered, LogUntrusted, Stop (exit 4)."""
        partition = partition_of(zone, self._partitions)
        known = await self._history(partition, zone, None)
        question = Question(
            zone=zone,
            request=request,
            person=person,
            language=language,
            audience=audience,
            limit=limit,
            solves_max=solves_max,
            pairs_max=self._pairs_max,
            last=known.whole,
            history=known,
        )
        answer = await self._explainer.answer(question)
        while isinstance(answer, Further):
            question = await self._further(question)
            answer = await self._explainer.answer(question)
        return answer

    async def _further(self, question: Question) -> Question:
        """Return the question with the journal from an earlier snapshot on; as it is where that is too much."""
        now = question.history
        try:
            longer = await self._history(now.partition, question.zone, now.chain.next_offset)
        except TooFar:
            return replace(question, last=True)
        return replace(question, history=longer, last=longer.whole)

    async def _history(self, partition: int, zone: str, before: int | None) -> History:
        return await history(
            self._log, partition, zone, before=before, records_max=self._records_max, bytes_max=self._bytes_max
        )
