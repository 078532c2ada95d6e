"""How property tests draw: the same examples in every run, so that what failed is what was changed.

`make fuzz` draws new ones, run after run, and prints how to see a failure again.
"""

from hypothesis import HealthCheck, settings

# A busy machine, and a folder that all examples of a test share.
NO_FAULT = [
    HealthCheck.too_slow,
    HealthCheck.function_scoped_fixture,
]

settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=NO_FAULT)
settings.register_profile("new", derandomize=False, deadline=None, suppress_health_check=NO_FAULT, print_blob=True)
settings.load_profile("same")
