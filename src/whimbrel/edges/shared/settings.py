"""One setting of an installation in its public shape."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Source = Literal["file", "environment", "command_line", "default"]
Value = bool | int | str | tuple[str, ...]


class SettingView(msgspec.Struct, frozen=True, kw_only=True):
    """What is set, where that came from and what it means."""

    name: Annotated[str, Meta(description="As in the file: a section and a name.")]
    variable: Annotated[str, Meta(description="Its name in the environment, which wins over the file.")]
    value: Annotated[Value, Meta(description="What the process runs with; passwords are masked.")]
    default: Value
    source: Annotated[Source, Meta(description="`command_line`: an option, or the verb itself, such as `quickstart`.")]
    secret: Annotated[bool, Meta(description="Whether the whole value is masked.")]
    takes: Annotated[str, Meta(description="What may be set, in words.")]
    meaning: str
    restart: Annotated[bool, Meta(description="Whether a change takes a restart of the node.")] = True
