"""What other processes of this person may ask for, behind the guard: to show itself, to quit, to shut everybody out."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from baara_app import access, browsing, handshake
from baara_app.desk import desk
from baara_engine import errors

HOW = {"finish": True, "pause": False, "ask": None}  #: `how` of quitting


def add(app: FastAPI, asked: desk.Desk, opened: access.Access) -> None:
    """Add the one address."""

    async def answer(request: Request) -> JSONResponse:
        if request.state.visitor.role != "api":  # a page has buttons for all of it
            return _refused(403, "forbidden", "That is for the commands of this program.")
        try:
            return JSONResponse(_done(asked, opened, dict(request.query_params)))
        except errors.InvalidInput as error:
            return _refused(400, "bad_request", error.message)
        except errors.BaaraError as error:
            return _refused(409, "refused", error.message)

    app.add_api_route(handshake.DESK, answer, methods=["POST"], include_in_schema=False)


def _done(asked: desk.Desk, opened: access.Access, wanted: dict[str, str]) -> dict[str, Any]:
    match wanted:
        case {"do": "show"}:
            token = wanted.get("token", "")
            if not browsing.is_activation(token):
                raise errors.InvalidInput(f"An activation token has at most {browsing.MAX_TOKEN} printable characters.")
            return {"by": asked.show(wanted.get("to"), token)}
        case {"do": "quit", "how": how} if how in HOW:
            asked.quit(finish=HOW[how])
            return {"quits": "when what is at work has ended" if HOW[how] else "now"}
        case {"do": "revoke"}:
            gone = opened.revoke_all()
            if asked.window.is_there:
                asked.show(None)
            return {"revoked": gone}
    raise errors.InvalidInput("Say what to do: show, revoke, or quit with how: finish, pause or ask.")


def _refused(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
