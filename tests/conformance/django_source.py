"""Django's own session tests, from its source distribution (the wheel has none).

Fetched by pip for the installed version and kept in `.cache`; nothing of it is copied into this
project.
"""

import importlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import ModuleType

import django
from django.test import modify_settings

_PACKAGE = "sessions_tests"


def session_tests() -> ModuleType:
    """Import Django's `tests/sessions_tests/tests.py` of the installed version.

    Raises subprocess.CalledProcessError when the package index cannot be reached.
    """
    folder = Path(__file__).parents[2] / ".cache" / f"django-{django.__version__}"
    if not (folder / _PACKAGE / "tests.py").exists():
        _fetch(folder)
    sys.path.insert(0, str(folder))
    try:
        # The module also tests the engines of contrib.sessions and imports their models.
        with modify_settings(INSTALLED_APPS={"append": ["django.contrib.sessions", _PACKAGE]}):
            return importlib.import_module(f"{_PACKAGE}.tests")
    finally:
        sys.path.remove(str(folder))


def _fetch(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as downloads:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary", ":all:", "--dest", downloads, f"django=={django.__version__}"]
        subprocess.run(command, check=True)
        (source,) = Path(downloads).iterdir()
        with tarfile.open(source) as archive:
            _extract(archive, folder)


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    for member in archive.getmembers():
        path = Path(member.name)
        if path.parts[1:3] == ("tests", _PACKAGE) and path.suffix == ".py":
            content = archive.extractfile(member)
            target = folder.joinpath(*path.parts[2:])
            target.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                target.write_bytes(content.read())
