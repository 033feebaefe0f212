"""Permissions of files that several threads write at once."""

from __future__ import annotations

import os
import threading

from gramstyle import files


def test_threads_that_write_files_leave_the_umask_as_it_was(tmp_path, monkeypatch):
    """It can only be read by setting it: a thread that read between the two would set the wrong one."""
    before = os.umask(0o077)
    reading = threading.Barrier(2)
    real = os.umask

    def slowly(mask):
        """Lets another thread in between, if one may come."""
        found = real(mask)
        try:
            reading.wait(timeout=0.2)
        except threading.BrokenBarrierError:
            reading.reset()
        return found

    monkeypatch.setattr(os, "umask", slowly)
    try:
        threads = [
            threading.Thread(target=files.write_text, args=(tmp_path / str(number), "text"))
            for number in range(2)
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert real(0o077) == 0o077
        assert {(tmp_path / str(number)).stat().st_mode & 0o777 for number in range(2)} == {0o600}
    finally:
        real(before)
