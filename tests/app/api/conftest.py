"""A Baara whose agent does what its prompt says, spoken to as a program does."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from tests.ui.conftest import House

from baara_app import reaching

LONG_S = 60.0


@dataclass
class Answer:
    """What came back."""

    status: int
    said: Any

    @property
    def code(self) -> str:
        return str(self.said["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.said["error"]["message"])


class Client:
    """Asks things of the interface."""

    def __init__(self, house: House) -> None:
        self.house = house

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {reaching.running(self.house.home).token}"}
        given |= {} if data is None else {"Content-Type": "application/json"}
        url = f"{self.house.url}/api/v1{path}"
        asked = urllib.request.Request(url, data, given | dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(asked, timeout=LONG_S) as answer:
                text = answer.read()
                return Answer(answer.status, json.loads(text) if text else None)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.loads(error.read()))

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.said

    def do(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status in {200, 201}, answer
        return answer.said

    def submit(self, prompt: str, **said: Any) -> Any:
        """Submit something, and give it as soon as it has ended."""
        made = self.do("POST", "/executions", {"prompt": prompt, **said})
        return self.get(f"/executions/{made['id']}?wait=60")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Give a program that speaks to a Baara of this module's own."""
    house = House(tmp_path_factory.mktemp("api") / "home")
    house.start()
    yield Client(house)
    house.stop()
