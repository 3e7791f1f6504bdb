"""Says which tests share a process, with pytest's --dist loadgroup."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keeps a file's tests together, as they share fixtures; each notebook runs by itself."""
    for item in items:
        alone = item.name.startswith("test_every_cell_runs")
        item.add_marker(pytest.mark.xdist_group(item.name if alone else str(item.path)))
