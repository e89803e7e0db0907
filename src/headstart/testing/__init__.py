"""The published checks: what every part promises, built in or a plugin's, run on small synthetic data.

>>> from headstart.testing import check, checks_of
>>> check("rankers", "ridge")
>>> next(one.promise for one in checks_of("rankers", "ridge"))
'It has the name under which it is registered.'
"""

from headstart.testing.checks import Check, CheckFailed, CheckSkipped
from headstart.testing.running import KINDS, check, checks_of

__all__ = ["KINDS", "Check", "CheckFailed", "CheckSkipped", "check", "checks_of"]
