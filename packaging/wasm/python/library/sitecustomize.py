"""Make asyncio work where there are no sockets: its loop has nothing to be woken by, and waits by sleeping."""

import sys


class _Finder:
    """Patches asyncio when it is first imported, which most programs never do."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "asyncio":
            return None
        sys.meta_path.remove(_Finder)
        import importlib.util

        spec = importlib.util.find_spec("asyncio")
        execute = spec.loader.exec_module

        class Loader:
            create_module = staticmethod(lambda spec: None)

            @staticmethod
            def exec_module(module):
                execute(module)
                _patch(module)

        spec.loader = Loader()
        return spec


def _patch(asyncio):
    import selectors
    import time

    class Sleeping(selectors.BaseSelector):
        def __init__(self):
            self._nothing = {}

        def register(self, fileobj, events, data=None):
            raise OSError("there are no sockets in the sandbox")

        def unregister(self, fileobj):
            raise KeyError(fileobj)

        def select(self, timeout=None):
            if timeout is None:
                raise RuntimeError("nothing is left that could happen: the program would wait for ever")
            if timeout > 0:
                time.sleep(timeout)
            return []

        def get_map(self):
            return self._nothing

    class Loop(asyncio.SelectorEventLoop):
        def __init__(self):
            super().__init__(Sleeping())

        def _make_self_pipe(self):
            self._ssock = self._csock = None

        def _close_self_pipe(self):
            pass

        def _write_to_self(self):
            pass

        def add_signal_handler(self, sig, callback, *args):
            raise NotImplementedError("there are no signals in the sandbox")

    class Policy(asyncio.DefaultEventLoopPolicy):
        _loop_factory = Loop

    asyncio.set_event_loop_policy(Policy())


sys.meta_path.insert(0, _Finder)
