"""Which tests run: without the native half none of its operators', and long ones only where asked for."""

import shutil

from gramstyle.kernels import reason_missing

collect_ignore = []
if reason_missing() is not None:
    collect_ignore += ["test_gram_operator.py", "test_conv_gram_operator.py", "test_native_binary.py"]
elif shutil.which("nm") is None:
    collect_ignore += ["test_native_binary.py"]


def pytest_report_header():
    return f"native half: {reason_missing() or 'built'}"


def pytest_collection_modifyitems(config, items):
    """Leave out what takes minutes unless `-m` names it."""
    if "proofs" in (config.option.markexpr or ""):
        return
    left_out = [item for item in items if item.get_closest_marker("proofs")]
    items[:] = [item for item in items if not item.get_closest_marker("proofs")]
    config.hook.pytest_deselected(items=left_out)
