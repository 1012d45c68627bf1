"""What holds for every test, those in the docstrings included: no file of the user is touched."""

from __future__ import annotations

import os
import site
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A few examples while one works on something; --hypothesis-profile=thorough looks for more.
settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.load_profile("quick")

_FOLDERS = {
    "HOME": "home",
    "USERPROFILE": "home",
    "APPDATA": "app-data",
    "LOCALAPPDATA": "local-app-data",
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "jupyter-config",
    "JUPYTER_DATA_DIR": "jupyter-data",
    "JUPYTER_RUNTIME_DIR": "jupyter-runtime",
    "JUPYTERLAB_SETTINGS_DIR": "jupyterlab-settings",
    "JUPYTERLAB_WORKSPACES_DIR": "jupyterlab-workspaces",
}


@pytest.fixture(scope="session", autouse=True)
def nothing_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep settings, journal, certificates and home folder of the user out of all tests.

    Programs that a test starts inherit it. A test that looks at its own files chooses others.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("XENTARA_") and not name.startswith("XENTARA_NB_"):
                patch.delenv(name)
        # Packages in the user's folder (pip install --user) are still found by programs.
        patch.setenv("PYTHONUSERBASE", site.getuserbase())
        folder = tmp_path_factory.mktemp("user")
        for variable, place in _FOLDERS.items():
            (folder / place).mkdir(exist_ok=True)
            patch.setenv(variable, str(folder / place))
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is slow, unless ``-m`` speaks of it."""
    if "slow" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
