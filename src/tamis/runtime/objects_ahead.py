"""Objects of stores, read some pictures ahead: a store is waited for, a processor is used."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final

from tamis.sources.objects.address import is_object_address
from tamis.sources.reading import read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

__all__ = ["objects_ahead"]

_AHEAD: Final = 8


@contextmanager
def objects_ahead(places: Sequence[tuple[str, str]]) -> Iterator[Callable[[str, str], bytes]]:
    """Yield what `read_bytes` is, for pictures that are asked for in a known order.

    Of objects at stores the next 8 are being read meanwhile, so that at most 9 are in memory. Files
    are read when they are asked for.

    Args:
        places: uri and path of each picture, in order; one that repeats at once counts once.
    """
    objects = list(dict.fromkeys(place for place in places if is_object_address(place[0])))
    if len(objects) < 2:  # noqa: PLR2004 - nothing is ahead of a single one
        yield read_bytes
        return
    waiting = iter(objects)
    under_way: OrderedDict[str, Future[bytes]] = OrderedDict()
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="tamis-ahead") as pool:

        def read(uri: str, path: str) -> bytes:
            for place in islice(waiting, max(_AHEAD + 1 - len(under_way), 0)):
                under_way[place[0]] = pool.submit(read_bytes, *place)
            asked = under_way.pop(uri, None)
            return read_bytes(uri, path) if asked is None else asked.result()

        try:
            yield read
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
