"""The Makefile hands on what it is given."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.platform import CHECKOUT


@pytest.mark.parametrize(
    ("given", "exported"), [(["DOMAIN=paas.example.org"], "paas.example.org"), ([], "unset")]
)
def test_a_domain_reaches_the_command(tmp_path: Path, given: list[str], exported: str):
    asking = tmp_path / "asking.mk"
    asking.write_text("asked: ; @echo $${MINATO_DOMAIN-unset}\n")
    env = {name: value for name, value in os.environ.items() if not name.startswith("MINATO_")}
    command = ["make", "--no-print-directory", "-f", "Makefile", "-f", str(asking), "asked"]
    done = subprocess.run(
        [*command, *given], check=True, capture_output=True, text=True, cwd=CHECKOUT, env=env
    )
    assert done.stdout.strip() == exported
