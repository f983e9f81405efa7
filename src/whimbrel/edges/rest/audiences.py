"""/v1/contact-fields, /v1/tags, /v1/lists and /v1/segments: what contacts are described and chosen by."""

from typing import Any

from whimbrel.domain.contacts import LabelKind
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page
from whimbrel.products.contacts import fields, labelling, labels, segments
from whimbrel.products.contacts.fields import FieldChange, NewField
from whimbrel.products.contacts.imports import ImportView
from whimbrel.products.contacts.labelling import LabelRequest
from whimbrel.products.contacts.labels import LabelChange, Members, MembersAnswer, NewLabel
from whimbrel.products.contacts.segments import NewSegment, SegmentChange, SegmentDraft
from whimbrel.products.contacts.shapes import CountView, FieldView, LabelView, SegmentPreview, SegmentView

_TAG = "contacts"
_MEMBERS_MAX = 256 * 1024
_FILTER = 'country in ("DE", "AT") and plan = "pro" and not tag = "churned"'


def _of(call: Call[Any, Any]) -> dict[str, Any]:
    return {"account_id": call.account_id, "test": call.test}


async def find_fields(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await fields.find(services.manage, **_of(call)))


async def create_field(services: Services, call: Call[NoQuery, NewField]) -> Answer:
    made = await fields.create(services.manage, call.actor, call.body, **_of(call))
    return Answer(made, location=f"/v1/contact-fields/{made.id}")


async def update_field(services: Services, call: Call[NoQuery, FieldChange]) -> Answer:
    return Answer(await fields.update(services.manage, call.actor, call.path["id"], call.body, **_of(call)))


async def delete_field(services: Services, call: Call[NoQuery, None]) -> Answer:
    await fields.remove(services.manage, call.actor, call.path["id"], **_of(call))
    return Answer()


async def find_segments(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await segments.find(services.manage, **_of(call)))


async def create_segment(services: Services, call: Call[NoQuery, NewSegment]) -> Answer:
    made = await segments.create(services.manage, call.actor, call.body, **_of(call))
    return Answer(made, location=f"/v1/segments/{made.id}")


async def preview_segment(services: Services, call: Call[NoQuery, SegmentDraft]) -> Answer:
    return Answer(await segments.preview(services.manage, call.body, **_of(call)))


async def get_segment(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await segments.get(services.manage, call.path["id"], **_of(call)))


async def count_segment(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await segments.count(services.manage, call.path["id"], **_of(call)))


async def update_segment(services: Services, call: Call[NoQuery, SegmentChange]) -> Answer:
    return Answer(await segments.update(services.manage, call.actor, call.path["id"], call.body, **_of(call)))


async def label_segment(services: Services, call: Call[NoQuery, LabelRequest]) -> Answer:
    begun = await labelling.label(services.manage, call.actor, call.path["id"], call.body, **_of(call))
    return Answer(begun, location=f"/v1/contact-imports/{begun.id}")


async def delete_segment(services: Services, call: Call[NoQuery, None]) -> Answer:
    await segments.delete(services.manage, call.actor, call.path["id"], **_of(call))
    return Answer()


class _Labels:
    """What is answered about tags, or about lists: they differ in name alone."""

    def __init__(self, kind: LabelKind) -> None:
        self._kind = kind

    async def find(self, services: Services, call: Call[NoQuery, None]) -> Answer:
        return Answer(await labels.find(services.manage, self._kind, **_of(call)))

    async def create(self, services: Services, call: Call[NoQuery, NewLabel]) -> Answer:
        made = await labels.create(services.manage, call.actor, self._kind, call.body, **_of(call))
        return Answer(made, location=f"/v1/{self._kind}s/{made.id}")

    async def get(self, services: Services, call: Call[NoQuery, None]) -> Answer:
        return Answer(await labels.get(services.manage, self._kind, call.path["id"], **_of(call)))

    async def update(self, services: Services, call: Call[NoQuery, LabelChange]) -> Answer:
        changed = await labels.update(services.manage, call.actor, self._kind, call.path["id"], call.body, **_of(call))
        return Answer(changed)

    async def delete(self, services: Services, call: Call[NoQuery, None]) -> Answer:
        await labels.remove(services.manage, call.actor, self._kind, call.path["id"], **_of(call))
        return Answer()

    async def add(self, services: Services, call: Call[NoQuery, Members]) -> Answer:
        return Answer(await self._members(services, call, add=True))

    async def take(self, services: Services, call: Call[NoQuery, Members]) -> Answer:
        return Answer(await self._members(services, call, add=False))

    async def _members(self, services: Services, call: Call[NoQuery, Members], *, add: bool) -> MembersAnswer:
        label_id = call.path["id"]
        return await labels.change_members(services.manage, self._kind, label_id, call.body, add=add, **_of(call))


def _labels(kind: LabelKind) -> tuple[Operation, ...]:
    """The operations of tags, or of lists."""
    path, name, about = f"/v1/{kind}s", kind.capitalize(), _Labels(kind)
    return (
        Operation(
            method="GET", path=path, name=f"list{name}s", tag=_TAG, summary=f"List {kind}s, by name",
            scope="contacts:read", handle=about.find, answer=Page[LabelView],
        ),
        Operation(
            method="POST", path=path, name=f"create{name}", tag=_TAG, summary=f"Make a {kind}",
            scope="contacts:write", handle=about.create, body=NewLabel, answer=LabelView, status=201,
            errors=("conflict", "contact_limit"), example={"name": "vip" if kind == "tag" else "Newsletter"},
        ),
        Operation(
            method="GET", path=f"{path}/{{id}}", name=f"get{name}", tag=_TAG,
            summary=f"Read a {kind} with the number of its members",
            scope="contacts:read", handle=about.get, answer=LabelView,
        ),
        Operation(
            method="PATCH", path=f"{path}/{{id}}", name=f"update{name}", tag=_TAG, summary=f"Rename a {kind}",
            description="Filters that name it have to be changed too.",
            scope="contacts:write", handle=about.update, body=LabelChange, answer=LabelView, errors=("conflict",),
            example={"description": "Who asked for it"},
        ),
        Operation(
            method="DELETE", path=f"{path}/{{id}}", name=f"delete{name}", tag=_TAG, summary=f"Delete a {kind}",
            description="Its contacts stay.",
            scope="contacts:write", handle=about.delete, status=204,
        ),
        Operation(
            method="POST", path=f"{path}/{{id}}/members", name=f"addMembersOf{name}", tag=_TAG,
            summary=f"Put contacts on a {kind}" if kind == "list" else "Tag contacts",
            scope="contacts:write", handle=about.add, body=Members, answer=MembersAnswer,
            body_max=_MEMBERS_MAX, example={"numbers": ["+14155550123"]},
        ),
        Operation(
            method="POST", path=f"{path}/{{id}}/members/remove", name=f"removeMembersOf{name}", tag=_TAG,
            summary=f"Take contacts off a {kind}" if kind == "list" else "Take a tag off contacts",
            scope="contacts:write", handle=about.take, body=Members, answer=MembersAnswer,
            body_max=_MEMBERS_MAX, example={"numbers": ["+14155550123"]},
        ),
    )  # fmt: skip


OPERATIONS = (
    Operation(
        method="GET", path="/v1/contact-fields", name="listContactFields", tag=_TAG,
        summary="List the fields of contacts",
        scope="contacts:read", handle=find_fields, answer=Page[FieldView],
    ),
    Operation(
        method="POST", path="/v1/contact-fields", name="createContactField", tag=_TAG, summary="Declare a field",
        description="Of the kind text, choice, number, date or boolean. Twenty of texts and choices, twenty of the "
        "others.",
        scope="contacts:write", handle=create_field, body=NewField, answer=FieldView, status=201,
        errors=("conflict", "contact_limit"),
        example={"name": "plan", "kind": "choice", "choices": ["free", "pro", "team"]},
    ),
    Operation(
        method="PATCH", path="/v1/contact-fields/{id}", name="updateContactField", tag=_TAG,
        summary="Rename a field, or change its choices",
        description="Filters that name it have to be changed too.",
        scope="contacts:write", handle=update_field, body=FieldChange, answer=FieldView, errors=("conflict",),
        example={"name": "tariff"},
    ),
    Operation(
        method="DELETE", path="/v1/contact-fields/{id}", name="deleteContactField", tag=_TAG,
        summary="Delete a field with its values",
        scope="contacts:write", handle=delete_field, status=204,
    ),
    *_labels("tag"),
    *_labels("list"),
    Operation(
        method="GET", path="/v1/segments", name="listSegments", tag=_TAG, summary="List segments, by name",
        scope="contacts:read", handle=find_segments, answer=Page[SegmentView],
    ),
    Operation(
        method="POST", path="/v1/segments", name="createSegment", tag=_TAG, summary="Keep a segment",
        scope="contacts:write", handle=create_segment, body=NewSegment, answer=SegmentView, status=201,
        errors=("invalid_filter", "conflict", "contact_limit"), example={"name": "Customers", "filter": _FILTER},
    ),
    Operation(
        method="POST", path="/v1/segments/preview", name="previewSegment", tag=_TAG,
        summary="See whom a filter holds for",
        description="How many, and the newest of them; nothing is kept.",
        scope="contacts:read", handle=preview_segment, body=SegmentDraft, answer=SegmentPreview,
        errors=("invalid_filter",), example={"filter": _FILTER},
    ),
    Operation(
        method="GET", path="/v1/segments/{id}", name="getSegment", tag=_TAG, summary="Read a segment",
        scope="contacts:read", handle=get_segment, answer=SegmentView,
    ),
    Operation(
        method="GET", path="/v1/segments/{id}/count", name="countSegment", tag=_TAG,
        summary="Count the contacts of a segment",
        scope="contacts:read", handle=count_segment, answer=CountView, errors=("invalid_filter",),
    ),
    Operation(
        method="PATCH", path="/v1/segments/{id}", name="updateSegment", tag=_TAG, summary="Change a segment",
        scope="contacts:write", handle=update_segment, body=SegmentChange, answer=SegmentView,
        errors=("invalid_filter", "conflict"), example={"filter": 'tag = "vip"'},
    ),
    Operation(
        method="POST", path="/v1/segments/{id}/label", name="labelSegment", tag=_TAG,
        summary="Put everybody of a segment on a list, or tag them",
        description="Or take them off. It goes on by itself: follow it, and cancel it, as an import. Nobody hears of "
        "each of them: `contact_import.finished` tells of the whole, and no flow begins.",
        scope="contacts:write", handle=label_segment, body=LabelRequest, answer=ImportView, status=202,
        errors=("invalid_filter", "contact_limit"), example={"list": "Newsletter"},
    ),
    Operation(
        method="DELETE", path="/v1/segments/{id}", name="deleteSegment", tag=_TAG, summary="Delete a segment",
        description="Its contacts stay.",
        scope="contacts:write", handle=delete_segment, status=204,
    ),
)  # fmt: skip
