"""The docker sandbox on a real engine; scripts/docker-engine.sh starts one."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.engine.sandboxes.conftest import Places

from baara_engine.sandboxes import MIB, Limits
from baara_engine.sandboxes.docker import DockerSandbox, DockerSession

SMALL = Limits(
    wall_s=60, memory_bytes=200 * MIB, processes=60, open_files=64, file_bytes=30 * MIB, workspace_bytes=50 * MIB
)


@pytest.fixture
async def docker() -> AsyncIterator[DockerSandbox]:
    """Give the sandbox, on the engine that DOCKER_HOST names."""
    made = DockerSandbox(grace_s=1.0)
    problem = await made.missing(Limits())
    if problem is not None:
        pytest.skip(f"needs a Docker engine ({problem})" if "DOCKER_HOST" not in os.environ else problem)
    yield made
    await made.close()


@pytest.fixture
async def session(docker: DockerSandbox, places: Places) -> AsyncIterator[DockerSession]:
    """Open a session with little of everything."""
    opened = await docker.open(places.workspace, places.private, SMALL)
    yield opened
    await opened.close()


@pytest.fixture
def workspace(places: Places) -> Path:
    """Give the folder that the session works in."""
    return places.workspace
