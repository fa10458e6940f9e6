"""Operations of the engine that belong together, a file for each group. `engine.Engine` inherits all of them."""

from baara_engine.engine_parts.families import Families
from baara_engine.engine_parts.fetching import Fetching
from baara_engine.engine_parts.inbox import Inbox
from baara_engine.engine_parts.looking import Looking
from baara_engine.engine_parts.mcp import McpServers
from baara_engine.engine_parts.pausing import Pausing
from baara_engine.engine_parts.projects import Projects
from baara_engine.engine_parts.settings import Setting
from baara_engine.engine_parts.skills import Skills
from baara_engine.engine_parts.speaking import Speaking
from baara_engine.engine_parts.telling import Telling
from baara_engine.engine_parts.templates import Templates

__all__ = [
    "Families",
    "Fetching",
    "Inbox",
    "Looking",
    "McpServers",
    "Pausing",
    "Projects",
    "Setting",
    "Skills",
    "Speaking",
    "Telling",
    "Templates",
]
