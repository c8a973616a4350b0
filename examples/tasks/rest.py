"""`/api/tasks/`."""

from pathlib import Path

from rest_compat.resources.declaration import Key, Parameter, Resource

TASKS = Resource(
    name="tasks",
    one="a task",
    type="Task",
    folder=Path(__file__).parent,
    keys=(
        Key(name="id", example="tsk_01JZ8Q5W9T6D3M2K7R4X1B0CVE"),
        Key(name="title", example="Send the offer"),
        Key(name="opportunityId", path="opportunity.id", example="opp_01JZ8Q5W9T6D3M2K7R4X1B0CVA"),
        Key(name="dueDate", example="2025-03-31"),
        Key(name="done", example=False),
        Key(name="overdue", example=False),
        Key(name="assigneeId", path="assignee.id", example="usr_01JZ8Q5W9T6D3M2K7R4X1B0CVC"),
        Key(name="createdAt", example="2025-01-20T10:00:00Z"),
        Key(name="updatedAt", example="2025-03-15T09:30:00Z"),
    ),
    parameters=(
        Parameter(name="opportunityId", to="filter.opportunityId", description="Only tasks for this opportunity."),
        Parameter(name="done", to="filter.done", description="Only tasks that are done, or only those that are not."),
    ),
    examples={"create": {"New task": {"title": "Send the offer", "opportunityId": "opp_01JZ8Q5W9T6D3M2K7R4X1B0CVA"}}},
    graphql_only=("version", "daysLeft"),
)
