"""The front `osm3s`: every command that it lists exists, and says what it does."""

from __future__ import annotations

import importlib

import pytest

from osm3s.cli import osm3s


@pytest.mark.parametrize("name", osm3s.COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(importlib.import_module(osm3s.COMMANDS[name].module).main)
    assert osm3s.main([name, "--help"]) == 0
    of_command = capsys.readouterr().out
    assert osm3s.main(["help", name]) == 0
    assert capsys.readouterr().out == of_command
    assert "\n  " in of_command


def test_the_help_lists_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert osm3s.main(["--help"]) == osm3s.main([]) == 0
    text = capsys.readouterr().out
    for name, command in osm3s.COMMANDS.items():
        assert name in text
        assert command.summary in text


def test_an_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert osm3s.main(["updaet"]) == 1
    assert capsys.readouterr().err == "osm3s: there is no command updaet: did you mean update?\n"
