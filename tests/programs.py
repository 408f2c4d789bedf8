"""The system's own programs that tests drive: browser, ssh, curl.

Rule: where one is missing its tests are left out, but not where the change is judged: there they fail.
"""

import os
import shutil

import pytest


def needs(*programs):
    """The mark of tests that drive them all."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing) and not os.environ.get("CI"), reason=f"not installed: {', '.join(missing)}")
