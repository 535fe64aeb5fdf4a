"""Which encoders can be used here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.encoders.registry import available
from tamis.encoders.runtimes import find_runtimes
from tamis.services.encoders.contract import EncoderEntry, EncoderList
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.encoders.contract import ListEncoders
    from tamis.verbs.feedback import Feedback

__all__ = ["list_encoders"]


def list_encoders(
    _workspace: Workspace | None, _request: ListEncoders, _feedback: Feedback = SILENT
) -> EncoderList:
    """Return the encoders that can be used here, and what is installed to run them."""
    runtimes = {runtime.name: runtime for runtime in find_runtimes() if runtime.version}
    return EncoderList(
        encoders=[
            EncoderEntry(
                spec=row.spec,
                short_names=row.short_names,
                installed=row.installed,
                needs=row.needs,
                needs_network=row.needs_network,
                runtime=row.runtime,
                devices=runtimes[row.runtime].devices if row.runtime in runtimes else (),
            )
            for row in available()
        ],
        runtimes=[
            f"{runtime.name} {runtime.version} ({', '.join(runtime.devices)})"
            for runtime in runtimes.values()
        ],
    )
