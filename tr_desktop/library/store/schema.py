"""The catalog's tables, and the migration of libraries that older versions wrote."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tr_desktop.errors import LibraryError
from tr_desktop.library.store.words import search_words

# MIGRATIONS[n] makes a library of version n one of version n + 1.
MIGRATIONS: tuple[str, ...] = (
    "",
    # Version 1 was never released: its footage is indexed again.
    """
DROP TABLE IF EXISTS vectors;
DROP TABLE IF EXISTS media;
DROP TABLE IF EXISTS skipped;
CREATE TABLE media (            -- what a file holds, wherever it is and whatever it is called
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  size_bytes INTEGER NOT NULL,
  facts TEXT NOT NULL,          -- what the probe read, JSON
  ticks BLOB NOT NULL,          -- presentation times of all frames, or of those read so far
  end_tick INTEGER NOT NULL,
  tick_s TEXT NOT NULL,         -- seconds in a tick, 'n/d'
  start_pts INTEGER,            -- the first frame's time stamp, null where the file's stamps can't be trusted
  problems TEXT NOT NULL,       -- what was damaged but survived, JSON list
  is_whole INTEGER NOT NULL,    -- whether it was read to its end
  UNIQUE (digest, size_bytes)
);
CREATE TABLE file (             -- where it was seen last
  path BLOB PRIMARY KEY,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  media_id INTEGER REFERENCES media(id) ON DELETE CASCADE,
  reason TEXT                   -- why it can't be searched
) WITHOUT ROWID;
CREATE INDEX file_media ON file(media_id);
CREATE TABLE vectors (
  id INTEGER PRIMARY KEY,
  media_id INTEGER NOT NULL REFERENCES media(id) ON DELETE CASCADE,
  pack TEXT NOT NULL,           -- sha256 of the model pack
  width INTEGER NOT NULL,
  every_s TEXT NOT NULL,        -- row k stands for the frame on screen at k * every_s, 'n/d'
  rows INTEGER NOT NULL,
  decode_all INTEGER NOT NULL,  -- how it has to be read on where it isn't whole
  is_whole INTEGER NOT NULL,
  UNIQUE (media_id, pack)
);
CREATE TABLE span (             -- rows [first_row, first_row + rows) are at [at, at + rows) in the pack's vector files
  vectors_id INTEGER NOT NULL REFERENCES vectors(id) ON DELETE CASCADE,
  first_row INTEGER NOT NULL,
  at INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  PRIMARY KEY (vectors_id, first_row)
) WITHOUT ROWID;
""",
    """
CREATE TABLE close_up (         -- frames that a search looked at beyond the index, the latest last
  id INTEGER PRIMARY KEY,
  media_id INTEGER NOT NULL REFERENCES media(id) ON DELETE CASCADE,
  pack TEXT NOT NULL,
  frame INTEGER NOT NULL,
  vector BLOB NOT NULL,         -- fp16 [width]
  UNIQUE (media_id, pack, frame)
);
""",
    """
CREATE TABLE sidecar (          -- subtitle files
  id INTEGER PRIMARY KEY,
  path BLOB NOT NULL UNIQUE,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL
);
CREATE VIRTUAL TABLE cue USING fts5(text, sidecar_id UNINDEXED, start_s UNINDEXED, end_s UNINDEXED)
""",
    # Subtitle files are read again, which takes no time.
    """
DROP TABLE sidecar;
DROP TABLE cue;
CREATE TABLE text_source (      -- where text comes from
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,           -- 'file': subtitles beside footage; 'track': inside it; 'screen': in its pictures
  path BLOB UNIQUE,             -- of a file, with its
  size_bytes INTEGER,
  mtime_ns INTEGER,
  media_id INTEGER REFERENCES media(id) ON DELETE CASCADE,  -- of what is inside footage
  UNIQUE (media_id, kind)
);
CREATE VIRTUAL TABLE cue USING fts5(text, source_id UNINDEXED, start_s UNINDEXED, end_s UNINDEXED);
CREATE TRIGGER text_source_gone AFTER DELETE ON text_source BEGIN DELETE FROM cue WHERE source_id = old.id; END
""",
    # Words are found inside sentences without spaces. Subtitle files are read again, because their encoding may have
    # been guessed wrongly; until then, and if their drive is missing, the stored text is kept. A cue's row number
    # contains its source, so that those of one source are found without looking at all of them.
    """
ALTER TABLE text_source ADD COLUMN problem TEXT;
UPDATE text_source SET mtime_ns = -1 WHERE path NOTNULL;
DROP TRIGGER text_source_gone;
ALTER TABLE cue RENAME TO cue_before;
CREATE VIRTUAL TABLE cue USING fts5(words, text UNINDEXED, start_s UNINDEXED, end_s UNINDEXED,
  tokenize = 'unicode61 remove_diacritics 2');
INSERT INTO cue (rowid, words, text, start_s, end_s)
  SELECT (source_id << 20) + row_number() OVER (PARTITION BY source_id ORDER BY rowid) - 1,
  search_words(text), text, start_s, end_s FROM cue_before;
DROP TABLE cue_before;
CREATE TRIGGER text_source_gone AFTER DELETE ON text_source BEGIN
  DELETE FROM cue WHERE rowid BETWEEN old.id << 20 AND (old.id << 20) + 1048575; END
""",
    """
CREATE TABLE drive (            -- where drives are mounted that footage was found on
  path BLOB PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE exclusion (        -- patterns of names that are never footage
  pattern TEXT PRIMARY KEY
) WITHOUT ROWID
""",
    """
-- decoder: the one that found the reason; another one tries again
ALTER TABLE file ADD COLUMN decoder TEXT;
-- packets: digest of all pictures and subtitles as the file stores them, null if it wasn't read to its end
ALTER TABLE media ADD COLUMN packets BLOB;
CREATE TABLE new_ticks (        -- of media read in part: the times that follow those in `media.ticks`
  media_id INTEGER NOT NULL REFERENCES media(id) ON DELETE CASCADE,
  first_frame INTEGER NOT NULL,
  ticks BLOB NOT NULL,
  PRIMARY KEY (media_id, first_frame)
) WITHOUT ROWID
""",
    """
CREATE TABLE earlier_content (  -- digests of media before their file got longer: frames found then are still right
  media_id INTEGER NOT NULL REFERENCES media(id) ON DELETE CASCADE,
  digest BLOB NOT NULL,
  PRIMARY KEY (media_id, digest)
) WITHOUT ROWID
""",
    """
-- ticks: of a coarse index (`coarse.py`), when the frame of each row is shown; null for an exact one
ALTER TABLE vectors ADD COLUMN ticks BLOB;
CREATE TABLE answered (         -- media in which a search found something before they were read to their end
  media_id INTEGER PRIMARY KEY REFERENCES media(id) ON DELETE CASCADE,
  number INTEGER NOT NULL       -- the latest has the highest
)
""",
)


def version_of(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def check_not_newer(db: sqlite3.Connection, path: Path) -> None:
    """Raise LibraryError for a library that a newer version wrote."""
    if (version := version_of(db)) > len(MIGRATIONS):
        raise LibraryError(
            f"The library was written by a newer version (format {version}; this one supports up to {len(MIGRATIONS)})",
            path=path,
            remedy="Update TimeRefine Desktop, or choose another folder with --library",
        )


def migrate(db: sqlite3.Connection, version: int | None = None) -> None:
    """Bring the tables up to `version`, None for the current one: all or nothing."""
    version = len(MIGRATIONS) if version is None else version
    if version_of(db) >= version:
        return
    db.create_function("search_words", 1, search_words, deterministic=True)
    db.execute("BEGIN IMMEDIATE")
    try:
        for migration in MIGRATIONS[version_of(db) : version]:
            for statement in migration.split(";\n"):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {version}")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
