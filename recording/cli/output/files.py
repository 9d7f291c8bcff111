"""Files that a command writes into a folder: whole under their own name, or not at all."""

from contextlib import suppress
from pathlib import Path, PurePosixPath


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that has its name only when all of it is there, whatever ends the command meanwhile.

    A pipe or a device that has the name, such as `/dev/stdout`, receives the content itself.

    Raises:
        OSError: the disk refuses, by the name of the file; nothing is left.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    whole = path.resolve()
    part = whole.with_name(f"{whole.name}.part")
    try:
        part.write_bytes(content)
        part.replace(whole)
    except (OSError, KeyboardInterrupt) as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def is_below(name: str) -> bool:
    """Return whether a blob's name, read as a path, stays in the folder that it is put into."""
    parts = name.replace("\\", "/").split("/")
    return not PurePosixPath(name).is_absolute() and not any(part in ("", ".", "..") for part in parts)
