"""`baara revoke`: shut out whoever has been let in."""

from baara_app import reaching
from baara_app.cli import common, output
from baara_app.cli.common import Shell
from baara_engine import words


@common.command
def revoke(shell: Shell) -> None:
    """Shut out every window, browser and program that the running engine has let in, and make its tokens anew.

    What they have open is closed at once. `baara open` lets you in again; programs read the new tokens in runtime.json.
    """
    gone = int(reaching.ask_desk(shell.home, "revoke").get("revoked", 0))
    if shell.json:
        output.document({"revoked": gone})
    else:
        what = words.count(gone, "window or browser", "windows or browsers")
        output.text(f"{what} shut out, and the tokens are new. Open it again by: baara open")
