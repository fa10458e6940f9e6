"""Money: limits, and what was spent."""

from baara_engine import errors, operations, requests
from baara_engine.agent import prices
from baara_engine.agent.prices import Price
from baara_engine.money import Limit, Scope, Usage
from baara_engine.records import Estimate
from baara_engine.store import estimates, executions, price_book, projects, spending, tasks
from baara_engine.store.store import Store
from baara_engine.store.transaction import View

DAYS = 30  #: of usage unless more are asked for
MOST_USD = 100_000  # for a million tokens: catches a price for one token, or for all
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

    def prices(self) -> dict[str, tuple[Price, bool]]:
        """Give the price of each model that has one, and whether a person has written it down."""
        own = prices.book(self.store.read(price_book.get))
        return {model: (price, False) for model, price in prices.TABLE.items()} | {
            model: (price, True) for model, price in own.items()
        }

    def set_price(self, model: str, read_usd: float, write_usd: float) -> Price:
        """Write down what a model costs, in dollars for a million tokens. Raises `errors.InvalidInput`."""
        requests.parse(requests.Edits, {"model": model})
        if not all(0 <= usd <= MOST_USD for usd in (read_usd, write_usd)):
            raise errors.InvalidInput(f"A price is from 0 to {MOST_USD} dollars for a million tokens.")
        price = Price(round(read_usd * prices.PER_MICRO), round(write_usd * prices.PER_MICRO))
        self.store.write(lambda tx: price_book.put(tx, model, (price.input, price.output)))
        return price

    def remove_price(self, model: str) -> None:
        """Take away what a person has written down. Raises `errors.NotFound`."""
        if model not in self.store.read(price_book.get):
            raise errors.NotFound(f"Nobody has written down a price of {model}.")
        self.store.write(lambda tx: price_book.put(tx, model, None))

    def estimate(self, task: str) -> Estimate | None:
        """Give what an execution of a task will likely cost and take; None before there were some.

        Raises `errors.NotFound`.
        """
        return self.store.read(lambda view: estimates.of_task(view, tasks.find(view, task).id))

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
