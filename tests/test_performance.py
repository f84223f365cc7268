"""docs/performance.md says what was measured, and nothing else."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

WRITE = """
import sys
sys.path.insert(0, "benchmarks/speed")
import page
sys.stdout.reconfigure(encoding="utf-8")
sys.stdout.write(page.written(page.read_results()))
"""


def test_the_page_is_what_its_numbers_say() -> None:
    ran = subprocess.run([sys.executable, "-c", WRITE], cwd=ROOT, capture_output=True, check=True)
    assert ran.stdout.decode() == (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
