"""How a person says where an MCP server is. Secrets are named here, never told: their values are in the keyring."""

from typing import Annotated, Self

import pydantic

from baara_engine import addresses

MAX_ARGS = 64  # arguments of a command: more is a mistake

ServerName = Annotated[str, pydantic.Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")]
#: short, so that room is left for a tool's own name, and without underscores, which stand between the two
Word = Annotated[str, pydantic.Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")]
Header = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]
Variable = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,100}$")]
SecretName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]


class Server(pydantic.BaseModel):
    """One server: a command that speaks on its standard streams, or an address that speaks Streamable HTTP."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    name: ServerName
    command: Word | None = None
    args: Annotated[tuple[Word, ...], pydantic.Field(max_length=MAX_ARGS)] = ()
    env: dict[Variable, SecretName] = pydantic.Field(default_factory=dict)  #: variable → name of the secret
    url: Word | None = None
    headers: dict[Header, SecretName] = pydantic.Field(default_factory=dict)  #: header → name of the secret

    @pydantic.model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("give either a command or a url")
        if self.url is not None:
            addresses.require_fit(self.url)
        if (self.url is not None and (self.args or self.env)) or (self.command is not None and self.headers):
            raise ValueError("args and env go with a command, headers with a url")
        return self
