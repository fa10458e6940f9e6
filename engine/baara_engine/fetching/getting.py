"""Asking a host for a page: once, at the address that was looked at, within limits."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx2

from baara_engine import errors
from baara_engine.fetching.reach import Reach
from baara_engine.fetching.resolving import Address
from baara_engine.fetching.where import Place

MAX_BYTES = 5 * 1024 * 1024  # of a page as it comes: a long book is one
HEADERS = {"User-Agent": "Baara", "Accept": "text/html, text/*;q=0.9, application/json;q=0.9, */*;q=0.1"}


@dataclass(frozen=True, slots=True)
class Got:
    """What a host gave."""

    media_type: str
    charset: str
    body: bytes = b""
    elsewhere: str | None = None  #: where it sends us instead


async def get(place: Place, reach: Reach) -> Got:
    """Ask for a page, and follow nothing.

    Raises `errors.Refused` for an address that is not public, `errors.Unavailable` for a host that does not answer, and
    `errors.InvalidInput` for an answer that is no page.
    """
    try:
        async with asyncio.timeout(reach.limit_s):
            return await _ask(place, await _address(place, reach), reach)
    except TimeoutError as error:
        raise errors.Unavailable(f"{place.host} took more than {reach.limit_s:g} s. Try again later.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise errors.Unavailable(f"{place.host} gave no answer that can be used: {error or type(error)}.") from error


async def _address(place: Place, reach: Reach) -> Address:
    found = await reach.look_up(place.host, place.port)
    # One that is not public among others is how a name is made to mean this computer at the second look.
    if not found or not all(map(reach.fits, found)):
        raise errors.Refused(f"{place.host} is an address of this computer or of its own network; it is not fetched.")
    return found[0]


async def _ask(place: Place, address: Address, reach: Reach) -> Got:
    host = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - the sixth version
    # No proxy of the environment: it would look the name up once more, and elsewhere.
    async with httpx2.AsyncClient(verify=reach.trust(), trust_env=False, timeout=reach.limit_s) as client:
        request = client.build_request(
            "GET",
            httpx2.URL(f"{place.scheme}://{host}:{place.port}").copy_with(raw_path=place.target.encode()),
            headers=HEADERS | {"Host": _named(place)},
            extensions={"sni_hostname": place.host},
        )
        answer = await client.send(request, stream=True)
        try:
            return await _taken(place, answer)
        finally:
            await answer.aclose()


def _named(place: Place) -> str:
    usual = {"http": 80, "https": 443}[place.scheme]
    return place.host if place.port == usual else f"{place.host}:{place.port}"


async def _taken(place: Place, answer: httpx2.Response) -> Got:
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower() or "text/plain"
    if answer.is_redirect:
        return Got(media_type, "", elsewhere=urljoin(place.url, answer.headers["location"]))
    if not answer.is_success:
        raise errors.InvalidInput(f"{place.host} answered {answer.status_code} {answer.reason_phrase} to {place.url}.")
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > MAX_BYTES:
            raise errors.InvalidInput(f"{place.url} is larger than {MAX_BYTES // 1024**2} MiB; it is not fetched.")
    return Got(media_type, answer.charset_encoding or "utf-8", bytes(body))
