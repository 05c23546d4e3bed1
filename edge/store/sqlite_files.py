"""The files of one SQLite store, for one caller at a time, of all threads and processes."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from edge.errors import StoreError
from edge.sqlite import transaction
from edge.store import sqlite_index as index
from edge.store.folder_lock import FolderLock
from edge.store.sqlite_shelf import Columns, ShelfFile, delete_file, new_name, sync_folder, unpacked

_OPEN_FILES = 32
LOCK_TIMEOUT_S = 10.0


class SqliteFiles:
    """An index and a folder of shelves.  Everything but :meth:`using` and :meth:`close` is called inside ``using``."""

    def __init__(self, path: Path, folder: Path) -> None:
        """Open or create the index at ``path`` and the ``folder`` of shelves.  Raises StoreError naming the cure."""
        self.path, self._folder = path, folder
        self._threads = threading.RLock()
        self._open: OrderedDict[str, ShelfFile] = OrderedDict()
        self._seen = 0
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = FolderLock(path.with_name(path.name + ".lock"))
        except OSError as error:
            raise StoreError(f"open store {path}: {error}; look at its folder and its owner") from error
        self._index: sqlite3.Connection | None = None
        try:
            with self._lock.held(LOCK_TIMEOUT_S):
                if not path.exists() or path.stat().st_size == 0:
                    index.make(path)
                self._index = index.open_index(path)
                self.sweep(self._index)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StoreError(f"open store {path}: {error}; look at its disk, restore it if it is damaged") from error
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def using(self, verb: str, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[sqlite3.Connection]:
        """The index.  What SQLite and the disk raise becomes a StoreError that begins with ``verb``."""
        with self._threads:
            if self._index is None:
                raise StoreError(f"{verb} store {self.path}: it is closed")
            try:
                with self._lock.held(timeout_s):
                    self._close_stale(self._index)
                    yield self._index
            except (sqlite3.Error, UnicodeError, OverflowError, OSError) as error:
                raise StoreError(f"{verb} store {self.path}: {error}; look at its disk") from error

    def shelves(self, db: sqlite3.Connection) -> list[str]:
        """The shelves that there are."""
        return unpacked(db.execute("SELECT shelf FROM shelves ORDER BY shelf").fetchall())

    def shelf(self, db: sqlite3.Connection, shelf: str) -> ShelfFile | None:
        """The file of a shelf; None if there is no such shelf.  Raises StoreError if there should be one."""
        row = db.execute("SELECT file FROM shelves WHERE shelf = ?", (shelf,)).fetchone()
        return None if row is None else self.opened(row[0])

    def of_day(self, db: sqlite3.Connection, day: int) -> Iterator[ShelfFile]:
        """Where content of a day (as ``slots`` has it) may lie, one after the other: only so many are open at once."""
        rows = db.execute("SELECT file FROM shelves WHERE day = ? ORDER BY shelf", (day,)).fetchall()
        return (self.opened(file) for (file,) in rows)

    def put(self, db: sqlite3.Connection, content: Mapping[str, Iterable[Columns]]) -> dict[str, str]:
        """Write rows to their shelves.  Returns the files of those that are new, which are in use once they are entered."""
        self.sweep(db)
        made: dict[str, str] = {}
        for shelf, rows in content.items():
            file = self.shelf(db, shelf)
            if file is None:
                made[shelf] = self.make(db, shelf)
                file = self.opened(made[shelf])
            file.put(rows)
        return made

    def make(self, db: sqlite3.Connection, shelf: str) -> str:
        """The name of a new file for ``shelf``.  Until it is entered it counts as one that is to be deleted."""
        name = new_name(shelf)
        with transaction(db):
            db.execute("INSERT INTO leaving VALUES (?)", (name,))
        self._open[name] = ShelfFile.make(self._folder / name)
        return name

    def enter(self, db: sqlite3.Connection, made: Mapping[str, str]) -> None:
        """Take new files into use; inside a transaction."""
        for shelf, name in made.items():
            db.execute("DELETE FROM leaving WHERE file = ?", (name,))
            db.execute("INSERT INTO shelves VALUES (?, ?, ?)", (shelf, index.shelf_day(shelf), name))

    def retire(self, db: sqlite3.Connection, shelf: str) -> None:
        """Take a shelf's file out of use; inside a transaction.  :meth:`sweep` then deletes it."""
        db.execute("INSERT INTO leaving SELECT file FROM shelves WHERE shelf = ?", (shelf,))
        db.execute("DELETE FROM shelves WHERE shelf = ?", (shelf,))

    def sweep(self, db: sqlite3.Connection) -> None:
        """Delete the files that are out of use, for good: they are gone from the disk's list when this returns."""
        names = unpacked(db.execute("SELECT file FROM leaving").fetchall())
        if not names:
            return
        for name in names:
            opened = self._open.pop(name, None)
            if opened is not None:
                opened.close()
            delete_file(self._folder / name)
        sync_folder(self._folder)
        with transaction(db):
            db.execute("DELETE FROM leaving")

    def close(self) -> None:
        """Close; further use raises StoreError."""
        with self._threads:
            if self._index is not None:
                self._close_open(list(self._open))
                self._index.close()
                self._index = None
                self._lock.close()

    def opened(self, name: str) -> ShelfFile:
        """The file of this name, in use or not.  Raises StoreError if it is not there."""
        found = self._open.pop(name, None) or ShelfFile(self._folder / name)
        self._open[name] = found
        self._close_open(list(self._open)[:-_OPEN_FILES])
        return found

    def _close_stale(self, db: sqlite3.Connection) -> None:
        """Close the files that another process has taken out of use since we last looked."""
        (seen,) = db.execute("PRAGMA data_version").fetchone()
        if seen != self._seen:
            known = set(unpacked(db.execute("SELECT file FROM shelves").fetchall()))
            self._close_open([name for name in self._open if name not in known])
            self._seen = seen

    def _close_open(self, names: Iterable[str]) -> None:
        for name in names:
            self._open.pop(name).close()
