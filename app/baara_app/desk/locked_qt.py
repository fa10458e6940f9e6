"""Keeping a window of Qt to the pages: nothing else is loaded, navigated to, or called."""

import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

WEB = frozenset({"http", "https"})  # what the system's browser is given; it asks nobody before it opens other things
INNER = frozenset({"data", "blob"})  # what pages make themselves; they cannot be gone to


def lock(qt: Any, origin: str, saved: Callable[[str], None]) -> None:
    """Lock all windows that are made from now on; say which files a person has saved from the pages.

    `qt` is pywebview's module, whose classes ask these functions instead of their own.
    """
    view = qt.BrowserView

    def may_go(_page: Any, url: Any, _kind: Any, _is_main_frame: bool) -> bool:  # noqa: FBT001 - Qt's signature
        return _is_ours(url.toString(), origin)

    def open_outside(_page: Any, url: Any, _kind: Any, _is_main_frame: bool) -> bool:  # noqa: FBT001 - Qt's signature
        """Pass it to the system's browser: the page has shown the host and asked before (`baara.js`)."""
        if url.scheme() in WEB and not _is_ours(url.toString(), origin):
            webbrowser.open(url.toString())
        return False

    def may_load(_interceptor: Any, info: Any) -> None:
        url = info.requestUrl()
        if url.scheme() not in INNER and not _is_ours(url.toString(), origin):
            info.block(True)  # noqa: FBT003 - Qt's method

    def loaded(self: Any) -> None:
        """No bridge between the pages and this process, which pywebview would make here."""
        if not self.pywebview_window.events.loaded.is_set():
            self.profile.downloadRequested.connect(lambda download: _save(download, origin, saved))
        self.pywebview_window.events.loaded.set()

    make = view.WebPage.__init__

    def made(page: Any, parent: Any = None, profile: Any = None) -> None:
        make(page, parent, profile=profile)
        popups = qt.QWebEngineSettings.WebAttribute.JavascriptCanOpenWindows  # without a click of the person's
        page.settings().setAttribute(popups, False)  # noqa: FBT003 - Qt's method

    view.WebPage.__init__ = made
    view.WebPage.acceptNavigationRequest = may_go
    view.NavigationHandler.acceptNavigationRequest = open_outside
    view.RequestInterceptor.interceptRequest = may_load
    view.on_load_finished = loaded
    view.WebPage.onFeaturePermissionRequested = lambda page, url, feature: page.setFeaturePermission(url, feature, 2)


def _save(download: Any, origin: str, saved: Callable[[str], None]) -> None:
    """Put files of the pages into the person's downloads, under a name that is free there; others nowhere."""
    if not _is_ours(download.url().toString(), origin):
        download.cancel()
        return
    download.isFinishedChanged.connect(
        lambda: saved(str(Path(download.downloadDirectory(), download.downloadFileName())))
    )
    download.accept()


def _is_ours(url: str, origin: str) -> bool:
    return url.startswith((f"{origin}/", f"{origin.replace('http', 'ws', 1)}/")) or url == origin
