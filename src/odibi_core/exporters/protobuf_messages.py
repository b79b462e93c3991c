"""Classes of protobuf messages, made from a table of their fields: no generated code, and no other version of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from odibi_core.plugins import missing_extra

Fields: TypeAlias = tuple[tuple[str, int, str], ...]
"""Of each field its name, its number, and its type: `STRING`, `DOUBLE`, the name of a message, `[]` behind it for a
list."""


def message_class(package: str, messages: Mapping[str, Fields], name: str, needed_for: str) -> Any:
    """Return the class of one of the messages.

    Args:
        package: A package of its own, because a process may have the official messages too.
        messages: The fields of each message.
        name: The message.
        needed_for: The setting that needs it, for the error.

    Raises:
        MissingExtraError: protobuf is not installed.
    """
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError:
        raise missing_extra("protobuf", needed_for) from None
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for message, fields in messages.items():
        made = file.message_type.add(name=message)
        for field, number, kind in fields:
            plain = kind.removesuffix("[]")
            label = types.LABEL_REPEATED if plain != kind else types.LABEL_OPTIONAL
            is_message = plain in messages
            added = made.field.add(
                name=field,
                number=number,
                label=label,
                type=getattr(types, f"TYPE_{'MESSAGE' if is_message else plain}"),
            )
            if is_message:
                added.type_name = f".{package}.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
