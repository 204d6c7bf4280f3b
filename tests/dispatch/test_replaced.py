"""Another database in the place of the one that a dispatcher serves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from osm3s.update.update_files import update_files

from .conftest import PATIENCE_S, PROJECT, Site

CHANGE = "<osm version='0.6'><node id='1' lat='1' lon='{}' version='{}' timestamp='2020-01-01T00:00:00Z'/></osm>"


def test_another_directory_in_its_place(site: Site) -> None:
    """It has taken the socket with it: nobody would find this dispatcher any more."""
    dispatcher = site.start()
    os.rename(site.db_dir, site.db_dir + ".old")
    os.mkdir(site.db_dir)
    assert dispatcher.popen.wait(PATIENCE_S) == 2
    assert dispatcher.popen.stderr is not None
    why = f"{site.db_dir}: another directory has been put in its place: this dispatcher ends; start it again"
    assert why in dispatcher.popen.stderr.read()
    assert [line for line in site.log() if why in line]
    site.start()  # the new one
    assert site.run("--terminate").returncode == 0


def test_another_database_in_the_same_directory(site: Site, tmp_path: Path) -> None:
    """Its version is smaller; that is no commit that went wrong."""
    file = tmp_path / "change.osm"
    for number in range(1, 5):
        file.write_text(CHANGE.format(number, number))
        update_files(site.db_dir, [str(file)], None, f"t{number}", None)
        if number == 1:
            shutil.copytree(site.db_dir, tmp_path / "earlier")
    real = [sys.executable, "-m", "osm3s.cli.dispatcher", "--osm-base", "--daemon", f"--db-dir={site.db_dir}"]
    assert subprocess.run(real, cwd=PROJECT, check=False, timeout=PATIENCE_S).returncode == 0
    for path in (tmp_path / "earlier").iterdir():
        os.rename(path, Path(site.db_dir, path.name))
    file.write_text(CHANGE.format(9, 9))
    update_files(site.db_dir, [str(file)], None, "t9", None)
    site.logged("The database has been replaced: version ")
    update_files(site.db_dir, [str(file)], None, "t10", None)
    assert sum("The database has been replaced" in line for line in site.log()) == 1
    assert not [line for line in site.log() if "rollback" in line or "failed" in line]
    assert site.run("--terminate").returncode == 0
