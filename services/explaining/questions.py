"""What is asked about a live zone and what is answered: values that cross a pipe as JSON and MessagePack.

Made by the API and by `paidan explain`, read by `answering`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from matcher.explaining.answers import Bound, ForPerson, LookedIn, OpenPlaces, Pair, Unfilled
from matcher.reasons import AnyRefusal
from services.reading import Chain

Language = Literal["en", "zh"]


class Audience(StrEnum):
    """Who will read it: staff see people's ids, whoever asked for the visit sees nobody's."""

    STAFF = "staff"
    RESIDENT = "resident"


class History(msgspec.Struct, frozen=True, kw_only=True):
    """One partition's journal from a snapshot (or from its beginning) to its end, for one zone."""

    partition: int
    #: Where the records begin, in the chain's own words.
    chain: Chain
    #: The zone there; None: it did not exist yet, or nothing was before.
    state: bytes | None
    #: (offset, value), every offset from `chain.next_offset` on
    records: list[tuple[int, bytes]]
    #: Nothing stands before.
    whole: bool


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """About a request, a person, or the two together. `last`: there will be no longer history."""

    zone: str
    request: str | None = None
    person: str | None = None
    language: Language = "en"
    audience: Audience = Audience.STAFF
    limit: int = 10
    solves_max: int = 80
    pairs_max: int | None = None
    last: bool = True
    history: History


class AsOf(msgspec.Struct, frozen=True, kw_only=True):
    """Every entry of the journal's partition before this offset is in the answer."""

    partition: int
    offset: int


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """The matching run from which the answer is: what was decided then, by the state of then.

    `same_plan`: the problem, posed again from the journal, was solved to the very offers that are in the log. Where it
    is false (the run was answered greedily, say), the reasons are those of the optimal plan of that moment.
    """

    offset: int
    beat: int
    at: datetime
    engine: str
    optimal: bool
    gap: int
    same_plan: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every answer carries. `sentences`: the same in words."""

    as_of: AsOf
    zone: str
    sentences: list[str]


class AboutRequest(Answer, frozen=True, kw_only=True, tag="request"):
    """Who was chosen and why, and why places stay open. `decided` None: as a beat would find it now."""

    request: str
    state: str
    decided: Decided | None
    #: who is asked, or is to come, at `as_of`
    visits: list[Bound]
    pairs: list[Pair]
    unfilled: list[Unfilled]
    #: requirement -> who could come if they were not bound elsewhere
    bound_elsewhere: dict[str, list[Bound]]
    #: in which area people are looked for, where that is not the whole zone from the start
    looked_in: list[LookedIn] = []


class ForResident(Answer, frozen=True, kw_only=True, tag="resident"):
    """The same request for whoever asked for it: no id of a person, none of another request."""

    request: str
    state: str
    decided: Decided | None
    coming: int
    asked: int
    open_places: list[OpenPlaces]


class AboutPair(Answer, frozen=True, kw_only=True, tag="pair"):
    """One person and every requirement of one request."""

    request: str
    person: str
    decided: Decided | None
    pairs: list[Pair]


class AboutPerson(Answer, frozen=True, kw_only=True, tag="person"):
    """What a person is bound to, and which open requests fit best, as a beat would find it now."""

    person: str
    visits: list[Bound]
    fitting: ForPerson


class AboutRefusal(Answer, frozen=True, kw_only=True, tag="refused"):
    """A request that the zone never took in: the command was refused, at this journal offset and for this reason."""

    request: str
    offset: int
    at: datetime
    reason: AnyRefusal


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="unknown"):
    """The zone, request or person is not there. `thing`: which of them."""

    thing: str
    value: str


class Further(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="further"):
    """What decided it stands further back than was read."""


class TooLarge(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="too_large"):
    """More pairs of people and open requests than may be solved here."""

    pairs: int
    pairs_max: int


AnyAnswer = AboutRequest | ForResident | AboutRefusal | AboutPair | AboutPerson | Unknown | Further | TooLarge

questions = msgspec.msgpack.Decoder(Question)
answers: msgspec.json.Decoder[AnyAnswer] = msgspec.json.Decoder(AnyAnswer)
