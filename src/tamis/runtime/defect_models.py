"""Which model is meant: a name in the dataset, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tamis.dataset.log_reading import told
from tamis.dataset.operations import DefectsFitted, DefectsScored
from tamis.errors import UsageError
from tamis.runtime.defect_model import DefectModel

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace

__all__ = ["find_model", "models_of_layers"]


def find_model(workspace: Workspace | None, name: str) -> tuple[DefectModel, Path]:
    """Read the model that the last `defects fit` of a name stored, else the one in a file.

    Raises:
        UsageError: the dataset has none of the name, and no file has it.
        InputError: the file is missing or no model.
    """
    files = {}
    if workspace is not None:
        made = [
            known
            for entry in workspace.store.log()
            if entry.state != "undone" and (known := told(entry, DefectsFitted))
        ]
        files = {known.name: known.file for known in made}
    if workspace is not None and name in files:
        path = workspace.path / files[name]
    else:
        path = Path(name).expanduser()
        if not path.exists() and path.suffix != ".npz":
            others = f"; it has {', '.join(sorted(files))}" if files else ""
            raise UsageError(
                f"the dataset has no model {name!r}{others}: fit one to pictures "
                "without defects, or name a model's file"
            )
    return DefectModel.read(path), path


def models_of_layers(workspace: Workspace) -> dict[str, str | None]:
    """Return the layers of scores, in order of their first, and the model of each layer's last.

    A model is None where the pictures scored each other.
    """
    scored = [
        known
        for entry in workspace.store.log()
        if entry.state != "undone" and (known := told(entry, DefectsScored))
    ]
    return {one.layer: None if one.batch else one.model for one in scored}
