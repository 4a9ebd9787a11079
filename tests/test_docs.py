"""What the README shows is run, and gives what it shows; `...` stands for what differs from run to run."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

from conftest import ROOT
from test_layers import ORDER

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def steps():
    """(command, what it prints) in the order of the README."""
    for block in BLOCKS:
        yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def test_the_readme_does_what_it_shows(demo_address, tmp_path):
    """In a copy of what the commands read, so that the checkout stays as it is."""
    (tmp_path / "var").mkdir()
    for folder in ("tests", "codelists"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    matches = doctest.OutputChecker().check_output
    count = 0
    for command, shown in steps():
        done = subprocess.run(
            ["bash", "-c", command.replace("http://127.0.0.1:8080", demo_address)],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert matches(shown, done.stdout, doctest.ELLIPSIS), f"$ {command}\n{done.stdout}{done.stderr}"
        count += 1
    assert count == README.count("\n$ ")


def test_the_readme_names_targets_and_files_that_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_the_readme_names_variables_and_folders_that_the_code_reads():
    source = "".join(path.read_text() for path in (ROOT / "service").rglob("*.py"))
    for variable in set(re.findall(r"\bMIGDX_[A-Z_]+", README)):
        assert f'"{variable}"' in source, variable
    for folder in re.findall(r"^\| ((?:`\w+/`(?:, )?)+)", README, re.MULTILINE):
        assert all((ROOT / name).is_dir() for name in re.findall(r"`([\w/]+)`", folder)), folder


def test_the_help_of_every_command_is_there():
    """What `migdx structures ...` the README shows is a command, with the options it shows."""
    from click.testing import CliRunner

    from migdx.cli_structures import structures

    for name in set(re.findall(r"structures (\w+)", " ".join(BLOCKS))):
        told = CliRunner().invoke(structures, [name, "--help"])
        assert told.exit_code == 0, name
        assert "Usage" in told.output


def test_the_table_of_layers_is_the_order_that_is_enforced():
    table = README.split("| layer |")[1].partition("\n\n")[0]
    assert re.findall(r"`(\w+)/?`", table) == ORDER
