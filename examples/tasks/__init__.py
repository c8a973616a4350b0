"""Tasks: what is to be done for an opportunity. A package that adds a noun; docs/extending.md explains it step by step."""

from datetime import UTC, date, datetime

import strawberry
from sqlalchemy import ColumnElement, FromClause, Index, func

from schema.declaring import ID, NAME, Date, Extension, Opportunity, Tracked, computed, field, noun, seen_with

from .rest import TASKS

extension = Extension("tasks")


def is_overdue(task: FromClause) -> ColumnElement[bool]:
    """A task that isn't done and was due before today, in UTC."""
    return task.c.due_date.is_not(None) & ~task.c.done & (task.c.due_date < func.current_date())


@extension.declares
@noun(
    "tsk",
    visible=seen_with("opportunity_id", Opportunity),
    lists=True,
    followed=True,
    creates="A new task. A field that is left out, or null, stays empty.",
    updates="A change of a task. A field that is left out stays as it is; null clears the due date and the assignee.",
)
class Task(Tracked, table=True):
    """Something that is to be done for an opportunity."""

    __table_args__ = (
        Index("ix_task_newest", "workspace_id", "created_at", "id"),
        Index("ix_task_opportunity", "workspace_id", "opportunity_id", "created_at", "id"),
    )

    title: str = field("What is to be done.", NAME, filters=True, orders="a")
    opportunity_id: ID = field("The opportunity that the task is for.", to="Opportunity", on_delete="cascade", filters=True)
    due_date: Date | None = field("The day until which the task is to be done.", filters=True, orders="b")
    done: bool = field(
        "Whether the task is done.", default=False, filters=True, groups=("DONE", "Whether all tasks of the group are done.")
    )
    assignee_id: ID | None = field("The user who does the task.", to="User", on_delete="clear", filters=True)
    overdue: bool = computed(is_overdue, "Whether the task isn't done, though its day is past.")


extension.listed(Opportunity, "tasks", "The tasks of the opportunity; newest first, unless `orderBy` is given.", Task, "opportunity_id")


@extension.field(Task, "How many days are left until the due date, less than none if it is past; null without one.", needs=("due_date",))
def days_left(task: strawberry.Parent[Task]) -> int | None:
    return None if task.due_date is None else (date.fromisoformat(str(task.due_date)) - datetime.now(UTC).date()).days


extension.rest(TASKS)
