"""The file of a moment that was found, as the index of a pack has it; another pack may have found the moment."""

from __future__ import annotations

from tr_desktop.errors import UserError
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.pack import Pack
from tr_desktop.moments import Indexed, Moment


def file_of(moment: Moment, catalog: Catalog, pack: Pack) -> Indexed:
    """The file that `moment` is in. Raises UserError if it has left the library, or `pack` hasn't read it that far."""
    path = moment.media.path
    try:
        item = catalog.load(path, pack.sha256)
    except KeyError as error:
        try:
            catalog.footage(path)
        except KeyError:
            raise UserError("The file isn't in the library", path=path, remedy="Index it again") from error
        raise _not_yet(moment, pack) from error
    if moment.segment.end_frame > len(item.footage) and not item.footage.is_whole:
        raise _not_yet(moment, pack)
    return item


def _not_yet(moment: Moment, pack: Pack) -> UserError:
    return UserError(
        f"The moment isn't indexed with {pack.name} yet",
        path=moment.media.path,
        remedy="Wait until it is, or use the model that found it",
    )
