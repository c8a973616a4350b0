"""What clients see of a deal."""

from typing import Any

from django.db import transaction
from rest_framework import serializers

from .models import Account, Link, Opportunity, Stage, User, now

_ITEM = "id name accountId accountName value stage probability closeDate assignedTo source createdAt updatedAt"
_DETAIL = _ITEM.replace(" assignedTo ", " closedDate lossReason assignedTo assignedToName ").replace(
    " created", " contactIds description created"
)
ITEM, DETAIL = tuple(_ITEM.split()), tuple(_DETAIL.split())


class Money(serializers.Field):
    """Whole cents as a number of the currency."""

    def to_representation(self, value: int) -> float:
        return value // 100 if value % 100 == 0 else value / 100

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int | float):
            raise serializers.ValidationError("A number is wanted.")
        return round(data * 100)


class StageField(serializers.ChoiceField):
    """A stage by its name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=Stage.labels, **options)

    def to_representation(self, value: int) -> str:
        return Stage.labels[value]

    def to_internal_value(self, data: Any) -> int:
        return Stage.labels.index(super().to_internal_value(data))


class Item(serializers.ModelSerializer):
    """A deal in a list."""

    accountId = serializers.PrimaryKeyRelatedField(source="account", queryset=Account.objects.all())
    accountName = serializers.CharField(source="account.name", read_only=True)
    value = Money(source="value_cents", allow_null=True, required=False)
    stage = StageField(required=False)
    closeDate = serializers.DateField(source="close_date", allow_null=True, required=False)
    assignedTo = serializers.PrimaryKeyRelatedField(source="assigned_to", queryset=User.objects.all(), allow_null=True, required=False)
    createdAt = serializers.DateTimeField(source="created_at", read_only=True)
    updatedAt = serializers.DateTimeField(source="updated_at", read_only=True)

    class Meta:
        model = Opportunity
        fields = ITEM
        read_only_fields = ("id",)


class Detail(Item):
    """All of a deal."""

    closedDate = serializers.DateField(source="closed_date", allow_null=True, required=False)
    lossReason = serializers.CharField(source="loss_reason", allow_null=True, required=False)
    assignedToName = serializers.SerializerMethodField()
    contactIds = serializers.ListField(child=serializers.CharField(), required=False, source="contact_ids")

    class Meta(Item.Meta):
        fields = DETAIL

    def get_assignedToName(self, deal: Opportunity) -> str | None:  # noqa: N802  named after its field
        return deal.assigned_to and deal.assigned_to.name

    def to_representation(self, instance: Opportunity) -> Any:
        instance.contact_ids = [link.contact_id for link in instance.links.all()]
        return super().to_representation(instance)

    @transaction.atomic
    def create(self, validated_data: dict[str, Any]) -> Opportunity:
        contacts = validated_data.pop("contact_ids", [])
        name, source = validated_data["name"], validated_data.get("source")
        deal = Opportunity.objects.create(**validated_data, name_folded=name.casefold(), source_folded=source and source.casefold())
        Link.objects.bulk_create(Link(opportunity=deal, position=position, contact_id=id_) for position, id_ in enumerate(contacts))
        return deal

    @transaction.atomic
    def update(self, instance: Opportunity, validated_data: dict[str, Any]) -> Opportunity:
        instance.updated_at, instance.version = now(), instance.version + 1
        return super().update(instance, validated_data)
