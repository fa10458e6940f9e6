"""Money: limits, and what was spent."""

from baara_engine import errors, operations
from baara_engine.money import Limit, Scope, Usage
from baara_engine.store import executions, projects, spending, tasks
from baara_engine.store.store import Store
from baara_engine.store.transaction import View

DAYS = 30  #: of usage unless more are asked for
MS_PER_DAY = 24 * 3600 * 1000


class Money(operations.Place):
    """The operations on money."""

    store: Store

    def limits(self) -> list[Limit]:
        """Give the limits of days, tasks and projects."""
        return self.store.read(spending.limits)

    def set_limit(self, scope: Scope, name: str, microusd: int, *, by: str) -> Limit:
        """Say how much may be spent; what waits for it goes on if that is enough. Raises `errors.NotFound`."""
        key = self.store.read(lambda view: _key(view, scope, name))
        wanted = Limit(scope, key, microusd)
        return self.store.write(lambda tx: operations.limit(tx, wanted, by))

    def remove_limit(self, scope: Scope, name: str) -> None:
        """Take a limit away. Raises `errors.NotFound` if there is none."""
        key = self.store.read(lambda view: _key(view, scope, name))
        if not self.store.write(lambda tx: operations.unlimit(tx, scope, key)):
            raise errors.NotFound(f"There is no limit for {scope} {name}".rstrip() + ".")

    def usage(self, by: str = "day", days: int = DAYS) -> list[Usage]:
        """Add up what was spent in so many days, by `day`, `task`, `project` or `model`."""
        if by not in spending.BY:
            raise errors.InvalidInput(f"Usage is told by one of: {', '.join(spending.BY)}.")
        since = self.store.clock.now() - days * MS_PER_DAY
        return self.store.read(lambda view: spending.usage(view, by, since))


def _key(view: View, scope: Scope, name: str) -> str:
    match scope:
        case Scope.DAY:
            if name:
                raise errors.InvalidInput("The limit of a day is for everything; it has no name.")
            return ""
        case Scope.TASK:
            return tasks.find(view, name).id
        case Scope.PROJECT:
            return projects.find(view, name).id
        case Scope.EXECUTION:
            return executions.find(view, name).id
