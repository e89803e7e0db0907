"""Tasks: what is predicted about an item, and everything that follows from it; one file per task, found by entry point."""

from headstart.core.tasks.task import TaskSpec, get_task, task_names

__all__ = ["TaskSpec", "get_task", "task_names"]
