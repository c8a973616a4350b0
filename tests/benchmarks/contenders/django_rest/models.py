"""The tables as they are; ids are unique by themselves, so that they can be what Django wants of a key."""

import os
from datetime import UTC, datetime
from typing import Any

from django.db import models
from ulid import ULID

WORKSPACE = os.environ["BENCH_WORKSPACE"]


def new_id() -> str:
    return f"opp_{ULID()}"


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class Instant(models.DateTimeField):
    """Kept as ISO 8601 text."""

    def get_db_prep_value(self, value: datetime | None, connection: Any, prepared: bool = False) -> str | None:  # noqa: FBT001, FBT002  Django's
        return value and value.strftime("%Y-%m-%dT%H:%M:%SZ")


class Stage(models.IntegerChoices):
    """The pipeline; labels are what clients see."""

    PROSPECTING = 0, "prospecting"
    QUALIFICATION = 1, "qualification"
    NEEDS_ANALYSIS = 2, "needs_analysis"
    PROPOSAL = 3, "proposal"
    NEGOTIATION = 4, "negotiation"
    CLOSED_WON = 5, "closed_won"
    CLOSED_LOST = 6, "closed_lost"


class Account(models.Model):
    id = models.CharField(primary_key=True)
    name = models.CharField()

    class Meta:
        managed = False
        db_table = "account"


class User(models.Model):
    id = models.CharField(primary_key=True)
    name = models.CharField()

    class Meta:
        managed = False
        db_table = "user"


class Opportunity(models.Model):
    id = models.CharField(primary_key=True, default=new_id)
    workspace_id = models.CharField(default=WORKSPACE)
    name = models.CharField()
    name_folded = models.CharField()
    account = models.ForeignKey(Account, models.PROTECT)
    value_cents = models.BigIntegerField(null=True)
    stage = models.SmallIntegerField(choices=Stage, default=Stage.PROSPECTING)
    probability = models.SmallIntegerField(default=10)
    probability_manual = models.BooleanField(default=True)
    close_date = models.DateField(null=True)
    closed_date = models.DateField(null=True)
    loss_reason = models.CharField(null=True)
    assigned_to = models.ForeignKey(User, models.PROTECT, null=True)
    source = models.CharField(null=True)
    source_folded = models.CharField(null=True)
    description = models.CharField(null=True)
    stage_since = Instant(default=now)
    created_at = Instant(default=now)
    updated_at = Instant(default=now)
    version = models.IntegerField(default=1)

    class Meta:
        managed = False
        db_table = "opportunity"
        ordering = ("-created_at", "-id")


class Link(models.Model):
    pk = models.CompositePrimaryKey("workspace_id", "opportunity_id", "position")
    workspace_id = models.CharField(default=WORKSPACE)
    opportunity = models.ForeignKey(Opportunity, models.CASCADE, related_name="links")
    position = models.IntegerField()
    contact_id = models.CharField()

    class Meta:
        managed = False
        db_table = "opportunity_contact"
        ordering = ("position",)
