"""Which tests run: without the native half none of its operators'."""

import shutil

from gramstyle.kernels import reason_missing

collect_ignore = []
if reason_missing() is not None:
    collect_ignore += ["test_gram_operator.py", "test_conv_gram_operator.py", "test_native_binary.py"]
elif shutil.which("nm") is None:
    collect_ignore += ["test_native_binary.py"]


def pytest_report_header():
    return f"native half: {reason_missing() or 'built'}"
