"""GET routes that explain: one request, one person for it, what fits a person. Read from the log, not from the board.

Staff see people's ids; whoever asked for a visit sees the reason and what would help, and nobody's name (`identity`).
Registered by `app.create`, before the lookups: their paths end in an id that may hold slashes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.api import context, identity
from services.api.answers import Trouble, reply
from services.explaining.asking import Explaining, Said
from services.explaining.process import Unanswered
from services.explaining.questions import Audience, TooLarge, Unknown
from services.explaining.reading import TooFar
from services.names import NAME

routes = APIRouter(prefix="/zones/{zone}")
Lang = Literal["en", "zh"]
Limit = Annotated[int, Query(ge=1, le=100)]
_OFFLINE = f"Ask `{NAME} explain --zone` on the log instead."
_UNANSWERED = {
    "busy": "Too many explanations are being worked out. Try again in a moment.",
    "too_slow": f"The explanation took too long. {_OFFLINE}",
    "failed": f"The explanation could not be worked out. {_OFFLINE}",
}


@routes.get("/requests/{key:path}/explanation")
async def request_explained(request: Request, zone: str, key: str, lang: Lang = "en") -> Response:
    """Who was chosen for a request and why, or why its places stay open and what would help."""
    audience = identity.audience(request)
    return await _told(request, zone, key=key, lang=lang, audience=audience)


@routes.get("/requests/{key:path}/pairs/{person:path}")
async def pair_explained(request: Request, zone: str, key: str, person: str, lang: Lang = "en") -> Response:
    """Why this person for this request, or why not, and what forcing it would cost. For staff."""
    identity.staff_only(request)
    return await _told(request, zone, key=key, person=person, lang=lang)


@routes.get("/people/{person:path}/fitting")
async def fitting(request: Request, zone: str, person: str, lang: Lang = "en", limit: Limit = 10) -> Response:
    """What a person is bound to, which open requests fit them best, and why nothing was offered. For staff."""
    identity.staff_only(request)
    return await _told(request, zone, person=person, lang=lang, limit=limit)


async def _told(
    request: Request,
    zone: str,
    *,
    key: str | None = None,
    person: str | None = None,
    lang: Lang = "en",
    audience: Audience = Audience.STAFF,
    limit: int = 10,
) -> Response:
    its = _explaining(request)
    try:
        said = await its.ask(zone, request=key, person=person, language=lang, audience=audience, limit=limit)
    except TooFar:
        raise Trouble(413, "too_far", f"The journal since the last snapshot is too long to read. {_OFFLINE}") from None
    except Unanswered as none:
        problem = Trouble(503, none.code, _UNANSWERED[none.code])
        problem.headers["Retry-After"] = "5"
        raise problem from None
    return reply({"explanation": _found(said)})


def _found(said: Said) -> Said:
    if isinstance(said, Unknown):
        raise Trouble(404, "not_found", f"The {said.thing} ({said.value}) is not in the journal.")
    if isinstance(said, TooLarge):
        message = f"({said.pairs}) pairs of people and open requests are more than ({said.pairs_max}). {_OFFLINE}"
        raise Trouble(413, "too_large", message)
    return said


def _explaining(request: Request) -> Explaining:
    its = context.of(request).explaining
    if its is None:
        raise Trouble(503, "no_explanations", "This process explains nothing.")
    return its
